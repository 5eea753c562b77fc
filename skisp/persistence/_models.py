"""Fitted estimators in files that can be loaded safely, whoever made them."""

import os
import platform
import stat
from typing import Any

import numpy
import sklearn
import torch

from .._errors import RefusedError
from .._files import opened, write_whole
from .._version import __version__
from ._archive import pack, unpack
from ._plain import from_plain, to_plain

__all__ = ["load_model", "save_model"]

_KIND = "skisp model"
# Counted up when the form of the file changes; files of earlier formats are still read.
_FORMAT = 2


def save_model(path: str | os.PathLike[str], model: Any, *, overwrite: bool = True) -> None:
    """Save an estimator to one file of plain data and tensors, from which :func:`load_model` takes it.

    The file appears whole or not at all. Unlike a pickle it holds no code: parameters, fitted
    attributes, and the versions of the packages that made them.

    Parameters
    ----------
    path : str or path-like
        Any name; ``.skisp`` is customary.
    model : estimator
        :class:`~skisp.CVAETransformer`, :class:`~skisp.PatchTransformer`,
        :class:`~skisp.StylePropagator` or :class:`~skisp.ImageReader`, fitted or not; a ``Pipeline`` or
        a ``FrozenEstimator`` of them; and in them or with them scikit-learn's ``PCA``,
        ``IncrementalPCA``, ``TruncatedSVD``, ``FactorAnalysis``, ``FastICA``, ``NMF``,
        ``StandardScaler``, ``MinMaxScaler``, ``MaxAbsScaler`` and ``RobustScaler``.
    overwrite : bool
        Whether an existing file is replaced.

    Raises
    ------
    TypeError
        If the model, or something in it, is of another class, such as a function or a callback; the
        message names it.
    ValueError
        If a parameter or an attribute of the model is out of range.
    FileExistsError
        If the file exists and ``overwrite`` is false.
    OSError
        If the file cannot be written; FileNotFoundError where its folder is missing.

    See Also
    --------
    load_model : Load the file.

    Notes
    -----
    ``memory`` is saved as None: it names a folder of pickles. A ``StylePropagator`` is saved with the images
    of its style, and without the exemplars, which it makes again.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from skisp import PatchTransformer
    >>> from skisp.datasets import make_style_image
    >>> from skisp.persistence import load_model, save_model
    >>> picture = make_style_image("waves", size=32, random_state=0)
    >>> style = PatchTransformer(PCA(4), patch_size=5, random_state=0).fit([picture])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(f"{folder}/waves.skisp", style)
    ...     again = load_model(f"{folder}/waves.skisp")
    >>> np.array_equal(again.transform([picture])[0], style.transform([picture])[0])
    True
    """
    name = os.fsdecode(path)
    if not overwrite and os.path.lexists(name):  # before the work, and again when it is written
        raise FileExistsError(f"cannot write {name}: the file exists; choose another name, or pass overwrite=True.")
    tree = {"kind": _KIND, "format": _FORMAT, "versions": _versions(), "model": to_plain(model)}
    write_whole(name, pack(tree), overwrite=overwrite)


def load_model(path: str | os.PathLike[str], *, max_bytes: float = 4e9) -> Any:
    """Load an estimator that :func:`save_model` has saved.

    A file that anyone has made, or changed, runs no code: it names classes of a short list, and all else
    in it is numbers and strings, which are checked before they are used. It ends in an error of one line,
    or in an estimator whose numbers are those of the file.

    Parameters
    ----------
    path : str or path-like
        The file.
    max_bytes : float
        Refuse longer files, before they are read. Loading takes about four times as much memory.

    Returns
    -------
    model : estimator
        On the CPU, wherever it was saved. It transforms with the same bits as the one saved, and can be
        cloned, pickled and fitted; where a training was saved that ``partial_fit`` or ``warm_start`` would go
        on with, it goes on with the same bits too.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        If there is no such file, it is a folder, or it may not be read.
    ValueError
        If the file is not one of :func:`save_model`, is damaged or too long, was saved by a later version
        with another format, or its parts do not fit each other.

    Warns
    -----
    sklearn.exceptions.InconsistentVersionWarning
        If another version of scikit-learn has fitted a part that is scikit-learn's.

    Notes
    -----
    That the file runs no code does not make its model a good one: from a stranger's style comes the stranger's
    picture. Parameters are the file's too: a path among the ``style_images`` may be read when the model is fitted
    again. Look at them first.

    Examples
    --------
    >>> import tempfile
    >>> from skisp import ImageReader
    >>> from skisp.persistence import load_model, save_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(f"{folder}/reader.skisp", ImageReader(size=64))
    ...     load_model(f"{folder}/reader.skisp")
    ImageReader(size=64)
    """
    name = os.fsdecode(path)
    data = _content(name, max_bytes)
    try:
        return from_plain(*_model_in(unpack(data)))
    except Warning:  # where the caller has made them errors
        raise
    except Exception as error:
        # Not "from error": what went wrong inside the readers tells nothing to those who have the file.
        raise ValueError(f"cannot load {name}: {_reason(error)}") from None


def _content(name: str, max_bytes: float) -> bytes:
    if os.path.exists(name) and not os.path.isdir(name) and not stat.S_ISREG(os.stat(name).st_mode):
        raise ValueError(f"cannot load {name}: it is not a regular file; name one that save_model has written.")
    with opened(name, "*.skisp") as file:
        n_bytes = os.fstat(file.fileno()).st_size
        if n_bytes == 0:
            raise ValueError(f"cannot load {name}: the file is empty (0 bytes); copy or download it again.")
        if n_bytes > max_bytes:
            raise ValueError(
                f"cannot load {name}: it has {n_bytes} bytes, more than the {max_bytes:.0f} allowed; "
                "raise max_bytes if you trust it."
            )
        return file.read(n_bytes)


def _model_in(tree: Any) -> tuple[Any, int]:
    """What the file says of its model, and its format, if that is known here."""
    if type(tree) is not dict or tree.get("kind") != _KIND or type(tree.get("format")) is not int:
        raise RefusedError("torch has saved it, but not by save_model; load it with what it is made for.")
    if tree["format"] > _FORMAT:
        raise RefusedError(
            f"it is of format {tree['format']}, and this version of skisp reads up to {_FORMAT}; update skisp."
        )
    if tree["format"] < 1 or tree.keys() != {"kind", "format", "versions", "model"}:
        raise RefusedError("a part of it is not in the form that save_model writes; do not trust it.")
    return tree["model"], tree["format"]


def _reason(error: Exception) -> str:
    """What was wrong with a file, and what to do, in one short line."""
    detail = " ".join(str(error)[:400].split()) or type(error).__name__
    if isinstance(error, RefusedError) or "Upgrade skisp" in detail:
        return detail
    if isinstance(error, MemoryError):
        return "there is not enough memory for it; load it on a larger machine."
    return f"it is damaged, or its parts do not fit each other ({detail}); copy or download it again."


def _versions() -> dict[str, str]:
    packages = {"skisp": __version__, "scikit-learn": sklearn.__version__, "numpy": numpy.__version__}
    return {**packages, "torch": str(torch.__version__), "python": platform.python_version()}
