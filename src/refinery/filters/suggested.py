"""`suggested('NAME')` in SQL: the threshold that the card of a trained model suggests.

It becomes a number once the model is there, so that what is decided by it is known by the number; until then it is
checked as a number. Everything else of a predicate is left as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from refinery.definition.paths import Paths
from refinery.definition.trainings import RecallTraining, RelevanceTraining
from refinery.errors import DefinitionError, InputError, nearest

# Comments, texts and quoted names are passed over whole.
_TOKEN = re.compile(r"""--[^\n]*|'(?:[^']|'')*'|"[^"]*"|[A-Za-z_]\w*|\s+|.""", re.DOTALL)
_AT_LEAST = re.compile(r"""(?:[A-Za-z_]\w*|"[^"]+")\s*>=""")
_WORD, _HOW = "suggested", "write suggested('NAME') with the name of a model"


def with_suggestions(predicate: str, paths: Paths) -> str:
    """The predicate with the number in place of each suggestion of a model that is there.

    Raises DefinitionError for what is no model, and for one that suggests no threshold.
    """
    pieces, problems = [], []
    for text, name in _pieces(predicate):
        try:
            number = None if name is None else _suggestion(name, paths)
        except DefinitionError as error:
            problems += [f"suggested('{name}'): {problem}" for problem in error.problems]
            continue
        pieces.append(text if number is None else repr(number))
    if problems:
        raise DefinitionError(*problems)
    return "".join(pieces)


def as_numbers(predicate: str) -> str:
    """The predicate with some number in place of each suggestion, for checks; raises DefinitionError for a wrong use.

    >>> as_numbers("relevance >= suggested('medical') AND lang = 'suggested'")
    "relevance >= 0.5 AND lang = 'suggested'"
    """
    return "".join(text if name is None else repr(0.5) for text, name in _pieces(predicate))


def suggesting_models(predicate: str) -> frozenset[str]:
    """The models whose suggestions a predicate asks for; raises DefinitionError for a wrong use.

    >>> sorted(suggesting_models("relevance >= suggested('medical')"))
    ['medical']
    """
    return frozenset(name for _, name in _pieces(predicate) if name is not None)


def only_suggestion(predicate: str) -> str | None:
    """The model of a predicate that is nothing but `COLUMN >= suggested('NAME')`.

    >>> only_suggestion("relevance >= suggested('medical')"), only_suggestion("a >= suggested('b') AND c > 1")
    ('medical', None)
    """
    pieces = [(text.strip(), name) for text, name in _pieces(predicate)]
    match pieces:
        case [(compared, None), (_, str(name)), ("", None)] if _AT_LEAST.fullmatch(compared):
            return name
    return None


def _pieces(predicate: str) -> Iterator[tuple[str, str | None]]:
    """The predicate in pieces: text, and for a piece that is a suggestion the model's name."""
    tokens = _TOKEN.findall(predicate)
    words = [n for n, token in enumerate(tokens) if not token.isspace() and not token.startswith("--")]
    start = 0
    for place, number in enumerate(words):
        call = words[place : place + 4]
        if tokens[number].lower() != _WORD or [tokens[n] for n in call[1:2]] != ["("]:
            continue
        if [tokens[n][0] for n in call[2:]] != ["'", ")"]:
            raise DefinitionError(f"{_HOW}: {predicate}")
        yield "".join(tokens[start:number]), None
        start = call[3] + 1
        yield "".join(tokens[number:start]), tokens[call[2]][1:-1].replace("''", "'")
    yield "".join(tokens[start:]), None


def _suggestion(name: str, paths: Paths) -> float | None:
    """The number; None of a model that is not there, or is wrong, which is told elsewhere."""
    if name not in paths.models:
        raise DefinitionError(f"no model is called {name!r}{nearest(name, paths.models)}")
    use = paths.models[name]
    if use and use.training and not isinstance(use.training, RelevanceTraining | RecallTraining):
        raise DefinitionError(f"a model made by `{use.training.word}` suggests no threshold; write a number")
    return _of_card(use.path) if use and use.path and use.path.exists() else None


def _of_card(path: Path) -> float:
    from refinery.models.card import resolve

    try:
        _, card = resolve(path)
    except InputError as error:
        raise DefinitionError(str(error)) from None
    if card is None:
        raise DefinitionError(f"{path} has no card, which would suggest a threshold; write a number")
    return card.suggested.threshold
