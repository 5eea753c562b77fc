"""The directive ``house``: a drawing of the package's folders and what they import, and a line on each.

Both are made from the source files when the pages are built, so they show what is there. The files beside the folders
are in the table only: any folder may use them.
"""

import ast
from graphlib import TopologicalSorter
from html import escape
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

SOURCE = Path(__file__).parents[2] / "skisp"

# Sizes in pixels.
WIDTH, MARGIN = 680, 10
BOX, STOREY = 34, 84


def modules(source=SOURCE):
    """Files of the package by the names of their modules."""
    names = {path.relative_to(source.parent).with_suffix(""): path for path in sorted(source.rglob("*.py"))}
    return {".".join(name.parts).removesuffix(".__init__"): path for name, path in names.items()}


def folder(name, path):
    """The package that a module is in, or is."""
    return name if path.name == "__init__.py" else name.rpartition(".")[0]


def imports(name, files):
    """What a module imports, wherever in it and be it for types only: pairs of a module and a name from it, or None."""
    tree = ast.parse(files[name].read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = folder(name, files[name]).split(".")
            start = above[: len(above) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield (inner, None) if inner in files else (module, alias.name)


def plan(source=SOURCE):
    """The folders of the package, and for each the others that its files import."""
    files = modules(source)
    homes = {name: module for module, name in imports("skisp", files)}

    def room(module):
        return folder(module, files[module]).removeprefix("skisp").removeprefix(".").replace(".", "/")

    rooms = {room(module): set() for module in files}
    for module in files:
        for target, name in imports(module, files):
            # What comes through the front door is counted where it is at home.
            target = homes.get(name, target) if target == "skisp" else target
            if target in files:
                rooms[room(module)].add(room(target))
    del rooms[""]
    return {room: others - {room, ""} for room, others in rooms.items()}


def first_line(path):
    """Of a module's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def without_shortcuts(rooms):
    """The arrows that do not follow from others."""
    everything = {}
    for room in TopologicalSorter(rooms).static_order():
        everything[room] = rooms[room].union(*(everything[other] for other in rooms[room]))
    return {
        room: {other for other in others if not any(other in everything[third] for third in others)}
        for room, others in rooms.items()
    }


def storeys(rooms):
    """Rooms from the top floor down, each just below the lowest that imports it."""
    depth = dict.fromkeys(rooms, 0)
    for room in reversed(list(TopologicalSorter(rooms).static_order())):
        for other in rooms[room]:
            depth[other] = max(depth[other], depth[room] + 1)
    return [[room for room in sorted(rooms) if depth[room] == i] for i in range(max(depth.values()) + 1)]


def ways(rooms, floors):
    """What each arrow passes: a room, a gap on every floor between, and a room."""
    depth = {room: i for i, floor in enumerate(floors) for room in floor}
    return [
        [room, *(f"{room} to {other} at {i}" for i in range(depth[room] + 1, depth[other])), other]
        for room, others in sorted(rooms.items())
        for other in sorted(others)
    ]


def arranged(floors, arrows):
    """Floors with rooms and gaps, each moved towards what it is joined with (Sugiyama et al. 1981)."""
    depth = {room: i for i, floor in enumerate(floors) for room in floor}
    floors, joined = [list(floor) for floor in floors], {}
    for way in arrows:
        for i, gap in enumerate(way[1:-1], depth[way[0]] + 1):
            floors[i].append(gap)
        for above, below in pairwise(way):
            joined.setdefault(above, []).append(below)
            joined.setdefault(below, []).append(above)
    place = {}
    for _ in range(20):
        for floor in floors:
            mean = {one: fmean([place.get(other, 0.5) for other in joined.get(one, [one])]) for one in floor}
            floor.sort(key=mean.get)
            place.update((one, (i + 0.5) / len(floor)) for i, one in enumerate(floor))
    return floors


def boxes(floors, rooms):
    """Left, top and width of each room and gap."""
    found = {}
    for i, floor in enumerate(floors):
        widths = [9 * len(one) + 24 if one in rooms else 0 for one in floor]
        space = (WIDTH - sum(widths)) / (len(floor) + 1)
        left = space
        for one, width in zip(floor, widths, strict=True):
            found[one] = (left, MARGIN + i * STOREY, width)
            left += width + space
    return found


def drawing(rooms):
    """An SVG in the colours of the page's theme, light or dark."""
    rooms = without_shortcuts(rooms)
    floors = storeys(rooms)
    arrows = ways(rooms, floors)
    place = boxes(arranged(floors, arrows), rooms)
    height = 2 * MARGIN + (len(floors) - 1) * STOREY + BOX
    said = "; ".join(f"{room} imports {', '.join(sorted(others))}" for room, others in rooms.items() if others)
    lines = [
        f'<svg role="img" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" '
        f'font-size="14" style="max-width: {WIDTH}px; width: 100%; color: var(--pst-color-text-base, inherit)">',
        f"<title>What imports what in skisp</title><desc>{escape(said)}</desc>",
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M 0 1 L 10 5 L 0 9 z" fill="currentColor"/></marker></defs>',
        *(_arrow([place[one] for one in way]) for way in arrows),
        *(_box(room, *place[room]) for room in rooms),
    ]
    return "\n".join([*lines, "</svg>"])


def _arrow(way):
    """A line from the lower edge of a box, through gaps, to the upper edge of another."""
    across = [left + width / 2 for left, _, width in way]
    # Arrows start and end beside each other rather than in one point.
    for end, (_, _, width) in ((0, way[0]), (-1, way[-1])):
        other = across[1] if end == 0 else across[-2]
        across[end] += max(-0.35 * width, min(0.35 * width, 0.25 * (other - across[end])))
    path = f"M {across[0]:.0f} {way[0][1] + BOX}"
    for i in range(1, len(way)):
        top, bottom = way[i - 1][1] + BOX, way[i][1]
        half = (top + bottom) / 2
        path += f" C {across[i - 1]:.0f} {half} {across[i]:.0f} {half} {across[i]:.0f} {bottom}"
        path += f" V {bottom + BOX}" if i < len(way) - 1 else ""
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity="0.65" marker-end="url(#arrow)"/>'


def _box(room, left, top, width):
    return (
        f'<rect x="{left:.0f}" y="{top}" width="{width}" height="{BOX}" rx="5" stroke="currentColor" '
        'style="fill: var(--pst-color-surface, transparent)"/>'
        f'<text x="{left + width / 2:.0f}" y="{top + 22}" text-anchor="middle" fill="currentColor">'
        f"{escape(room)}</text>"
    )


class House(Directive):
    """Put the drawing, and below it a table of the folders and files, in the place of the directive."""

    def run(self):
        files = modules()
        self.state.document.settings.record_dependencies.add(*map(str, files.values()))
        rooms = plan()
        order = [room for floor in storeys(without_shortcuts(rooms)) for room in floor]
        rows = [(f"{room}/", SOURCE / room / "__init__.py") for room in order]
        rows += [(path.name, path) for path in files.values() if path.parent == SOURCE and not path.stem.endswith("__")]
        table = [".. list-table::", "    :widths: auto", ""]
        for name, path in rows:
            table += [f"    * - ``{name}``", f"      - {first_line(path)}"]
        parent = nodes.container()
        self.state.nested_parse(StringList(table, source="house"), 0, parent)
        return [nodes.raw("", drawing(rooms), format="html"), *parent.children]


def setup(app):
    """Add the directive."""
    app.add_directive("house", House)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
