"""What the page works with, in memory only: pictures that were dropped, styles that are learnt once, and results."""

import copy
import hashlib
import threading
from argparse import Namespace
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from .._images import as_images
from .._progress import Progress, listening
from ..io import ImageMetadata, read_image, resize_longest
from ..io._images import WRITABLE_SUFFIXES, encode_image
from ._errors import UserError
from ._messages import decoders_silent
from ._redrawer import Redrawer, preview_size
from ._styles import learn

__all__ = ["Picture", "Workspace"]

# What a page may set of a propagator: others could name files of this machine.
_LOOK = {"strength", "content_weight", "style_scale", "color"}
_SHOWN_LONG_SIDE, _PROCEDURAL_SIDE = 1600, 512
_MOST_BYTES = 512 << 20  # of the pictures that were dropped, and again of those redrawn
_SECONDS_BETWEEN_NEWS = 0.2
_one_reader = threading.Lock()  # bounds memory; and decoders are silenced for the whole process

Tell = Callable[[str, float], None]


class Picture(NamedTuple):
    """The bytes of a file, and its name."""

    name: str
    data: bytes

    def read(self, role: str = "the picture") -> tuple[NDArray[Any], ImageMetadata]:
        """The image and what goes with it; errors call it by its role, such as ``"the photograph"``."""
        file = BytesIO(self.data)
        file.name = role
        with _one_reader, decoders_silent():
            return read_image(file, return_metadata=True)


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


class _Recent:
    """Values by their keys; the oldest go when all together weigh too much. Several threads may use it."""

    def __init__(self, most: int, weight: Callable[[Any], int] = lambda _: 1) -> None:
        self._most, self._weight = most, weight
        self._values: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, make: Callable[[], Any] | None = None) -> Any:
        """The value of a key, made by one thread, while the others wait, if there is none."""
        with self._lock:
            if key not in self._values:
                if make is None:
                    raise UserError("the picture is no longer kept here; drop it again")
                self._values[key] = make()
            self._values.move_to_end(key)
            while len(self._values) > 2 and sum(map(self._weight, self._values.values())) > self._most:
                self._values.popitem(last=False)
            return self._values[key]


class _Learning:
    """A style that is learnt in a thread of its own: it goes on if the page that asked for it has other wishes."""

    def __init__(self, picture: Picture, seed: int) -> None:
        self._share, self._learnt = 0.0, Future[Any]()
        threading.Thread(target=self._learn, args=(picture, seed), daemon=True).start()

    def wait(self, tell: Tell) -> Any:
        """The style, when it is learnt."""
        while not self._learnt.done():
            tell("learning the painting", self._share)
            try:
                self._learnt.exception(_SECONDS_BETWEEN_NEWS)
            except NotYet:
                continue
        return self._learnt.result()

    def _learn(self, picture: Picture, seed: int) -> None:
        try:
            image, _ = picture.read("the painting")
            with listening(self._follow):
                self._learnt.set_result(learn([image], [picture.name], Namespace(seed=seed, size=None, quiet=True)))
        except Exception as error:
            self._learnt.set_exception(error)

    def _follow(self, step: Progress) -> None:
        self._share = max(self._share, step.done / step.total)


class _Preview:
    """A small photograph and what was fitted for it; threads take turns, since it keeps what it made of the style."""

    def __init__(self, photograph: Picture, parameters: dict[str, Any]) -> None:
        from .. import StylePropagator

        image, _ = photograph.read("the photograph")
        self._small = preview_size(image)
        self._propagator = StylePropagator(**parameters).fit([self._small])
        self._turn = threading.Lock()

    def redraw(self, look: dict[str, Any]) -> Any:
        """The small photograph with another look, for which nothing is fitted again."""
        propagator = copy.copy(self._propagator).set_params(**look)
        with self._turn:
            return propagator.transform([self._small])[0]


class Workspace:
    """What all pages work with. The key of a picture is a digest of it: only who has the picture can ask for it.

    Parameters
    ----------
    seed : int
    device : str
    """

    def __init__(self, seed: int = 0, device: str = "auto") -> None:
        self._seed, self._device = seed, device
        self._pictures, self._results = (_Recent(_MOST_BYTES, lambda picture: len(picture.data)) for _ in range(2))
        self._styles, self._previews = _Recent(8), _Recent(8)

    def add(self, picture: Picture, role: str) -> dict[str, Any]:
        """Keep a picture, if it can be read, and give its key."""
        as_images([picture.read(role)[0]], name=role)
        key = _digest(picture.name.encode(), picture.data)
        self._pictures.get(key, lambda: picture)
        return {"key": key}

    def add_procedural(self, kind: str) -> dict[str, Any]:
        """Keep a style picture that is made here."""
        from ..datasets import make_style_image

        image = make_style_image(kind, size=_PROCEDURAL_SIDE, random_state=0)
        return self.add(Picture(f"{kind}.png", bytes(encode_image(image, ".png"))), "the painting")

    def shown(self, key: str) -> Picture:
        """A picture as a page shows it: upright, in sRGB, no larger than a screen, without its EXIF."""
        image, _ = self._pictures.get(key).read()
        return Picture("shown.png", bytes(encode_image(resize_longest(image, _SHOWN_LONG_SIDE), ".png")))

    def result(self, key: str) -> Picture:
        """A picture that was redrawn."""
        found: Picture = self._results.get(key)
        return found

    def redraw(self, content: str, style: str, look: dict[str, Any], full: bool, tell: Tell) -> dict[str, Any]:
        """Redraw a picture in the style of another, as ``skisp propagate`` does; the key and the name of the result.

        Parameters
        ----------
        content, style : str
            Keys.
        look : dict
            Parameters of the propagator.
        full : bool
            At the photograph's own size, or small.
        tell : callable
            Gets what is being done, and what share of it is; if it raises, so does this.
        """
        if not set(look) <= _LOOK:
            raise UserError(f"the look has other settings than {', '.join(sorted(_LOOK))}")
        photograph, painting = self._pictures.get(content), self._pictures.get(style)
        learnt = self._styles.get(_digest(painting.data), lambda: _Learning(painting, self._seed)).wait(tell)
        parameters = {"style": learnt, "random_state": self._seed, "device": self._device}
        metadata = None
        doing = "redrawing at full size" if full else "redrawing"
        with listening(lambda step: tell(doing, step.done / step.total)):
            if full:
                image, metadata = photograph.read("the photograph")
                picture = Redrawer(parameters | look).redraw(image)
            else:
                picture = self._previews.get((content, style), lambda: _Preview(photograph, parameters)).redraw(look)
        suffix = Path(photograph.name).suffix.lower()
        suffix = suffix if full and suffix in WRITABLE_SUFFIXES else ".png"
        result = Picture(
            f"{Path(photograph.name).stem}-{Path(painting.name).stem}{suffix}",
            bytes(encode_image(picture, suffix, metadata)),
        )
        key = _digest(result.name.encode(), result.data)
        self._results.get(key, lambda: result)
        return {"key": key, "name": result.name}
