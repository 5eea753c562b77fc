"""The propagation score as scikit-learn's searches take it, against a part of the style that was held back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._base import weights_of_scores
from .._batches import as_sequence, to_array
from .._images import Image
from ._frechet import StyleDescriptors
from ._propagation import PropagationPair
from ._working import MIN_SIDE, WORKING_SIDE, as_rgb, resize, resize_short_side

__all__ = ["PropagationScorer"]


class PropagationScorer:
    """Score propagators in a search, against a part of the style they have not seen.

    A scorer for ``scoring=`` of :class:`~sklearn.model_selection.GridSearchCV`,
    :func:`~sklearn.model_selection.cross_validate` and their like. It cuts a part off the style and
    scores pictures by :func:`propagation_score` with the distance to that part, so that repeating
    pieces of the style by heart is not rewarded; the propagator is given the rest, ``seen``.

    Parameters
    ----------
    style : ndarray (H, W[, C]), uint8 or float in [0, 1], or list of them
        The style. Of several pictures each is cut, and each result is scored by the one it is nearest to.
    held_out : float in [0, 0.5], default=0.3
        Share that is cut off: from the left, the right, the top or the bottom, whichever is most
        like the rest. 0 holds nothing back.
    multimetric : bool, default=False
        Give all entries of :func:`propagation_report`, as scikit-learn's multimetric searches take
        them: with ``refit="score"``. Otherwise the score alone.
    random_state : int, default=0
        Draws the filters of the style distance.

    Attributes
    ----------
    seen : ndarray (H, W[, C]), or list of them
        What is left of ``style``: the style to fit on. Of its kind and dtype.

    Raises
    ------
    ValueError
        If ``style`` is no image, ``held_out`` is out of range, or the part is too small to measure.

    See Also
    --------
    skisp.StylePropagator.score : The score against the whole style.

    Notes
    -----
    Parts of one painting differ. So ``style_gained`` is taken relative to that of ``seen`` itself: it
    is 1 where a result is as near to the part held back as the rest of the painting is. Filters and
    descriptors are whitened by all of the style, and all parts are of the scale at which ``seen`` has
    the photograph's size, as in the propagator.

    The last step of a :class:`~sklearn.pipeline.Pipeline` is scored on what the steps before make
    of ``X``.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skisp import PatchTransformer, StylePropagator
    >>> from skisp.datasets import load_photograph, make_style_image
    >>> from skisp.metrics import PropagationScorer
    >>> photographs = [load_photograph(name, size=64) for name in ("china", "flower")]
    >>> scorer = PropagationScorer(make_style_image("waves", size=96, random_state=0))
    >>> propagator = StylePropagator(
    ...     style=PatchTransformer(PCA(8), patch_size=7), style_images=scorer.seen, random_state=0
    ... )
    >>> search = GridSearchCV(propagator, {"strength": [0.0, 1.0]}, scoring=scorer, cv=2)
    >>> search.fit(photographs).best_params_
    {'strength': 1.0}
    """

    def __init__(self, style: Any, *, held_out: float = 0.3, multimetric: bool = False, random_state: int = 0) -> None:
        if not 0.0 <= held_out <= 0.5:
            raise ValueError(f"held_out is {held_out}; expected a share of the style from 0 to 0.5.")
        single = not isinstance(style, (list, tuple))
        styles = [to_array(image) for image in ([style] if single else style)]
        if not styles:
            raise ValueError("style is an empty list; give at least one picture.")
        self._cuts = [_Cut.of(image, held_out) for image in styles]
        seen = [cut.split(image)[0] for cut, image in zip(self._cuts, styles, strict=True)]
        self.seen = seen[0] if single else seen
        self.multimetric = multimetric
        self.random_state = random_state

    def __call__(
        self, estimator: Any, X: Any, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> float | dict[str, float]:
        """Redraw ``X`` and score the pictures.

        Parameters
        ----------
        estimator : StylePropagator, Pipeline that ends in one, or another fitted transformer of images
        X : list of ndarray (H, W[, C]) or ndarray (n, H, W[, C]), or what a pipeline's first step takes
        y : None
            Ignored.
        sample_weight : array-like (n,) or None
            Weights of the images' mean.

        Returns
        -------
        score : float in [0, 1], or dict of str to float
            The mean over the images.
        """
        contents = _contents(estimator, X)
        weights = weights_of_scores(sample_weight, contents)
        pictures = estimator.transform(X)
        reports = [self._report(*pair) for pair in zip(contents, pictures, strict=True)]
        means = {name: float(np.average([r[name] for r in reports], weights=weights)) for name in reports[0]}
        return means if self.multimetric else means["score"]

    def __repr__(self) -> str:
        return f"PropagationScorer(multimetric={self.multimetric})"

    def _report(self, content: NDArray[Any], picture: NDArray[Any]) -> dict[str, float]:
        content, picture = as_rgb(content, "content"), as_rgb(picture, "result")
        reports = [cut.report(content, picture, self.random_state) for cut in self._cuts]
        return max(reports, key=lambda report: report["score"])


@dataclass(frozen=True)
class _Cut:
    """A style in two parts: one that is seen, and one at an end of it that is held back."""

    style: Image
    axis: int
    at_start: bool
    share: float
    """Of the length of the axis, of the part that is held back."""

    @classmethod
    def of(cls, style: NDArray[Any], share: float) -> "_Cut":
        image = as_rgb(style, "style")
        if share == 0.0:
            return cls(image, 0, False, share)
        if round(share * min(image.shape[:2])) < MIN_SIDE:
            raise ValueError(
                f"held_out={share} of a style of {image.shape[0]}x{image.shape[1]} px is less than the {MIN_SIDE} px "
                "that can be measured. Give a larger picture, or held_out=0 to score against all of it."
            )
        cuts = [cls(image, axis, at_start, share) for axis in (1, 0) for at_start in (False, True)]
        return min(cuts, key=_Cut._difference)

    def split(self, style: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The style, of any size, as the part that is seen and the one held back; where share is 0, all of it twice."""
        length = style.shape[self.axis]
        cut = round(self.share * length)
        if cut == 0:
            return style, style
        at = cut if self.at_start else length - cut
        first, second = np.split(style, [at], axis=self.axis)
        return (second, first) if self.at_start else (first, second)

    def report(self, content: Image, picture: Image, random_state: int) -> dict[str, float]:
        side = min(WORKING_SIDE, *content.shape[:2], *picture.shape[:2], *self.split(self.style)[0].shape[:2])
        seen, descriptors = self._parts(side, random_state)
        content, picture = (resize_short_side(image, side) for image in (content, picture))
        return PropagationPair.of(content, seen, descriptors).report(picture)

    def _parts(self, side: int, random_state: int = 0) -> tuple[Image, StyleDescriptors]:
        """The part that is seen, of ``side`` pixels on the short side, and the descriptors of the one held back."""
        seen, _ = self.split(self.style)
        factor = side / min(seen.shape[:2])
        style = resize(self.style, [round(length * factor) for length in self.style.shape[:2]])
        seen, held_out = self.split(style)
        return seen, StyleDescriptors.of(style, random_state=random_state).of_part(held_out)

    def _difference(self) -> float:
        """How far the part that is seen is from the one held back."""
        seen, _ = self.split(self.style)
        seen, descriptors = self._parts(min(WORKING_SIDE, *seen.shape[:2]))
        return float(np.mean(descriptors.distances(seen)))


def _contents(estimator: Any, X: Any) -> Sequence[Any]:
    """The images the last step of a pipeline is given, or ``X``."""
    steps = getattr(estimator, "steps", None)
    contents = X if steps is None or len(steps) == 1 else estimator[:-1].transform(X)
    return as_sequence(contents, "X")
