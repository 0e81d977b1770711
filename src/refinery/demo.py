"""`refinery demo`: a small data repository out of real text that is on every machine with this package.

The text is documentation: docstrings of the standard library and of the packages that refinery depends on, read
from their source files without importing them, and the descriptions and licences of all installed packages. The
vertical to find in it is numerical computing: half of NumPy's modules train the relevance model, the other half lie
in the crawl among everything else.
"""

from __future__ import annotations

import ast
import email
import gzip
import importlib.util
import inspect
import shutil
import sysconfig
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from importlib.resources import files
from pathlib import Path

import orjson

from refinery.errors import InputError

PACKAGES = ("numpy", "polars", "pyarrow", "numba", "rich", "pydantic", "typer", "fsspec", "datasketch")
DOMAIN = "numpy"
MIN_CHARACTERS = 200
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")  # of statements, in statements
_SKIPPED = {"test", "tests", "site-packages", "idlelib", "lib2to3", "turtledemo", "__pycache__", "_vendor"}


@dataclass(frozen=True)
class Page:
    """A piece of documentation."""

    id: str
    text: str
    package: str
    module: str

    @property
    def for_training(self) -> bool:
        """Half of the modules train the model and are not in the crawl."""
        return sum(self.module.encode()) % 2 == 0


def make_repository(folder: Path) -> Path:
    """Writes crawl, seeds, others and the pipeline definition into an empty folder; returns the definition.

    Raises InputError when the folder holds anything.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InputError(str(folder), "is not empty", "give the demo a new folder")
    pages = list(_docstrings())
    crawl = [page for page in pages if not page.for_training]
    seeds = [page for page in pages if page.for_training and page.package == DOMAIN]
    others = [page for page in pages if page.for_training and page.package != DOMAIN]
    for name in ("crawl", "seeds", "others"):
        (folder / name).mkdir(parents=True)
    half = len(crawl) // 2
    _write_parquet(folder / "crawl" / "docstrings-0.parquet", crawl[:half])
    _write_parquet(folder / "crawl" / "docstrings-1.parquet", crawl[half:])
    _write_parquet(folder / "seeds" / "docstrings.parquet", seeds)
    _write_parquet(folder / "others" / "docstrings.parquet", others)
    with gzip.GzipFile(folder / "crawl" / "descriptions.jsonl.gz", "wb", mtime=0) as out:
        for page in _descriptions():
            out.write(orjson.dumps(page) + b"\n")
    definition = folder / "pipeline.yaml"
    with (
        files("refinery").joinpath("pipelines/demo.yaml").open("rb") as source,
        definition.open("wb") as target,
    ):
        shutil.copyfileobj(source, target)
    return definition


def _docstrings() -> Iterator[Page]:
    """Docstrings of the standard library and of `PACKAGES`, in order of path."""
    roots = [("python", Path(sysconfig.get_path("stdlib")))]
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        roots += [
            (package, Path(place)) for place in (spec.submodule_search_locations if spec else None) or ()
        ]
    for package, root in roots:
        for file in sorted(root.rglob("*.py")):
            inner = file.relative_to(root)
            if not _SKIPPED.intersection(inner.parts):
                yield from _in_file(package, inner, file)


def _in_file(package: str, inner: Path, file: Path) -> Iterator[Page]:
    try:
        tree = ast.parse(file.read_bytes())
    # SystemError: python/cpython#106905, in a library's threads
    except (SyntaxError, ValueError, OSError, SystemError):
        return  # a template or a file for another Python
    module = ".".join((package, *inner.with_suffix("").parts))
    for number, node in enumerate(_statements(tree)):
        text = _documentation(node)
        if text is not None and len(text) >= MIN_CHARACTERS:
            yield Page(f"{module}:{number}", text, package, module)


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """The module and all its statements, breadth first, without going through their expressions."""
    left: deque[ast.AST] = deque([tree])
    while left:
        node = left.popleft()
        yield node
        for block in _BLOCKS:
            left.extend(getattr(node, block, ()))


def _documentation(node: ast.AST) -> str | None:
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return ast.get_docstring(node)
    call = node.value if isinstance(node, ast.Expr) else None
    is_added = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "add_newdoc"
    if is_added and isinstance(call, ast.Call) and call.args:  # how NumPy documents what is written in C
        last = call.args[-1]
        if isinstance(last, ast.Constant) and isinstance(last.value, str):
            return inspect.cleandoc(last.value)
    return None


def _descriptions() -> Iterator[Page]:
    """Descriptions and licence texts of installed packages; many licences are near-duplicates of each other."""
    found = {d.metadata["Name"]: d for d in distributions() if d.metadata["Name"]}
    for name, distribution in sorted(found.items()):
        description = email.message_from_string(distribution.read_text("METADATA") or "").get_payload()
        if isinstance(description, str) and len(description) >= MIN_CHARACTERS:
            yield Page(f"{name}:description", description, name, name)
        for file in distribution.files or ():
            if file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
                path = Path(str(file.locate()))
                if path.is_file():
                    yield Page(f"{name}:{file.name}", path.read_text(errors="replace"), name, name)


def _write_parquet(path: Path, pages: list[Page]) -> None:
    import pyarrow as pa

    from refinery.storage.write import write_table

    columns = {name: [getattr(page, name) for page in pages] for name in ("id", "text", "package", "module")}
    batch = pa.RecordBatch.from_pydict(columns)
    write_table(path, iter([batch]), batch.schema)
