"""The directive ``figures``: a table of a benchmark's figures, with the machine, the date and the command.

They come from ``guide/figures.json``, which ``python -m benchmarks NAME --page`` writes: pages show what was measured.
"""

import csv
import io
import json
from pathlib import Path

from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

FIGURES = Path(__file__).parents[1] / "guide" / "figures.json"


def measured(name, path=FIGURES):
    """The last run of a benchmark that was meant for the pages."""
    runs = json.loads(path.read_text(encoding="utf-8"))
    if name not in runs:
        raise ValueError(f"there are no figures of {name}: python -m benchmarks {name} --page measures them")
    return runs[name]


def rows(run, table, columns, names=None):
    """The rows of a table whose title begins with ``table``: its words, and the figures of some columns.

    >>> figures = [{"table": "Times, 2 runs", "row": ["ours"], "column": "s", "value": 0.25, "spread": [0.2, 0.5]}]
    >>> rows({"figures": figures}, "Times", ["s"])
    [['ours', '0.25 (0.2 to 0.5)']]
    """
    found = {}
    for figure in run["figures"]:
        if figure["table"].startswith(table) and (names is None or ", ".join(figure["row"]) in names):
            found.setdefault(", ".join(figure["row"]), {})[figure["column"]] = figure
    if not found:
        raise ValueError(f"there is no table that begins with {table!r} and has the rows {names}")
    ordered = found if names is None else [name for name in names if name in found]
    return [[name, *(shown(found[name].get(column, {})) for column in columns)] for name in ordered]


def shown(figure):
    """A figure with its spread, if that shows at three digits; nothing for a figure that there is not."""
    if figure.get("value") is None:
        return ""
    value, (least, most) = number(figure["value"]), map(number, figure.get("spread") or [figure["value"]] * 2)
    return value if least == most else f"{value} ({least} to {most})"


def number(value):
    """Three digits, or all that stand before the point.

    >>> [number(value) for value in (0.12345, 2.5, 31.44, 1234.5)]
    ['0.123', '2.5', '31.4', '1234']
    """
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def conditions(name, run):
    """What a reader must know of a run, in a sentence."""
    machine, versions = run["machine"], run["versions"]
    is_idle = run["load"] is None or run["load"] < machine["cores"]
    beside = "" if is_idle else f" beside other work (load {run['load']})"
    return (
        f"Measured on {run['date'][:10]} on {machine['cores']} cores of an {machine['processor']}{beside}, "
        f"torch {versions['torch']}, by ``python -m benchmarks {name}``."
    )


class Figures(SphinxDirective):
    """A table of a benchmark, whose name is the argument.

    ``table`` is how the title of its table begins; ``columns``, divided by bars, are those shown, and ``names``, also
    divided by bars, the rows; all of them by default.
    """

    required_arguments = 1
    option_spec = dict.fromkeys(("table", "columns", "names", "heads"), directives.unchanged_required)

    def run(self):
        name = self.arguments[0]
        self.env.note_dependency(str(FIGURES))
        columns, names, heads = (self._listed(option) for option in ("columns", "names", "heads"))
        try:
            run = measured(name)
            lines = rows(run, self.options["table"], columns, names)
        except ValueError as error:
            raise self.error(str(error)) from error
        text = io.StringIO()
        csv.writer(text).writerows([["", *(heads or columns)], *lines])
        table = ["    " + line for line in text.getvalue().splitlines()]
        head = [".. csv-table::", "    :header-rows: 1", "    :widths: auto", ""]
        return self.parse_text_to_nodes("\n".join(StringList([*head, *table, "", conditions(name, run)])))

    def _listed(self, option):
        return [part.strip() for part in self.options[option].split("|")] if option in self.options else None


def setup(app):
    """Add the directive."""
    app.add_directive("figures", Figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
