"""What can go wrong with a picture although the code is right, and how it is reported."""

import re

from .._names import shown

__all__ = ["FAILURES", "UserError", "in_one_line"]

# torch reports a full accelerator as RuntimeError.
FAILURES = (OSError, ValueError, MemoryError, RuntimeError)
# What a picture is called where it is one of a list; the user gave a name, and no list.
_ITEM = re.compile(r"\b[Ii](?:mage|tem) 0 of (?:X|style_images)\b")


# What the parameters are called on the command line.
_OPTIONS = {"random_state": "seed"} | {
    name: name.replace("_", "-") for name in ("strength", "style_scale", "style_weights", "color", "device", "size")
}
_PARAMETER = re.compile(rf"(?:The '({'|'.join(_OPTIONS)})' parameter of \w+|\b({'|'.join(_OPTIONS)})=)")


class UserError(Exception):
    """A mistake that only the user can correct; the message is one line that says what is wrong, and the cure."""


def in_one_line(error: BaseException, path: str = "", verb: str = "redraw", role: str = "") -> str:
    """An error in one line that names options, the file, and what it was given as, such as ``"the style"``."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = _PARAMETER.sub(_as_option, text)
    name = " ".join(shown(path).split()) if path else ""
    named = f"{role} {name}".strip()
    text = text.replace(f"cannot read {name}", f"cannot read {named}", 1) if name else text
    return _ITEM.sub("it" if name else "the picture", text if name in text else f"cannot {verb} {named}: {text}")


def _as_option(parameter: re.Match[str]) -> str:
    """``The 'style_scale' parameter of StylePropagator``, or ``style_scale=`` before a value."""
    return f"--{_OPTIONS[parameter[1]]}" if parameter[1] else f"--{_OPTIONS[parameter[2]]} "
