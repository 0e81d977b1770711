"""Passages that two texts have in common, whatever their case and punctuation: why one went for the other."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

# A character of a script without spaces, or a word.
_WORDS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
_MOST_WORDS = 20_000  # of each text that are compared
_LEAST_WORDS = 5  # of a passage


def shared_passages(ours: str, theirs: str) -> Iterator[str]:
    """Passages of the first text, in order, of words that the second has one after the other as well.

    >>> list(shared_passages("So: which ONE of these\\nis it? Yes.", "Which one of these is it?"))
    ['which ONE of these\\nis it']
    """
    mine = [(found[0].casefold(), *found.span()) for found in _WORDS.finditer(ours)][:_MOST_WORDS]
    other = [word.casefold() for word in _WORDS.findall(theirs)][:_MOST_WORDS]
    matcher = difflib.SequenceMatcher(None, [word for word, *_ in mine], other, autojunk=False)
    for start, _, size in matcher.get_matching_blocks():
        if size >= _LEAST_WORDS:
            yield ours[mine[start][1] : mine[start + size - 1][2]]
