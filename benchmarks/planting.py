"""Near-duplicates of known similarity: edits a document until its Jaccard similarity reaches a wanted value.

The truth is independent of refinery: plain Python sets of shingles of lower-case words, taken after the edit.
A shingle is 5 words, 8 characters of a script written without spaces, or a mixture of the same weight.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

WORDS = 5
CHARS = 8
_UNSPACED = "\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u3040-\\u30ff\\u3400-\\u9fff\\uf900-\\ufaff"
_TOKEN = re.compile(f"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\\W_])+")


@dataclass(frozen=True)
class Planted:
    """An edited copy and its true similarity to the original."""

    text: str
    jaccard: float
    style: str


def tokens(text: str) -> list[str]:
    """Lower-case words, and single characters of scripts written without spaces; the rest only separates."""
    return _TOKEN.findall(text.lower())


def is_character(token: str) -> bool:
    """Whether a token is one character of a script without spaces."""
    return re.match(f"[{_UNSPACED}]", token) is not None


def is_unspaced(text: str) -> bool:
    """Whether most tokens are single characters of such scripts."""
    found = tokens(text)
    return 2 * sum(map(is_character, found)) > len(found)


def shingles(text: str) -> set[str]:
    """From every token on, the shortest run that weighs WORDS * CHARS: a word weighs CHARS, a character WORDS.

    So spaced text has shingles of 5 words, unspaced text of 8 characters; a text that weighs less has none.
    """
    found = tokens(text)
    weights = [WORDS if is_character(token) else CHARS for token in found]
    runs: set[str] = set()
    weight = stop = 0
    for start, own in enumerate(weights):
        while weight < WORDS * CHARS and stop < len(found):
            weight += weights[stop]
            stop += 1
        if weight < WORDS * CHARS:
            break
        runs.add(" ".join(found[start:stop]))
        weight -= own
    return runs


def jaccard(one: set[str], other: set[str]) -> float:
    """Shared shingles over all shingles; 0 when both are empty."""
    union = len(one | other)
    return len(one & other) / union if union else 0.0


def near_copy(text: str, target: float, rng: random.Random) -> Planted:
    """Edits `text` until its similarity is as near to `target` as the number of edits allows.

    Two styles: `scattered` edits (each breaks up to one shingle's length of shingles) and one `block` that is
    left out. Words are edited, or single characters in unspaced scripts; replacements come from the document
    itself, so that language and vocabulary stay what they were.
    """
    unspaced = is_unspaced(text)
    pieces = list(text) if unspaced else re.findall(r"\S+|\s+", text)
    places = [i for i, piece in enumerate(pieces) if tokens(piece)]
    style = rng.choice(["scattered", "block"])
    if style == "block":
        start = rng.randrange(len(places))
        order = places[start:] + places[:start]
        edits = dict.fromkeys(order, "")
    else:
        order = rng.sample(places, len(places))
        edits = {place: _edit(pieces[place], pieces[rng.choice(places)], rng, unspaced) for place in order}
    original = shingles(text)
    few, many = 0, len(order)
    best = Planted(text, 1.0, style)
    while few < many:  # similarity falls as edits are added, since each step keeps the edits before it
        middle = (few + many) // 2
        edited = _apply(pieces, edits, order[:middle])
        found = Planted(edited, jaccard(original, shingles(edited)), style)
        if abs(found.jaccard - target) < abs(best.jaccard - target):
            best = found
        if found.jaccard > target:
            few = middle + 1
        else:
            many = middle
    return best


def _edit(piece: str, other: str, rng: random.Random, unspaced: bool) -> str:
    glue = "" if unspaced else " "
    return rng.choice([other, "", piece + glue + other])


def _apply(pieces: list[str], edits: dict[int, str], chosen: list[int]) -> str:
    changed = dict.fromkeys(chosen)
    return "".join(edits[i] if i in changed else piece for i, piece in enumerate(pieces))
