"""SQL functions that ask a model: `suggested('NAME')`, a threshold, and `quantile_of('NAME', column)`, a bucket.

The first is the number that a model's card suggests, the second a comparison with the quantiles of a model made by
`quantiles`. Both are written out once the model is there, so that what is decided by it is known by its numbers;
until then they are checked as numbers. Everything else of a predicate is left as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from refinery.definition.paths import ModelUse, Paths
from refinery.definition.trainings import NgramTraining, QuantileCount, SuggestingTraining
from refinery.errors import DefinitionError, InputError, nearest

# Comments, texts and quoted names are passed over whole.
_TOKEN = re.compile(r"""--[^\n]*|'(?:[^']|'')*'|"[^"]*"|[A-Za-z_]\w*|\s+|.""", re.DOTALL)
_AT_LEAST = re.compile(r"""(?:[A-Za-z_]\w*|"[^"]+")\s*>=""")
_COMPARED = re.compile(r"""([A-Za-z_]\w*)\s*[<>=]=?\s*$""")
_TEXT, _COLUMN = re.compile("'.*'", re.DOTALL), re.compile(r'[A-Za-z_]\w*|".+"', re.DOTALL)
_FORMS = {
    "suggested": ("(", _TEXT, ")"),
    "quantile_of": ("(", _TEXT, ",", _COLUMN, ")"),
}
_HOW = {
    "suggested": "write suggested('NAME') with the name of a model",
    "quantile_of": "write quantile_of('NAME', COLUMN) with the name of a model made by `quantiles` and one column",
}


@dataclass(frozen=True)
class _Call:
    """A piece of SQL that asks a model; column: as it is written, of `quantile_of`."""

    text: str
    model: str
    column: str | None

    def __str__(self) -> str:
        column = f", {self.column}" if self.column else ""
        return f"{'quantile_of' if self.column else 'suggested'}('{self.model}'{column})"


def with_model_values(predicate: str, paths: Paths) -> str:
    """The predicate with SQL in place of each question to a model that is there.

    Raises DefinitionError for what is no model, and for one that has no answer to this.
    """
    pieces, problems = [], []
    for piece in _pieces(predicate):
        if isinstance(piece, str):
            pieces.append(piece)
            continue
        try:
            compared = _COMPARED.search(pieces[-1])
            pieces.append(_answer(piece, paths, compared and compared[1]) or piece.text)
        except DefinitionError as error:
            problems += [f"{piece}: {problem}" for problem in error.problems]
    if problems:
        raise DefinitionError(*problems)
    return "".join(pieces)


def as_numbers(predicate: str) -> str:
    """The predicate with some number in place of each question, for checks; raises DefinitionError for a wrong use.

    >>> as_numbers("relevance >= suggested('medical') AND lang = 'suggested'")
    "relevance >= 0.5 AND lang = 'suggested'"
    >>> as_numbers("quantile_of('scores', relevance) >= 18")
    'CAST(relevance > 0.5 AS BIGINT) >= 18'
    """

    def number(call: _Call) -> str:
        return f"CAST({call.column} > 0.5 AS BIGINT)" if call.column else repr(0.5)

    return "".join(piece if isinstance(piece, str) else number(piece) for piece in _pieces(predicate))


def models_in(predicate: str) -> frozenset[str]:
    """The models that a predicate asks; raises DefinitionError for a wrong use.

    >>> sorted(models_in("relevance >= suggested('medical') OR quantile_of('scores', relevance) > 17"))
    ['medical', 'scores']
    """
    return frozenset(piece.model for piece in _pieces(predicate) if not isinstance(piece, str))


def only_suggestion(predicate: str) -> str | None:
    """The model of a predicate that is nothing but `COLUMN >= suggested('NAME')`.

    >>> only_suggestion("relevance >= suggested('medical')"), only_suggestion("a >= suggested('b') AND c > 1")
    ('medical', None)
    """
    pieces = [piece.strip() if isinstance(piece, str) else piece for piece in _pieces(predicate)]
    match pieces:
        case [str(compared), _Call(model=name, column=None), ""] if _AT_LEAST.fullmatch(compared):
            return name
    return None


def _pieces(predicate: str) -> Iterator[str | _Call]:
    """The predicate in pieces, the last of them text."""
    tokens = _TOKEN.findall(predicate)
    words = [n for n, token in enumerate(tokens) if not token.isspace() and not token.startswith("--")]
    start = 0
    for place, number in enumerate(words):
        form = _FORMS.get(word := tokens[number].lower())
        if form is None or [tokens[n] for n in words[place + 1 : place + 2]] != ["("]:
            continue
        call = words[place + 1 : place + 1 + len(form)]
        if len(call) < len(form) or not all(map(_fits, form, (tokens[n] for n in call))):
            raise DefinitionError(f"{_HOW[word]}: {predicate}")
        yield "".join(tokens[start:number])
        start = call[-1] + 1
        name = tokens[call[1]][1:-1].replace("''", "'")
        yield _Call("".join(tokens[number:start]), name, tokens[call[3]] if len(form) > 3 else None)
    yield "".join(tokens[start:])


def _fits(part: str | re.Pattern[str], token: str) -> bool:
    return token == part if isinstance(part, str) else part.fullmatch(token) is not None


def _answer(call: _Call, paths: Paths, compared: str | None) -> str | None:
    """The SQL; None of a model that is not there, or is wrong, which is told elsewhere.

    compared: the column before it.
    """
    name = call.model
    if name not in paths.models:
        raise DefinitionError(f"no model is called {name!r}{nearest(name, paths.models)}")
    use = paths.models[name]
    if use is None:
        return None
    there = use.path if use.path and use.path.exists() else None
    if call.column:
        return _bucket(use, call.column, there)
    if (training := use.training) is not None:
        if not isinstance(training, SuggestingTraining):
            raise DefinitionError(f"a model made by `{training.word}` suggests no threshold; write a number")
        if isinstance(training, NgramTraining) and not training.positive:
            raise DefinitionError("a model of `raw` alone suggests no threshold; write a number")
        if compared in training.columns[1:]:
            raise DefinitionError(f"it is a threshold of {training.columns[0]}, not of {compared}")
    return repr(_of_card(there, made=use.training is not None)) if there else None


def _bucket(use: ModelUse, written: str, there: Path | None) -> str | None:
    from refinery.models.quantiles import read_quantiles

    if not isinstance(use.training, QuantileCount):
        raise DefinitionError("it needs a model made by `quantiles`")
    column, known = written.strip('"'), use.training.columns
    if column not in known:
        raise DefinitionError(f"its `columns` have no {column!r}{nearest(column, known)}")
    return read_quantiles(there).sql(column, written) if there else None


def _of_card(path: Path, made: bool) -> float:
    from refinery.models.card import resolve

    try:
        _, card = resolve(path)
    except InputError as error:
        raise DefinitionError(str(error)) from None
    if card is None and made:
        raise DefinitionError("its documents were too few or too alike to judge it by; write a number")
    if card is None:
        raise DefinitionError(f"{path} has no card, which would suggest a threshold; write a number")
    return card.suggested.threshold
