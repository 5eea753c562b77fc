"""The numbers of the algorithm."""

from dataclasses import dataclass

__all__ = ["RedrawSettings"]


@dataclass(frozen=True)
class RedrawSettings:
    """Numbers of the algorithm that a user may set, and those that were measured once.

    Attributes
    ----------
    patch_size, stride : int
        Side of a patch and distance of neighbouring patches, pixels.
    coarsest : int
        Short side of the coarsest scale, pixels.
    strength, content_weight, coherence, balance, detail : float
        See :class:`StylePropagator`.
    style_scale : float
        Likewise.
    bank : {"style", "generated"}
    color : {"style", "content", "only"}
    """

    patch_size: int
    stride: int
    coarsest: int
    strength: float
    content_weight: float
    coherence: float
    balance: float
    bank: str
    detail: float
    style_scale: float = 1.0
    color: str = "style"
    style_balance: float = 0.05
    structure_share: float = 0.25
    n_rounds: int = 2
    n_coarsest_rounds: int = 7
    n_sweeps: int = 2
    n_samples: int = 500
    n_transported: int = 800

    def style_side(self, short_side: int) -> int:
        """Short side in pixels of the style at a scale of the picture."""
        return max(self.patch_size, round(short_side * self.style_scale))

    @property
    def draws_new_patches(self) -> bool:
        """Whether what is drawn differs from the style's own patches."""
        return self.bank == "generated" or self.detail < 1
