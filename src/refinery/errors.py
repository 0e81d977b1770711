"""What can go wrong, split by what the user does next.

RefineryError
 ├─ DefinitionError      the pipeline definition (or a rule set, an argument) is wrong: exit code 2
 ├─ InputError           a source, shard, row or model cannot be used as given: exit code 2
 └─ RunError             the run failed after its input was accepted: exit code 1
     ├─ UnitFailed       one unit of work failed; names the unit
     ├─ StorageError     a store did not answer, however often it was asked; another attempt may help
     ├─ DamagedFile      a file of the work folder is not as it was written; the run makes it again
     ├─ FolderInUse      another run works in a folder; it can be waited for
     ├─ OutputError      the output or the work directory cannot be written
     └─ ConservationError  documents in != kept + dropped + rejected: a bug, never a warning
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LINES, WIDTH = 20, 2000  # of what a DefinitionError tells, and characters of each


class RefineryError(Exception):
    """Anything refinery tells a user in words; `exit_code` is what the command line returns.

    A subclass hands its arguments on and makes its words in `__str__`, so that pickle can make it again from them.
    """

    exit_code = 1


class DefinitionError(RefineryError):
    """Every problem found in a definition, one line each: place, what is wrong, what to do."""

    exit_code = 2

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def lines(self) -> list[str]:
        """The problems for a terminal: at most LINES, none longer than WIDTH, and how many more there are.

        >>> DefinitionError(*"abc" * 7).lines()[-2:]
        ['a', 'and 2 more problems']
        """
        most = LINES if len(self.problems) <= LINES else LINES - 1
        lines = [cut_middle(problem, WIDTH) for problem in self.problems[:most]]
        more = len(self.problems) - most
        return [*lines, f"and {more:,} more problems"] if more > 0 else lines

    def __str__(self) -> str:
        return "\n".join(self.lines())


class InputError(RefineryError):
    """A file, row or model that cannot be used; `place` says which (path, shard, row), `hint` what to do."""

    exit_code = 2

    def __init__(self, place: str, problem: str, hint: str = "") -> None:
        super().__init__(place, problem, hint)
        self.place = place
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}" + (f" ({self.hint})" if self.hint else "")


class RunError(RefineryError):
    """The run failed; what was finished before stays finished."""


class UnitFailed(RunError):
    """A unit of work failed, and another attempt would not help; `unit` names it."""

    def __init__(self, unit: str, problem: str) -> None:
        super().__init__(unit, problem)
        self.unit = unit
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.unit}: {self.problem}"


class StorageError(RunError):
    """A store did not answer; `place` is the file or URL. The unit that needed it may be tried again."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(place, problem)
        self.place = place
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"


class DamagedFile(RunError):
    """A file that refinery itself wrote is gone or not as it was written; `place` is its path or URL."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(place, problem)
        self.place = place
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.place}: damaged: {self.problem}; remove it and run the same command again"


class FolderInUse(RunError):
    """Another run works in a folder that one process at a time works in."""


class OutputError(RunError):
    """An output folder or the work directory cannot be used or is full."""


class ConservationError(RunError):
    """A stage's documents do not add up."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """`; did you mean "x"?`, or the valid names when nothing is near.

    >>> nearest("relevence", ["lang", "relevance"])
    '; did you mean "relevance"?'
    """
    choices = sorted(set(valid))
    near = difflib.get_close_matches(name, choices, 1)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; there is {some_of(choices[:12], len(choices))}" if choices else ""


def some_of(first: Iterable[str], count: int, between: str = ", ") -> str:
    """The first of so many texts, and how many more there are.

    >>> some_of(["a", "b"], 2), some_of(["a", "b"], 1002)
    ('a, b', 'a, b and 1,000 more')
    """
    named = [*first]
    more = f" and {count - len(named):,} more" if count > len(named) else ""
    return f"{between.join(named)}{more}"


def counted(number: int, noun: str) -> str:
    """So many of what a noun with a plural in s names.

    >>> counted(1, "host"), counted(1200, "host")
    ('1 host', '1,200 hosts')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def cut_middle(text: str, most: int) -> str:
    """A text of at most so many characters: of a longer one the beginning and the end.

    >>> cut_middle("abcdefghijkl", 11)
    'abcdef … kl'
    """
    return (
        text if len(text) <= most else f"{text[: most * 2 // 3 - 1]} … {text[-(most - most * 2 // 3 - 2) :]}"
    )
