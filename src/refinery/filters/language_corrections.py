"""What a text's writing says of its language where a model is wrong: rules that decide after it, each on record.

    case        more than half of the letters are capitals: the model saw the text in small letters
    form        Latin letters, but hardly any words: URLs, base64, tokens, minified code are in no language
    script      hardly a letter is in a script that the language is written in: no language; and Han characters
                without kana of which some are Chinese alone are Chinese, and those of Japanese alone Japanese, which
                the model takes for one another in short and classical texts
    characters  Chinese with the characters of Cantonese or Wu is that

A correction is made only to a language that the model has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refinery.filters.language_codes import REASONS, UNDETERMINED
from refinery.filters.language_groups import CHINESE, scripts_of
from refinery.text.writing import SCRIPTS, Writing

MODEL, CASE, FORM, SCRIPT, CHARACTERS = range(len(REASONS))

# ISO 15924 codes of a text's script, by what `script_of` gives.
_MIXED = {"Hira": "Jpan", "Hang": "Kore"}
WRITTEN = (*(_MIXED.get(script, script) for script in SCRIPTS), "Hans", "Hant")

CAPITALS = 0.5  # share of the letters from which on the model sees the text in small ones
# Share of the words that hang on the one before by signs or digits, and ASCII letters a word: text of 448 languages
# has at most 0.27 and 17.6 (Greenlandic), in pieces of 60 characters 0.33 and 19.3; URLs have 0.75 in the median.
_GLUED, _LONG, _LATIN = 0.6, 25, 0.8
_WRITTEN = 0.1  # share of the letters in the language's own scripts
_HAN, _OTHER = 0.5, 0.02  # share of the letters that are Han; of kana and Hangul
_SURE = 0.65  # probability of Chinese from which on the model is left alone
_JAPANESE = 0.01  # share of the Han letters that Chinese does not write
# Han letters without any of Chinese alone that are still Chinese: Japanese writes no sentence of that length without
# kana, but many a headline and name.
_UNMARKED = 100
_DIALECT = {"yue": 0.01, "wuu": 0.005}  # share of the Han letters, and at least two


@dataclass(frozen=True)
class Found:
    """A language a document: `language`, int64, its place among `languages`, -1 for none; why, int8, of REASONS.

    score, share, group_score: float32, see refinery.filters.language.
    """

    language: NDArray[np.int64]
    score: NDArray[np.float32]
    share: NDArray[np.float32]
    group_score: NDArray[np.float32]
    why: NDArray[np.int8]

    def put(self, where: NDArray[np.bool_], language: int, score: NDArray[np.float32], why: int) -> Found:
        """With another language, score and share for the documents `where`."""
        rows: tuple[NDArray[Any], ...] = (
            np.full(len(score), language),
            score,
            score,
            score,
            np.full(len(score), why, np.int8),
        )
        return self.replaced(where, Found(*(column[where] for column in rows)), why)

    def without(self, where: NDArray[np.bool_], why: int) -> Found:
        """With no language for the documents `where`."""
        return self.put(where, -1, np.zeros(len(where), np.float32), why)

    def replaced(self, where: NDArray[np.bool_], other: Found, why: int) -> Found:
        """With the rows of `other`, one for each document `where`."""
        columns = [column.copy() for column in self._columns()]
        for column, new in zip(columns, other._columns(), strict=True):
            column[where] = new
        columns[-1][where] = why
        return Found(*columns)

    def _columns(self) -> tuple[NDArray[Any], ...]:
        return self.language, self.score, self.share, self.group_score, self.why


def correct(found: Found, text: Writing, languages: Sequence[str]) -> Found:
    """The corrections `form`, `script` and `characters`, in this order; languages: the codes of the model."""
    found = found.without(text.letters == 0, MODEL)
    found = found.without(_unworded(text) & (found.language >= 0), FORM)
    found = found.without(_written_otherwise(found, text, languages), SCRIPT)
    if not {"zh", "ja"} <= set(languages):
        return found
    chinese = np.array([language in CHINESE for language in (*languages, UNDETERMINED)])[found.language]
    han = _share(text.scripts[:, SCRIPTS.index("Hani")], text.letters)
    alone = _han_alone(text, han)
    kanji = alone & _japanese(text) & chinese
    found = found.put(kanji, languages.index("ja"), han, SCRIPT)
    unsure = ~chinese | (found.group_score < _SURE)
    found = found.put(alone & _chinese(text) & unsure, languages.index("zh"), han, SCRIPT)
    for code, marks in (("yue", text.cantonese), ("wuu", text.wu)):
        if code in languages:
            dense = (marks >= 2) & (marks >= _DIALECT[code] * text.scripts[:, SCRIPTS.index("Hani")])
            here = dense & (found.language == languages.index("zh"))
            found = replace(
                found,
                language=np.where(here, languages.index(code), found.language),
                why=np.where(here, np.int8(CHARACTERS), found.why),
            )
    return found


def script_of(text: Writing) -> NDArray[np.int64]:
    """The script of most letters of each document, its place in WRITTEN; -1 without a letter or for another script.

    Hans or Hant by the characters of one of them alone, if any; Jpan for kana, with Han characters or without, and
    Kore for Hangul.
    """
    counts = text.scripts.copy()
    hani, hira, kana, hang = (SCRIPTS.index(script) for script in ("Hani", "Hira", "Kana", "Hang"))
    counts[:, hira] += counts[:, kana]
    counts[:, kana] = 0
    for mixed in (hira, hang):
        with_han = counts[:, mixed] > _OTHER * (counts[:, mixed] + counts[:, hani])
        counts[:, mixed] += np.where(with_han, counts[:, hani], 0)
        counts[:, hani] = np.where(with_han, 0, counts[:, hani])
    best = counts.argmax(1)
    sided = (best == hani) & (text.simplified != text.traditional)
    best = np.where(sided, len(SCRIPTS) + (text.simplified < text.traditional), best)
    return np.where((best == 0) | (text.letters == 0), -1, best)


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float32]:
    return (part / np.maximum(whole, 1)).astype(np.float32)


def natural(text: Writing) -> NDArray[np.float32]:
    """Share of the words in ASCII letters that stand alone, float32; 1 without such words."""
    return np.float32(1) - _share(text.glued, text.runs)


def _unworded(text: Writing) -> NDArray[np.bool_]:
    latin = text.scripts[:, SCRIPTS.index("Latn")]
    unworded = (text.glued >= _GLUED * text.runs) | (latin >= _LONG * text.runs)
    made: NDArray[np.bool_] = (text.runs > 0) & unworded & (latin >= _LATIN * text.letters)
    return made


def _written_otherwise(found: Found, text: Writing, languages: Sequence[str]) -> NDArray[np.bool_]:
    """Where hardly a letter is in a script of the language."""
    possible = _possible(tuple(languages))
    own = (text.scripts * possible[found.language]).sum(1)
    made: NDArray[np.bool_] = (own < _WRITTEN * text.letters) & (found.language >= 0)
    return made


@cache
def _possible(languages: tuple[str, ...]) -> NDArray[np.bool_]:
    """Whether a language is written in a script, shape (languages + 1, len(SCRIPTS)); of no language all are."""
    made = np.ones((len(languages) + 1, len(SCRIPTS)), np.bool_)
    for number, language in enumerate(languages):
        scripts = scripts_of(language)
        if scripts is not None:
            made[number] = [script in scripts for script in SCRIPTS]
    return made


def _han_alone(text: Writing, han: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether most letters are Han and hardly any kana or Hangul."""
    other = sum(text.scripts[:, SCRIPTS.index(script)] for script in ("Hira", "Kana", "Hang"))
    made: NDArray[np.bool_] = (han >= _HAN) & (other < _OTHER * text.letters)
    return made


def _chinese(text: Writing) -> NDArray[np.bool_]:
    """Whether Han characters without kana are Chinese: none of Japanese alone, and some of Chinese alone."""
    letters = text.scripts[:, SCRIPTS.index("Hani")]
    made: NDArray[np.bool_] = (text.japanese < np.maximum(_JAPANESE * letters, 1)) & (
        (text.chinese > 0) | ((letters >= _UNMARKED) & ~_japanese(text))
    )
    return made


def _japanese(text: Writing) -> NDArray[np.bool_]:
    """Whether Han characters are Japanese: of it alone, or old and new forms side by side, and none of Chinese."""
    both = (text.simplified > 0) & (text.traditional > 0)
    made: NDArray[np.bool_] = ((text.japanese > 0) | both) & (text.chinese == 0)
    return made
