"""Quality of the default pictures on every pair of content and style, and a contact sheet to look at.

python benchmarks/quality.py [--size 256] [--sheet FILE.png] [--parameter name=value ...]
"""

import argparse
import time
from typing import Any

import numpy as np
from _parameters import parsed
from _pictures import pictures, with_short_side
from propagation import COLUMNS, quality
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.io import write_image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--sheet")
    parser.add_argument("--parameter", action="append", default=[], help="name=value of StylePropagator")
    arguments = parser.parse_args()
    parameters = parsed(arguments.parameter)
    figures, sheet = redraw_all(arguments.size, parameters)
    for name, reduce in (("median", np.median), ("least", np.min), ("greatest", np.max)):
        print(f"{name:45}" + "".join(f"{value:10.3f}" for value in reduce(figures, axis=0)))
    if arguments.sheet:
        write_image(arguments.sheet, sheet)


def redraw_all(size: int, parameters: dict[str, Any]) -> tuple[Any, Any]:
    """Figures of every pair, printed as they come, and the pictures in a grid of styles by contents."""
    contents, styles = pictures(size)
    print(f"{'content':15}{'style':30}" + "".join(f"{column:>10}" for column in ("seconds", *COLUMNS[3:])))
    figures, rows = [], [_row([np.full((size, size, 3), 255, np.uint8), *contents.values()], size)]
    for style_name, style in styles.items():
        fitted = FrozenEstimator(PatchTransformer(random_state=0).fit([style]))
        row = [style]
        for content_name, content in contents.items():
            propagator = StylePropagator(style=fitted, random_state=0, **parameters).fit([content])
            start = time.perf_counter()
            picture = propagator.transform([content])[0]
            figures.append([time.perf_counter() - start, *quality(content, style, picture)])
            print(f"{content_name:15}{style_name:30}" + "".join(f"{value:10.3f}" for value in figures[-1]), flush=True)
            row.append(picture)
        rows.append(_row(row, size))
    width = max(row.shape[1] for row in rows)
    sheet = [np.pad(row, ((0, 6), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    return np.array(figures), np.concatenate(sheet)


def _row(images: list[Any], size: int) -> Any:
    same_height = [image if image.shape[0] == size else _to_height(image, size) for image in images]
    return np.concatenate([np.pad(image, ((0, 0), (0, 6), (0, 0)), constant_values=255) for image in same_height], 1)


def _to_height(image: Any, height: int) -> Any:
    return with_short_side(image, round(height * min(1.0, image.shape[1] / image.shape[0])))[:height]


if __name__ == "__main__":
    main()
