"""What a notebook shows of a fitted estimator: the parts that were fitted, and the pictures of its style."""

from base64 import b64encode
from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from .._base import diagram_of_parts, unfrozen
from ..io import resize_longest
from ..io._images import encode_image

__all__ = ["NotebookDisplay"]

# Pixels of the longest side of a picture, and the most pictures: what is shown is stored with every notebook.
_SIZE = 120
_MOST = 4


class NotebookDisplay:
    """Adds to scikit-learn's diagram of an estimator.

    A class that uses it has ``_fitted_parts``: what was fitted, by the name of the parameter that it was made of.
    """

    def _fitted_parts(self) -> dict[str, list[Any]]:
        raise NotImplementedError

    def _sk_visual_block_(self) -> Any:
        """scikit-learn's hook: its diagram has the parameters that are estimators, or what was fitted of them."""
        parameters: dict[str, Any] = self.get_params(deep=False)  # type: ignore[attr-defined]
        parts = {name: [value] for name, value in parameters.items() if hasattr(value, "fit")}
        if _is_fitted(self):
            parts |= self._fitted_parts()
        return diagram_of_parts(self, [(name, part) for name, of_name in parts.items() for part in of_name])

    def _html_repr(self) -> str:
        """The diagram, and below it the pictures of the style, small."""
        diagram: str = super()._html_repr()  # type: ignore[misc]  # of scikit-learn, which has no types
        if not _is_fitted(self):
            return diagram
        pictures = "".join(map(_as_html, _style_images(self)[:_MOST]))
        return f"{diagram}<div>{pictures}</div>" if pictures else diagram


def _is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def _style_images(estimator: Any) -> list[Any]:
    """The images (H, W, C) of an estimator, or of those that it has as its styles."""
    if hasattr(estimator, "images_"):
        return list(estimator.images_)
    styles = estimator._fitted_parts().get("style", [])
    return [image for style in map(unfrozen, styles) for image in getattr(style, "images_", [])]


def _as_html(image: Any) -> str:
    data = b64encode(bytes(encode_image(resize_longest(image, _SIZE), ".png"))).decode("ascii")
    return f'<img alt="The style" style="margin: 4px 4px 0 0" src="data:image/png;base64,{data}">'
