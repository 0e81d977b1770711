"""What `import refinery` gives."""

import subprocess
import sys
from importlib.metadata import version

import pytest

import refinery

HEAVY = (
    "numba",
    "polars",
    "ray",
    "fasttext",
    "pyarrow",
    "pydantic",
    "numpy",
    "pandas",
    "datasketch",
    "rich",
    "typer",
)


def loaded_by(code: str) -> set[str]:
    """The top-level modules that are loaded after a program."""
    code = f"import sys\n{code}\nprint(*sorted(m.split('.')[0] for m in sys.modules))"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_import_loads_nothing_heavy():
    """Neither the package nor a definition that is built in Python loads a data library."""
    assert not loaded_by("import refinery; dir(refinery)").intersection(HEAVY)
    built = "import refinery\nrefinery.Pipeline(name='a', sources={}, stages={}, outputs={})"
    assert not loaded_by(built).intersection(HEAVY)


def test_only_what_a_function_needs_is_loaded():
    """Measuring texts loads neither Ray nor datasketch; pandas, where it is installed, is loaded by pyarrow."""
    loaded = loaded_by("import refinery\nrefinery.measure(['a text'], ['size'])")
    assert {"pyarrow", "numba"} <= loaded
    assert not loaded & {"ray", "datasketch", "rich", "fasttext"}


def test_every_name_is_there():
    """All public names, and no others by `dir`; a wrong one is an AttributeError."""
    assert sorted(refinery.__all__) == refinery.__all__ == sorted({*refinery.__all__})
    assert set(refinery._MODULES) < set(refinery.__all__)
    assert dir(refinery) == refinery.__all__
    for name in refinery.__all__:
        assert getattr(refinery, name) is not None, name
    assert refinery.__version__ == version("refinery")
    with pytest.raises(AttributeError, match="no attribute 'mesure'"):
        _ = refinery.mesure


def test_packages_do_not_take_the_names_of_functions():
    """`refinery.run` is the function, whatever of the package `refinery.run` is imported, and when."""
    code = (
        "import refinery.run.run, refinery.plan.plan, refinery.dedup.verb\n"
        "from refinery import run, plan, dedup\n"
        "assert all(callable(one) for one in (run, plan, dedup, refinery.run, refinery.plan, refinery.dedup))\n"
        "import refinery.run.decide\nfrom refinery.run import folder\nassert callable(refinery.run)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_function_has_an_example():
    """A doctest, which the tests run, in each function that users call."""
    import inspect

    functions = [getattr(refinery, name) for name in refinery.__all__]
    silent = [f.__name__ for f in functions if inspect.isfunction(f) and ">>>" not in (f.__doc__ or "")]
    assert silent == []
