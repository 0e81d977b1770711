"""Measurer `language`: which language a document is in, how sure that is, and how much of it is.

    measure: [language]                                # fastText's lid.176, shipped with the package
    measure: [{language: {model: glotlid}}]  # a model by name: any supervised fastText model of languages
    keep: [{english: "lang = 'en' AND lang_score >= 0.65 AND lang_share >= 0.8"}]

lang: ISO 639-1 code of the top label, ISO 639-3 for a language without one (see language_codes), "und" without a
letter. lang_score: the model's probability, as `fasttext.predict` gives it for the text with newlines as spaces, but
at most 1; scores of different models, and so thresholds, do not compare. lang_share: the share of the document, in
windows of about 400 bytes weighed by their letters (bytes), whose own top language is `lang`; 1 for a document of
one window. lang_script: ISO 15924, only from a model whose labels have it.

lid.176 cannot tell scripts apart, has no class for "no language", and is unsure below about 50 characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pydantic import Field

from refinery.definition.paths import ModelPath
from refinery.definition.values import Model
from refinery.filters.language_codes import UNDETERMINED, languages
from refinery.filters.measurer import Measurer

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch

WINDOW = 400  # bytes: some 65 English words or 130 Han characters, about the least that lid.176 is sure on


class Settings(Model):
    """A model (default: lid.176, shipped)."""

    model: ModelPath | None = Field(None, description="supervised fastText model, .bin or .ftz")


@dataclass(frozen=True)
class Language(Measurer):
    """Columns lang, lang_score and lang_share, and lang_script if `scripts`; one row a document."""

    path: Path
    fingerprint: str
    scripts: bool
    name: str = "language"
    version: int = 1

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
        """lang_script is there only if the model's labels have scripts."""
        fields = [("lang", pa.string()), ("lang_score", pa.float32()), ("lang_share", pa.float32())]
        return pa.schema([*fields, ("lang_script", pa.string())] if self.scripts else fields)

    @property
    def labels(self) -> Mapping[str, frozenset[str]]:
        """Every value that `lang` can take."""
        from refinery.models import model_file

        found = languages(model_file.labels(self.path))
        return {"lang": frozenset(code for code, _ in found) | {UNDETERMINED}}

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document; raises InputError if the model is not the one it was when this was built."""
        import numpy as np

        from refinery.models.scorer import load_scorer
        from refinery.text.letters import has_letter

        scorer = load_scorer(self.path, self.fingerprint)
        found = languages(scorer.labels)
        codes = sorted({code for code, _ in found})
        groups = np.array([codes.index(code) for code, _ in found], np.int64)
        groups.flags.writeable = False
        best, scores, shares = scorer.top(batch, groups, WINDOW)
        best = np.where(has_letter(batch), best, -1)
        unknown = best < 0
        scores[unknown] = shares[unknown] = 0.0
        row = pa.array(best % (len(found) + 1))  # -1 becomes the last
        values = pa.array([*(code for code, _ in found), UNDETERMINED], pa.string()).take(row)
        columns = [values, pa.array(scores), pa.array(shares)]
        if self.scripts:
            columns.append(pa.array([*(script for _, script in found), None], pa.string()).take(row))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def build(settings: Settings) -> Language:
    """The measurer; raises InputError when the model cannot be read or is none."""
    from refinery.models import model_file

    path = settings.model or model_file.BUILT_IN
    scripts = any(script for _, script in languages(model_file.labels(path)))
    return Language(path, model_file.file_hash(path), scripts)
