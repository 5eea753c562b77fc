"""How the gallery makes its pictures: sharp, though small enough in inches for words to be read on a phone."""

from typing import Any

__all__ = ["sharp"]


def sharp(gallery_conf: dict[str, Any], name: str) -> None:
    """What Sphinx-Gallery does before each example, after it has reset matplotlib."""
    import matplotlib.pyplot as plt

    plt.rcParams["figure.dpi"] = 160
