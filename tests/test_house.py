"""The rules of the house in docs/contributing.rst: what may import what, how long things are, what is private."""

import ast
import importlib
import importlib.util
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
specification = importlib.util.spec_from_file_location("house", ROOT / "docs" / "_extensions" / "house.py")
house = importlib.util.module_from_spec(specification)
specification.loader.exec_module(house)

# From the roof down. A room imports from lower floors only, never from another one on its own floor.
FLOORS = [
    ["__main__"],
    ["cli"],
    ["__init__"],
    ["inspection"],
    ["persistence"],
    ["propagation"],
    ["propagation.synthesis", "cvae", "metrics", "datasets", "io"],
    ["_conditions", "_tensors"],
    ["_base", "_images", "_files"],
    ["_math"],
    ["_threads", "_batches", "_chunks", "_progress", "_names", "_errors", "_presets"],
    ["_torch_state", "_show_versions"],
    ["_fork", "_version"],
]
# What is calculated here must not know who asks for it.
WITHOUT_ESTIMATORS = ["_math", "propagation.synthesis"]

# What may break a rule, and why. What no longer breaks it must go.
EXEMPT = {
    "long functions": {
        "skisp.cvae._parameters:CVAEParameters.__init__": "stores its parameters, of which each takes two lines",
    },
}

FILES = house.modules(ROOT / "skisp")


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(module):
    """Pairs of what a module of the package imports from it, and the name."""
    return [(target, name) for target, name in house.imports(module, FILES) if target in FILES]


def room(module):
    """The folder of a module, or the file at the top."""
    inside = house.folder(module, FILES[module]).split(".")[1:]
    return ".".join(inside) if inside else module.rpartition(".")[2] if "." in module else "__init__"


def assert_none(rule, found):
    """Nothing breaks the rule but what is exempt from it, and all that is exempt does."""
    exempt = EXEMPT.get(rule, {})
    new, past = sorted(set(found) - set(exempt)), sorted(set(exempt) - set(found))
    assert not new, f"{rule}: {new}"
    assert not past, f"no exemption is needed any more: {past}"


def test_every_room_has_a_floor():
    assert {room(module) for module in FILES} == {room for floor in FLOORS for room in floor}


def test_imports_go_down_only():
    floor = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
    found = [
        f"{module} imports {target}"
        for module in FILES
        for target, _ in imported(module)
        if room(target) != room(module) and floor.get(room(target), 99) <= floor.get(room(module), -1)
    ]
    assert_none("imports that go up", found)


def test_no_modules_import_each_other_in_a_circle():
    graph = {module: {target for target, _ in imported(module)} - {module} for module in FILES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_what_calculates_knows_no_estimator():
    found = [
        f"{module} imports {target}"
        for module in FILES
        if room(module) in WITHOUT_ESTIMATORS
        for target, _ in house.imports(module, FILES)
        if target.split(".")[0] == "sklearn" or (target in FILES and room(target) in ("cvae", "propagation", "_base"))
    ]
    assert_none("estimators where formulas are", found)


def test_no_file_is_longer_than_400_lines():
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in FILES.items()}
    assert_none("long files", [module for module, length in lengths.items() if length > 400])


def functions(node, above=""):
    """Functions and methods by their qualified names."""
    for child in ast.iter_child_nodes(node):
        name = f"{above}.{child.name}".lstrip(".") if hasattr(child, "name") else above
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield name, child
        yield from functions(child, name)


def lines_without_docstring(function):
    n_lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return n_lines
    return n_lines - (function.body[0].end_lineno - function.body[0].lineno + 1)


def test_no_function_is_longer_than_60_lines():
    found = [
        f"{module}:{name}"
        for module, path in FILES.items()
        for name, function in functions(tree(path))
        if lines_without_docstring(function) > 60
    ]
    assert_none("long functions", found)


def assigned(node):
    """Names that an assignment gives."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]


def defined(body):
    """Names that the statements of a module define, those of its branches too."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield from assigned(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, (ast.If, ast.Try)):
            yield from defined([*node.body, *node.orelse, *getattr(node, "handlers", [])])
        elif isinstance(node, ast.ExceptHandler):
            yield from defined(node.body)


def listed(path):
    """The names in ``__all__``, or None where there is none."""
    lists = [node.value for node in tree(path).body if isinstance(node, ast.Assign) and "__all__" in assigned(node)]
    return set(ast.literal_eval(lists[0])) if lists else None


def test_lists_of_names_in_private_modules_are_true():
    by_package, by_tests, found = defaultdict(set), defaultdict(set), []
    for target, name in (pair for module in FILES for pair in imported(module)):
        by_package[target].add(name)
    for path in (ROOT / "tests").rglob("*.py"):
        for target, name in house.imports(path.stem, FILES | {path.stem: path}):
            by_tests[target].add(name)
    for module, path in FILES.items():
        names = listed(path)
        if names is None or "._" not in module:
            continue
        used = by_package[module] | by_tests[module]
        found += [f"{module} lists {name}, which is not there" for name in names.difference(defined(tree(path).body))]
        # Who imports the module itself may use all of it.
        found += [f"{module} lists {name}, which is not imported" for name in (set() if None in used else names - used)]
        found += [f"{module} does not list {name}, which is imported" for name in by_package[module] - names - {None}]
    assert_none("lists that are not true", found)


# The drawing of the house on the page


def test_the_plan_resolves_every_kind_of_import(tmp_path):
    files = {
        "__init__.py": "def late():\n    from .upper import Thing",
        "upper/__init__.py": "from ._a import Thing",
        "upper/_a.py": "import os\nfrom .. import lower\nfrom ..lower._b import thing\nfrom . import _c",
        "upper/_c.py": "def f():\n    import skisp.lower",
        "lower/__init__.py": "",
        "lower/_b.py": "from .._alone import thing",
        "roof/__init__.py": "from .. import Thing",
        "_alone.py": "",
    }
    for name, text in files.items():
        path = tmp_path / "skisp" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert house.plan(tmp_path / "skisp") == {"upper": {"lower"}, "lower": set(), "roof": {"upper"}}


def test_the_drawing_has_a_box_a_room_and_the_arrows_that_do_not_follow():
    rooms = {"a": {"b", "c", "d"}, "b": {"d"}, "c": {"d", "e/f"}, "d": set(), "e/f": {"d"}, "g": {"d"}}
    drawing = ElementTree.fromstring(house.drawing(rooms))
    tag = "{http://www.w3.org/2000/svg}"
    assert {text.text for text in drawing.iter(f"{tag}text")} == set(rooms)
    assert len([path for path in drawing.iter(f"{tag}path") if path.get("marker-end")]) == 6
    boxes = [[float(box.get(side)) for side in ("x", "y", "width", "height")] for box in drawing.iter(f"{tag}rect")]
    assert len(boxes) == len(rooms)
    assert all(x >= 0 and x + width <= house.WIDTH <= 700 for x, _, width, _ in boxes)
    for one, (x, y, width, height) in enumerate(boxes):
        for x2, y2, width2, height2 in boxes[one + 1 :]:
            assert x + width < x2 or x2 + width2 < x or y + height < y2 or y2 + height2 < y


OUTSIDE = [path for folder in ("benchmarks", "examples") for path in sorted((ROOT / folder).glob("*.py"))]


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: path.stem)
def test_what_benchmarks_and_examples_import_is_there(path):
    """A name that moves would break them unseen until they are run, which is not done with every test."""
    found = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom) and node.module]
    for node in (node for node in found if node.module.partition(".")[0] == "skisp"):
        module = importlib.import_module(node.module)
        missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
        assert not missing, f"{path.name} imports {missing} from {node.module}"
