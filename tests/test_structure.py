"""The structure of the code: imports point down and never in a circle, each module has its test, errors are said."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "refinery"

# From the top down; a room may import rooms of lower lines alone, and itself.
LAYERS = (
    ("cli",),
    ("__init__",),
    ("api", "demo"),
    ("report",),
    ("run",),
    ("plan",),
    ("mix",),
    ("dedup", "select", "recall", "scaling", "labels"),
    ("filters",),
    ("models",),
    ("definition", "sources", "executors"),
    ("shuffle", "watch"),
    ("storage",),
    ("text",),
    ("errors",),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


def _modules(folder: Path, prefix: str) -> dict[str, Path]:
    """Every module below a folder by its dotted name."""
    found = {}
    for file in folder.rglob("*.py"):
        parts = file.relative_to(folder).with_suffix("").parts
        name = ".".join((*prefix.split("."), *parts)).strip(".").removesuffix(".__init__")
        found[name] = file
    return found


def _imports(name: str, file: Path, modules: dict[str, Path]) -> set[str]:
    """The modules that a module imports, anywhere in it."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, [package if node.level else "", node.module]))
            found.update(
                joined if (joined := f"{base}.{alias.name}") in modules else base for alias in node.names
            )
    return {target for target in found if target in modules and target != name}


def _graph(folder: Path, prefix: str) -> dict[str, set[str]]:
    modules = _modules(folder, prefix)
    return {name: _imports(name, file, modules) for name, file in modules.items()}


def _circle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of a circle of imports, if there is one."""
    left = {name: set(targets) for name, targets in graph.items()}
    while free := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in free:
            del left[name]
    if not left:
        return []
    walk = [min(left)]
    while walk[-1] not in walk[:-1]:
        walk.append(min(left[walk[-1]] & left.keys()))
    return walk[walk.index(walk[-1]) :]


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def test_imports_point_down() -> None:
    """No module imports one of a room above it, nor of a room beside it."""
    wrong = [
        f"{name} imports {target}"
        for name, targets in _graph(SOURCE, "refinery").items()
        for target in sorted(targets)
        if _room(name) != _room(target) and LEVEL[_room(name)] >= LEVEL[_room(target)]
    ]
    assert wrong == []


@pytest.mark.parametrize(("folder", "prefix"), [(SOURCE, "refinery"), (ROOT / "benchmarks", "")])
def test_no_circle_of_imports(folder: Path, prefix: str) -> None:
    """Modules can be read one after the other, each after those that it imports."""
    assert _circle(_graph(folder, prefix)) == []


def test_a_circle_is_found() -> None:
    """The search tells the modules of a circle, and only those."""
    assert _circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c", "b"]


def test_each_module_has_its_test() -> None:
    """src/refinery/room/noun.py is tested by tests/room/test_noun.py."""
    missing = [
        str(file.relative_to(SOURCE))
        for file in sorted(SOURCE.rglob("*.py"))
        if file.name != "__init__.py"
        and not (ROOT / "tests" / file.relative_to(SOURCE).parent / f"test_{file.name}").exists()
    ]
    assert missing == []


def _public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from (
                entry
                for entry in node.body
                if isinstance(entry, ast.FunctionDef) and not entry.name.startswith("_")
            )


def _raises(function: ast.FunctionDef) -> bool:
    """Whether it raises an error that its caller gets, by a statement of its own; an exit code is none."""
    inner = {
        node
        for nested in ast.walk(function)
        if isinstance(nested, (ast.FunctionDef, ast.Lambda)) and nested is not function
        for node in ast.walk(nested)
    }
    raised = (n.exc for n in ast.walk(function) if isinstance(n, ast.Raise) and n not in inner)
    return any(error is not None and "typer.Exit" not in ast.unparse(error) for error in raised)


def test_public_functions_say_what_they_raise() -> None:
    """The docstring of a public function with a `raise` tells it."""
    silent = [
        f"{file.relative_to(SOURCE)}: {function.name}"
        for file in sorted(SOURCE.rglob("*.py"))
        for function in _public_functions(ast.parse(file.read_text("utf-8")))
        if _raises(function) and "raise" not in (ast.get_docstring(function) or "").lower()
    ]
    assert silent == []
