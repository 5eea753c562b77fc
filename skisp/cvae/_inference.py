"""What a fitted C-VAE does with its networks: code, decode, travel."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from .._base import resolve_device
from .._threads import one_thread
from ._networks import CVAENetwork, rows_at_once
from ._reading import RowSource, row_source

__all__ = ["InferenceMixin"]

# Counted up when a fitted model's state changes its form, so that older files can still be read.
STATE_FORMAT = 1


class InferenceMixin:
    """Codes and rows of a fitted C-VAE, a chunk at a time on the device, and its state as plain arrays."""

    device: str | torch.device
    module_: CVAENetwork
    image_shape_: tuple[int, ...] | None
    _decodes_to_images: bool
    _n_features_out: int

    def posterior(self, X: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of q(z | x), the Gaussian posterior of the code of each row.

        Parameters
        ----------
        X : array-like (n, D), or ndarray (n, H, W[, C])
            Rows or images, of the form of what was fitted.

        Returns
        -------
        mean : ndarray (n, n_components), float32
            What ``transform`` returns.
        scale : ndarray (n, n_components), float32
            Standard deviations.
        """
        both = self._in_chunks(lambda x: torch.cat(self.module_.encode(x), dim=1), self._fitted_rows(X))
        mean, log_variance = np.split(both, 2, axis=1)
        return mean, np.exp(0.5 * log_variance)

    def _decode(self, codes: ArrayLike) -> NDArray[np.float32]:
        """E[x | z] of codes (n, d), in the form of what was fitted."""
        check_is_fitted(self)
        checked = check_array(codes, dtype=np.float32, order="C")
        if checked.shape[1] != self._n_features_out:
            raise ValueError(f"X has shape {checked.shape}; expected codes of shape (n, {self._n_features_out}).")
        return self._as_fitted(self._in_chunks(self.module_.reconstruct, checked))

    def _as_fitted(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows (n, D) in the form of what was fitted."""
        if not self._decodes_to_images or self.image_shape_ is None:
            return rows
        return rows.reshape(-1, *self.image_shape_)

    def _fitted_rows(self, X: Any) -> RowSource:
        check_is_fitted(self)
        source = row_source(self, X, reset=False)
        if source.image_shape is not None and self.image_shape_ not in (None, source.image_shape):
            raise ValueError(f"X holds images of shape {source.image_shape}, but {self.image_shape_} were fitted.")
        return source

    @contextmanager
    def _computing(self) -> Iterator[torch.device]:
        # Whatever mode the caller is in: networks made or moved in inference mode can carry no gradient later.
        with one_thread(), torch.inference_mode(False), torch.enable_grad():
            yield resolve_device(self.device)

    def _in_chunks(
        self,
        function: Callable[[torch.Tensor], torch.Tensor],
        rows: RowSource | NDArray[np.float32],
        samples_a_row: int = 1,
    ) -> NDArray[np.float32]:
        """Apply ``function`` to ``rows`` on the device, a part of a chunk at a time, and join the results."""
        chunk = rows_at_once(self.module_.n_features)
        with self._computing() as device:
            self.module_.to(device)  # outside of inference mode
            with torch.inference_mode():
                chunks = [
                    function(part).cpu()
                    for start in range(0, len(rows), chunk)
                    for part in torch.tensor(_read(rows, start, chunk), device=device).split(
                        max(1, chunk // samples_a_row)
                    )
                ]
        return torch.cat(chunks).numpy()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        if "module_" in state:
            module = state["module_"]
            state = {**state, "module_": {"config": module.config, "arrays": module.to_arrays()}}
            state["_state_format"] = STATE_FORMAT
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if state.pop("_state_format", STATE_FORMAT) > STATE_FORMAT:
            raise ValueError("This model was saved by a later version of skisp. Upgrade skisp to load it.")
        if "module_" in state:
            state["module_"] = CVAENetwork.from_arrays(**state["module_"])
        super().__setstate__(state)  # type: ignore[misc]


def _read(rows: RowSource | NDArray[np.float32], start: int, n_rows: int) -> NDArray[np.float32]:
    stop = min(start + n_rows, len(rows))
    return rows.read(start, stop) if isinstance(rows, RowSource) else rows[start:stop]
