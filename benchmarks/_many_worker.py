"""What a worker of ``many.py`` does with one photograph; here, since its processes import it by name."""

import os
from functools import cache
from pathlib import Path
from typing import Any

from _memory import peak_megabytes

__all__ = ["redraw"]


def redraw(photograph: str, model: str, output: str, log: str) -> tuple[int, float]:
    """Redraw a photograph, unless its picture is there; note that it was drawn. The process, and its peak MB."""
    from skisp.io import read_image, write_image

    target = Path(output) / Path(photograph).name
    if not target.exists():
        image = read_image(photograph)
        write_image(target, _propagator(model).fit([image]).transform([image])[0])
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {target.name}\n")
    return os.getpid(), peak_megabytes()


@cache
def _propagator(model: str) -> Any:
    """Loaded once in each process."""
    import torch
    from sklearn.frozen import FrozenEstimator

    from skisp import StylePropagator, preset
    from skisp.persistence import load_model

    torch.set_num_threads(1)  # the other cores have processes of their own
    return StylePropagator(style=FrozenEstimator(load_model(model)), random_state=0, **preset("balanced"))
