"""Measurer `language`: which language a document is in, how sure that is, and how much of it is.

    measure: [language]                                # fastText's lid.176, shipped with the package
    measure: [{language: {model: glotlid}}]  # a model by name: any supervised fastText model of languages
    keep: [{english: "lang = 'en' AND lang_score >= 0.65 AND lang_share >= 0.8"}]

lang: ISO 639-1 code of the top label, ISO 639-3 for a language without one (see language_codes), "und" for no
language. lang_score: the model's probability, as `fasttext.predict` gives it for the text with newlines as spaces,
but at most 1; scores of different models, and so thresholds, do not compare. lang_share: the share of the document,
in windows of about 400 bytes weighed by their letters (bytes), whose own top language is `lang`; 1 for a document of
one window.

What the writing of the text says against the model decides (see language_corrections): lang_by tells what did,
`model` for most texts; lang_model and lang_model_score are always the model's own. By `case` all is of the text in
small letters; by `script` score and share are the share of the letters that are Han; of `und` they are 0.

lang_group, lang_group_score: the language with those that a model confuses with it (see language_groups), and the
probability of them all: `lang_group = 'bs-hr-sr' AND lang_group_score >= 0.65`. A language near to no other is its
own group. lang_script: ISO 15924 script of most letters of the text; Hans or Hant of Chinese, Zyyy without a
letter. lang_natural: share of the words in ASCII letters that do not hang together by signs or digits as in code
and URLs.

lid.176 is unsure below about 50 characters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pydantic import Field

from refinery.definition.paths import ModelPath
from refinery.definition.values import Model
from refinery.filters.language_codes import REASONS, UNDETERMINED, languages
from refinery.filters.language_groups import groups
from refinery.filters.measurer import Measurer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from refinery.filters.language_corrections import Found
    from refinery.models.scorer import Scorer
    from refinery.text.batch import TextBatch
    from refinery.text.writing import Writing

WINDOW = 400  # bytes: some 65 English words or 130 Han characters, about the least that lid.176 is sure on
SCHEMA = pa.schema(
    [
        ("lang", pa.string()), ("lang_score", pa.float32()), ("lang_share", pa.float32()), ("lang_by", pa.string()),
        ("lang_model", pa.string()), ("lang_model_score", pa.float32()), ("lang_group", pa.string()),
        ("lang_group_score", pa.float32()), ("lang_script", pa.string()), ("lang_natural", pa.float32()),
    ]
)  # fmt: skip


class Settings(Model):
    """A model (default: lid.176, shipped)."""

    model: ModelPath | None = Field(None, description="supervised fastText model, .bin or .ftz")


@dataclass(frozen=True)
class Language(Measurer):
    """Columns lang, lang_score, lang_share and those that tell where they are from; one row a document."""

    path: Path
    fingerprint: str
    name: str = "language"
    version: int = 2

    @property
    def settings(self) -> Mapping[str, object]:
        """The model by its content, and the window."""
        return {"model": self.fingerprint, "window": WINDOW}

    @property
    def files(self) -> tuple[Path, ...]:
        """The model."""
        return (self.path,)

    @property
    def schema(self) -> pa.Schema:
        """The same for every model."""
        return SCHEMA

    @property
    def labels(self) -> Mapping[str, frozenset[str]]:
        """Every value that a column of texts can take, but scripts."""
        from refinery.models import model_file

        codes = [code for code, _ in languages(model_file.labels(self.path))]
        names, near = ({*found, UNDETERMINED} for found in (codes, groups(codes)))
        return {
            "lang": frozenset(names),
            "lang_model": frozenset(names),
            "lang_group": frozenset(near),
            "lang_by": frozenset(REASONS),
        }

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document; raises InputError if the model is not the one it was when this was built."""
        from refinery.filters.language_corrections import MODEL, WRITTEN, correct, natural, script_of
        from refinery.models.scorer import load_scorer
        from refinery.text.writing import writing

        scorer, text = load_scorer(self.path, self.fingerprint), writing(batch)
        names = sorted({code for code, _ in languages(scorer.labels)})
        model = _ask(scorer, names, batch).without(text.letters == 0, MODEL)
        found = correct(_with_small_letters(scorer, names, batch, text, model), text, names)
        near = groups(names)
        return pa.RecordBatch.from_arrays(
            [
                _names(names, found.language),
                pa.array(found.score),
                pa.array(found.share),
                _names(REASONS, found.why),
                _names(names, model.language),
                pa.array(model.score),
                _names(near, found.language),
                pa.array(found.group_score),
                _names(WRITTEN, script_of(text), "Zyyy"),
                pa.array(natural(text)),
            ],
            schema=self.schema,
        )


def _ask(scorer: Scorer, names: Sequence[str], batch: TextBatch) -> Found:
    """What the model says of each document; names: its languages."""
    import numpy as np

    from refinery.filters.language_corrections import MODEL, Found

    codes = [code for code, _ in languages(scorer.labels)]
    near = groups(codes)
    top = scorer.top(batch, _numbers(codes), _numbers(near), WINDOW)
    number = np.array([*(names.index(code) for code in codes), -1])
    why = np.full(len(batch), MODEL, np.int8)
    return Found(number[top.label], top.score, top.share, top.group_score, why)


def _numbers(values: Sequence[str]) -> NDArray[np.int64]:
    """The same number for the same value, read-only."""
    import numpy as np

    _, found = np.unique(values, return_inverse=True)
    found = found.astype(np.int64)
    found.flags.writeable = False
    return found


def _with_small_letters(
    scorer: Scorer, names: Sequence[str], batch: TextBatch, text: Writing, found: Found
) -> Found:
    """Asks the model again of the documents in capitals."""
    import pyarrow.compute as pc

    from refinery.filters.language_corrections import CAPITALS, CASE
    from refinery.text.batch import TextBatch

    capitals = text.upper > CAPITALS * text.letters
    if not capitals.any():
        return found
    small = pc.utf8_lower(batch.to_arrow().filter(pa.array(capitals)))
    return found.replaced(capitals, _ask(scorer, names, TextBatch.from_arrow(small)), CASE)


def _names(
    values: Sequence[str], rows: NDArray[np.int64] | NDArray[np.int8], none: str = UNDETERMINED
) -> pa.Array:
    """The value of each row as text, `none` for -1."""
    return pa.array([*values, none], pa.string()).take(pa.array(rows % (len(values) + 1)))


def build(settings: Settings) -> Language:
    """The measurer; raises InputError when the model cannot be read or is none."""
    from refinery.models import model_file

    path = settings.model or model_file.BUILT_IN
    model_file.labels(path)
    return Language(path, model_file.file_hash(path))
