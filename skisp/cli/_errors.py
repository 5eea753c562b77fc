"""What can go wrong with a picture although the code is right, and how it is reported."""

import re

from .._names import shown

__all__ = ["FAILURES", "in_one_line"]

# torch reports a full accelerator as RuntimeError.
FAILURES = (OSError, ValueError, MemoryError, RuntimeError)


# What the parameters are called on the command line.
_OPTIONS = {"random_state": "seed"} | {
    name: name.replace("_", "-") for name in ("strength", "style_scale", "style_weights", "color", "device", "size")
}
_PARAMETER = re.compile(rf"(?:The '({'|'.join(_OPTIONS)})' parameter of \w+|\b({'|'.join(_OPTIONS)})=)")


def in_one_line(error: BaseException, path: str = "", verb: str = "redraw") -> str:
    """An error in one line that names the file, and options by their own names."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = _PARAMETER.sub(_as_option, text)
    name = " ".join(shown(path).split())
    return text if name in text else f"cannot {verb} {shown(path)}: {text}"


def _as_option(parameter: re.Match[str]) -> str:
    """``The 'style_scale' parameter of StylePropagator``, or ``style_scale=`` before a value."""
    return f"--{_OPTIONS[parameter[1]]}" if parameter[1] else f"--{_OPTIONS[parameter[2]]} "
