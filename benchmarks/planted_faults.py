"""Plant faults at random over the package, one at a time, and count how many the tests see.

python benchmarks/planted_faults.py [--seed 0] [--count 30] [--limit 600] [--only skisp/propagation] [--quick]

In a copy of the tree one operator, comparison, condition or constant is changed, a keyword is left out, two arguments
change places, or a statement is dropped. Then the tests that belong to the changed file run until one fails: its
examples, those of its name, then those of its folder. A test that fails without the fault as well, since the copy
lacks what it needs, is no witness and is left out. Of those that take longer than the limit nothing is known: the
fault makes them hang, or the machine is busy.

What is not seen is listed at the end, to be judged by a person. Some of it is no fault: ``x <= 0`` for ``x < 0`` where
0 cannot be, or another constant where any will do.
"""

import argparse
import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from _report import Table, parsed_with_quick

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("skisp", "tests", "benchmarks", "docs", "examples", "conftest.py", "pyproject.toml", "README.md")
# What is never executed, is a name, or is read by people only.
SKIPPED = {ast.Import, ast.ImportFrom, ast.Raise, ast.JoinedStr}
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list"}

Change = Callable[[], Any]

OPPOSITES: dict[type, list[type]] = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
}


class Fault(NamedTuple):
    """A changed file of the package, and the statement that was changed in it."""

    path: Path
    line: int
    before: str
    after: str
    source: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=30, help="faults to plant")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that the tests of one fault may take")
    parser.add_argument("--only", default="skisp", help="file or folder in which to plant them")
    arguments = parsed_with_quick(parser, count=1, limit=60.0, only="skisp/_math/gradients.py")
    unseen, broken = [], set[str]()
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        copy_tree(copy)
        for number, fault in enumerate(faults(arguments.only, arguments.seed, arguments.count), start=1):
            start = time.monotonic()
            verdict = seen_by(copy, fault, arguments.limit, broken)
            print(f"{number:3} {verdict:40} {time.monotonic() - start:4.0f} s  {described(fault)}", flush=True)
            if not verdict.startswith("seen"):
                unseen.append(fault)
    table = Table(f"Faults planted in {arguments.only}", ("faults", "planted", "seen by a test"))
    table.add(f"seed {arguments.seed}", arguments.count, arguments.count - len(unseen))
    print("\nnot seen:" if unseen else "")
    for fault in unseen:
        print(described(fault))


def described(fault: Fault) -> str:
    """Where it is, and what changed with some of what is around it."""
    pairs = zip(fault.before, fault.after, strict=False)
    start = max(0, next((i for i, (one, other) in enumerate(pairs) if one != other), 0) - 60)
    parts = [" ".join(part[start : start + 150].split()) for part in (fault.before, fault.after)]
    return f"{fault.path}:{fault.line}\n      - {parts[0]}\n      + {parts[1]}"


def copy_tree(copy: Path) -> None:
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)


def faults(only: str, seed: int, count: int) -> Iterator[Fault]:
    """Faults at random, each in another line of the code."""
    draw = random.Random(seed)
    sources = {path: path.read_text() for path in sorted(ROOT.joinpath(only).rglob("*.py")) or [ROOT / only]}
    lines = sorted({(path, node.lineno) for path, source in sources.items() for node, *_ in changes(ast.parse(source))})
    for path, line in draw.sample(lines, len(lines))[:count]:
        tree = ast.parse(sources[path])
        node, statement, change = draw.choice([found for found in changes(tree) if found[0].lineno == line])
        before = heading(statement)
        change()
        source = ast.unparse(ast.fix_missing_locations(tree))
        yield Fault(path.relative_to(ROOT), node.lineno, before, heading(statement), source)


def heading(statement: ast.stmt) -> str:
    """The first lines of a statement, without what it contains."""
    text = ast.unparse(statement)
    return text.split(":\n")[0] if hasattr(statement, "body") else text


def changes(node: ast.AST, statement: Any = None) -> Iterator[tuple[Any, Any, Change]]:
    """Every way to change a node of the tree or one below it in place: the node, its statement and the change."""
    for field, value in ast.iter_fields(node):
        if field in SKIPPED_FIELDS:
            continue
        children = value if isinstance(value, list) else [value]
        for child in children:
            if not isinstance(child, ast.AST) or type(child) in SKIPPED or is_for_names(child):
                continue
            own = child if isinstance(child, ast.stmt) else statement
            if isinstance(child, ast.expr | ast.stmt):
                yield from ((child, own, change) for change in changes_of(child))
            if isinstance(value, list) and is_droppable(child):
                yield child, own, lambda child=child: drop(child)
            yield from changes(child, own)


def is_for_names(node: ast.AST) -> bool:
    """Lists of exported names, and what only type checkers read."""
    name = getattr(node, "targets", [node])[0]
    return getattr(name, "id", "") == "__all__" or getattr(getattr(node, "test", None), "id", "") == "TYPE_CHECKING"


def changes_of(node: Any) -> Iterator[Change]:
    """The ways to change this node."""
    if isinstance(node, ast.Compare):
        for other in OPPOSITES.get(type(node.ops[0]), []):
            yield lambda other=other: node.ops.__setitem__(0, other())
    elif isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp):
        for other in OPPOSITES.get(type(node.op), []):
            yield lambda other=other: setattr(node, "op", other())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda: setattr(node, "op", ast.UAdd())
    elif isinstance(node, ast.If | ast.IfExp):
        yield lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        yield from (lambda other=other: setattr(node, "value", other) for other in others(node.value))
    elif isinstance(node, ast.Call):
        yield from (lambda i=i: node.keywords.pop(i) for i, keyword in enumerate(node.keywords) if keyword.arg)
        if is_ordered(node) and not any(isinstance(argument, ast.Starred) for argument in node.args[:2]):
            yield lambda: node.args.__setitem__(slice(0, 2), node.args[1::-1])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult | ast.Sub | ast.Div):
        yield lambda: node.__dict__.update(left=node.right, right=node.left)


def is_ordered(call: ast.Call) -> bool:
    """Whether its arguments have an order that matters."""
    return len(call.args) > 1 and getattr(call.func, "id", "") not in ("max", "min")


def others(value: bool | int | float) -> list[bool | int | float]:
    if isinstance(value, bool):
        return [not value]
    return [value + 1, value - 1] if isinstance(value, int) else [value * 2 + 0.1, value / 3 - 0.01]


def is_droppable(node: ast.AST) -> bool:
    """Calls for their effect, additions, and checks that raise: without them the rest still runs."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    return isinstance(node, ast.AugAssign) or (isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise))


def drop(statement: Any) -> None:
    """Put in its place what does nothing."""
    statement.__class__ = ast.Expr
    statement.__dict__.update(value=ast.Constant(...))


def seen_by(copy: Path, fault: Fault, limit: float, broken: set[str]) -> str:
    """The test that fails in the copy with the fault only, if there is one; those that always fail are added."""
    whole = (copy / fault.path).read_text()
    while True:
        (copy / fault.path).write_text(fault.source)
        try:
            status, witness = run_tests(copy, tests_of(copy, fault.path), limit, broken)
        except subprocess.TimeoutExpired:
            return "OVER THE LIMIT"
        finally:
            (copy / fault.path).write_text(whole)
        if status == 0:
            return "NOT SEEN"
        if not witness:
            return f"seen: pytest ended with {status}"
        if run_tests(copy, [str(copy / witness)], limit, set())[0] == 0:
            return f"seen: {witness.rpartition('/')[2]}"
        broken.add(witness)


def run_tests(copy: Path, tests: list[str], limit: float, broken: set[str]) -> tuple[int, str]:
    """The status of pytest, and the file and function of the test that failed, or nothing."""
    options = ["-x", "-q", "-n0", "-m", "not slow", "-p", "no:cacheprovider", "--tb=no"]
    left_out = [f"--deselect={test}" for test in sorted(broken)]
    command = [sys.executable, "-m", "pytest", *options, *left_out, *tests]
    environment = os.environ | {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=limit, check=False
    )
    failed = re.search(r"^(?:FAILED|ERROR) ([^\s\[]+)", done.stdout, re.MULTILINE)
    return done.returncode, failed[1] if failed else ""


def tests_of(copy: Path, path: Path) -> list[str]:
    """The examples of the file, the test file of the same name, the others beside it, and all of the package's folder.

    Last come the tests of other packages that import it; of a module beside the packages, the tests beside theirs.
    """
    folders = [part.lstrip("_") for part in path.parent.parts[1:]]
    every = [*copy.joinpath("tests", *folders[:1]).glob("**/test_*.py" if folders else "test_*.py")]
    imported = re.compile(rf"^ *from .*(\.{path.stem} import|import .*\b{path.stem}\b)", re.MULTILINE)
    using = [file for file in copy.glob("skisp/*/**/*.py") if imported.search(file.read_text())]
    packages = {file.relative_to(copy).parts[1].lstrip("_") for file in using} - set(folders[:1])
    every += [test for package in packages for test in copy.glob(f"tests/{package}/**/test_*.py")]
    beside, own = copy.joinpath("tests", *folders), f"test_{path.stem.lstrip('_')}.py"
    ordered = sorted(every, key=lambda test: (test.name != own, test.parent != beside, test))
    return [str(copy / path), *map(str, ordered)]


if __name__ == "__main__":
    main()
