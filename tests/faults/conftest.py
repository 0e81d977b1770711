"""Faults are caused for real here; what came of each is counted and told in a table at the end."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import repository

IDENTICAL, ERROR = "identical bytes", "clear error"
_outcomes: Counter[tuple[str, str]] = Counter()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    faults = list(dict.fromkeys(fault for fault, _ in _outcomes))
    if not faults:
        return
    terminalreporter.section("faults")
    width = max(map(len, faults))
    terminalreporter.line(f"{'fault':<{width}}  injected  {IDENTICAL}  {ERROR}  other")
    for fault in faults:
        found = {outcome: count for (name, outcome), count in _outcomes.items() if name == fault}
        other = sum(found.values()) - found.get(IDENTICAL, 0) - found.get(ERROR, 0)
        row = (
            f"{sum(found.values()):>8}  {found.get(IDENTICAL, 0):>15}  {found.get(ERROR, 0):>11}  {other:>5}"
        )
        terminalreporter.line(f"{fault:<{width}}  {row}")


@pytest.fixture(scope="session")
def times() -> Callable[[int], range]:
    """`times(n)` are n injections, or as many times that as the environment's FAULTS says."""
    factor = float(os.environ.get("FAULTS", "1"))
    return lambda usual: range(max(1, round(usual * factor)))


@pytest.fixture(scope="session")
def seed() -> int:
    """Of the moments and places of faults; FAULTS_SEED in the environment gives others."""
    return int(os.environ.get("FAULTS_SEED", "1"))


@pytest.fixture
def outcome() -> Callable[[str, str], None]:
    """Counts an injected fault and what came of it."""

    def count(fault: str, what: str) -> None:
        _outcomes[fault, what] += 1

    return count


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A repository and the content of its outputs after a run that nothing disturbed."""
    folder = repository.make_repository(tmp_path_factory.mktemp("repository"))
    code, err = repository.run(folder)
    assert code == 0, err
    assert repository.lines_logged(folder) >= repository.LOGGED
    return folder, repository.content(folder)


@pytest.fixture
def disturbed(undisturbed: tuple[Path, dict[str, str]]) -> tuple[Path, dict[str, str]]:
    """The repository without anything that runs have left, and what its outputs must hold in the end."""
    repository.clear(undisturbed[0])
    return undisturbed
