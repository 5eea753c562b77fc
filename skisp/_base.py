"""What every estimator here shares: devices, seeds, rows and images.

The one module that imports private parts of scikit-learn, so that a break is one file.
"""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import _fit_context
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

from ._fork import in_forked_children
from ._torch_state import own_torch_state

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # experimental in scikit-learn 1.9: a later version may move it, and fits go on without

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands for scikit-learn's mixin where it has none, and reports nothing."""

        def _init_callback_context(self, **kwargs: Any) -> None:
            return None


try:
    from sklearn.utils._repr_html.estimator import _VisualBlock
except ImportError:  # private: a later version may move it, and its own diagram is shown
    _VisualBlock = None

__all__ = [
    "LARGEST_SEED",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "StrOptions",
    "as_float32",
    "check_sample_weight",
    "diagram_of_parts",
    "draw_seed",
    "fit_context",
    "module_initialised_with",
    "named",
    "resolve_device",
    "unfrozen",
    "weights_of_scores",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])

LARGEST_SEED = 2**31 - 1
_global_generator = threading.RLock()


def _free_global_generator() -> None:
    global _global_generator
    _global_generator = threading.RLock()


in_forked_children(_free_global_generator)


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[_Function], _Function]:
    """scikit-learn's decorator of ``fit``, which has no types, with the types of what it decorates."""
    decorator: Callable[[_Function], _Function] = _fit_context(
        prefer_skip_nested_validation=prefer_skip_nested_validation
    )
    return decorator


def resolve_device(device: str | torch.device) -> torch.device:
    """Turn ``"auto"``, a name or a device into a :class:`torch.device`.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "cuda:1", "mps", ...} or torch.device
        ``"auto"`` takes the accelerator torch reports, else the CPU.

    Raises
    ------
    ValueError
        If torch does not know the device or it is not present on this machine.
    """
    if isinstance(device, str) and device == "auto":
        accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return accelerator if accelerator is not None else torch.device("cpu")
    try:
        resolved = torch.device(device)
        torch.empty(0, dtype=torch.float32, device=resolved)
    except Exception as error:  # torch raises RuntimeError, AssertionError or NotImplementedError, by backend
        reason = str(error).splitlines()[0]
        raise ValueError(f"device={device!r} cannot be used here ({reason}); use 'auto' or 'cpu'.") from error
    return resolved


def diagram_of_parts(estimator: Any, parts: Sequence[tuple[str, Any]]) -> Any:
    """What scikit-learn shows of an estimator that has other estimators in it, or of one without parts."""
    if _VisualBlock is None:
        raise NotImplementedError("scikit-learn has no diagrams of this kind; it shows its own")
    if not parts:
        return _VisualBlock("single", estimator, names=type(estimator).__name__, name_details=str(estimator))
    names = [f"{name}: {type(part).__name__}" for name, part in parts]
    details = [str(part) for _, part in parts]
    return _VisualBlock("parallel", [part for _, part in parts], names=names, name_details=details)


def draw_seed(random_state: Any) -> int:
    """Draw one integer seed from an int, a ``RandomState`` or None, as scikit-learn reads it."""
    return int(check_random_state(random_state).randint(LARGEST_SEED))


@contextmanager
def module_initialised_with(seed: int) -> Iterator[None]:
    """Seed torch's global generator for the block, which has :func:`own_torch_state`, and put its state back after.

    ``reset_parameters`` of torch's modules draws from the global generator only; fits on several
    threads take turns with it.
    """
    with _global_generator, own_torch_state(), torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed the generators of the accelerators too.
        torch.default_generator.manual_seed(seed)
        yield


def unfrozen(estimator: Any) -> Any:
    """The estimator inside a ``FrozenEstimator``, or the estimator itself."""
    return estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator


def weights_of_scores(sample_weight: Any, X: Any) -> NDArray[np.float64]:
    """Weights (n,) for the mean of the scores of ``X``, all 1 for None; checked before the scores are computed.

    Raises
    ------
    ValueError
        If they are not as many as there are samples, or one is negative or not finite, or all are 0.
    """
    return np.asarray(check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True))


def named(rows: Any, estimator: Any) -> Any:
    """Rows (n, D) as a table with the columns that an estimator was fitted on, if those had names.

    It would warn that an array has none. Where there is no pandas the array stays, and the warning is true.
    """
    names, pandas = getattr(estimator, "feature_names_in_", None), sys.modules.get("pandas")
    if names is None or pandas is None or len(names) != rows.shape[1]:
        return rows
    return pandas.DataFrame(rows, columns=names)


def as_float32(X: Any) -> NDArray[np.float32]:
    """View ``X`` as a C-ordered float32 array, copying only where it must."""
    return np.ascontiguousarray(X, dtype=np.float32)
