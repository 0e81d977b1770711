"""How documents are ranked by a column: `COLUMN`, `COLUMN ASC` or `COLUMN DESC`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator


def ranking(text: str) -> tuple[str, str]:
    """Column and direction (`ASC`, `DESC` or empty) of a ranking; raises ValueError for anything else.

    >>> ranking("relevance  desc"), ranking("source")
    (('relevance', 'DESC'), ('source', ''))
    """
    words = text.split()
    direction = words[1].upper() if len(words) == 2 else ""
    if (
        not words
        or len(words) > 2
        or direction not in {"", "ASC", "DESC"}
        or (words[0] == "source" and direction)
    ):
        raise ValueError(f'expected "COLUMN", "COLUMN ASC" or "COLUMN DESC", got {text!r}')
    return words[0], direction


def _checked(text: str) -> str:
    ranking(text)
    return text


Ranking = Annotated[str, AfterValidator(_checked)]
