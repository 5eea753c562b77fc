"""Quality of the default pictures on every pair of content and style, and a contact sheet to look at.

python benchmarks/quality.py [--size 256] [--quick] [--sheet FILE.png] [--parameter name=value ...]
"""

import argparse
import time
from typing import Any

import numpy as np
from _parameters import parsed
from _pictures import pictures, with_short_side
from _report import Table, parsed_with_quick
from propagation import QUALITY, quality
from sklearn.frozen import FrozenEstimator

from skisp import PatchTransformer, StylePropagator
from skisp.io import write_image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--sheet")
    parser.add_argument("--parameter", action="append", default=[], help="name=value of StylePropagator")
    arguments = parsed_with_quick(parser, size=64)
    parameters = parsed(arguments.parameter)
    columns = ("content", "style", "seconds", *QUALITY)
    table = Table(f"Every pair, {arguments.size} px", columns)
    figures, sheet = redraw_all(arguments.size, parameters, table)
    Table(f"All pairs, {arguments.size} px: medians", columns).add("all", "all", *figures.T.tolist())
    if arguments.sheet:
        write_image(arguments.sheet, sheet)


def redraw_all(size: int, parameters: dict[str, Any], table: Table) -> tuple[Any, Any]:
    """Figures of every pair, in the table as they come, and the pictures in a grid of styles by contents."""
    contents, styles = pictures(size)
    figures, rows = [], [_row([np.full((size, size, 3), 255, np.uint8), *contents.values()], size)]
    for style_name, style in styles.items():
        fitted = FrozenEstimator(PatchTransformer(random_state=0).fit([style]))
        row = [style]
        for content_name, content in contents.items():
            propagator = StylePropagator(style=fitted, random_state=0, **parameters).fit([content])
            start = time.perf_counter()
            picture = propagator.transform([content])[0]
            figures.append([time.perf_counter() - start, *quality(content, style, picture)])
            table.add(content_name, style_name, *figures[-1])
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
