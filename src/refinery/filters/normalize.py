"""Transform `normalize`: text in one form, so that later stages meet no accidents of encoding.

In this order: ftfy's repair of mojibake (only if asked for); newline forms (CR LF, CR, VT, FF, NEL, LS, PS)
become LF; controls other than tab, U+FEFF and noncharacters go; spaces at line ends go (also U+00A0 and
U+3000; two spaces that Markdown reads as a line break too); three newlines or more become two, newlines at
either end go; Unicode NFC. Zero-width spaces and joiners stay: Thai, Khmer, Persian and emoji need them.
Applied to its own output it changes nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as version_of
from importlib.util import find_spec

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from refinery.definition.values import Model
from refinery.errors import DefinitionError
from refinery.filters.measurer import Transform


class Settings(Model):
    """What may be written in a definition for `normalize`."""

    ftfy: bool = Field(False, description="repair mojibake first (slow: about 7 MB/s)")


@dataclass(frozen=True)
class Normalize(Transform):
    """large_string in, large_string of the same length out, the very same array if nothing changes; NULL stays."""

    ftfy: bool = False
    name: str = "normalize"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """Whether ftfy is used and which, and the version of Unicode that NFC follows."""
        ftfy = version_of("ftfy") if self.ftfy else None
        return {"ftfy": ftfy, "unicode": unicodedata.unidata_version}

    @property
    def speed(self) -> float:
        """ftfy is slow."""
        return 7e6 if self.ftfy else 200e6

    def __call__(self, text: pa.Array) -> pa.Array:
        """The text of every document in normal form."""
        from refinery.text import normalize
        from refinery.text.batch import TextBatch, with_nulls_of

        if self.ftfy:
            text = _repair(text)
        batch = TextBatch.from_arrow(text)
        out, bounds = np.empty(batch.nbytes, np.uint8), np.empty(len(batch) + 1, np.int64)
        suspect = np.empty(len(batch), np.bool_)
        changed = normalize.rewrite(
            batch.data, batch.offsets, normalize.composition_table(), out, bounds, suspect
        )
        if changed:
            text = with_nulls_of(text, TextBatch(out[: bounds[-1]], bounds).to_arrow())
        return _compose(text, suspect) if suspect.any() else text


def build(settings: Settings) -> Normalize:
    """The transform; raises DefinitionError when ftfy is asked for and not installed."""
    if settings.ftfy and find_spec("ftfy") is None:
        raise DefinitionError("normalize.ftfy needs the ftfy package: pip install 'refinery[clean]'")
    return Normalize(settings.ftfy)


def _compose(text: pa.Array, suspect: NDArray[np.bool_]) -> pa.Array:
    """NFC of the suspects; only documents that really change are written anew."""
    rows = np.flatnonzero(suspect)
    found = [unicodedata.normalize("NFC", document) for document in text.take(pa.array(rows)).to_pylist()]
    return _replace(text, rows, found)


def _repair(text: pa.Array) -> pa.Array:
    """ftfy on documents that hold anything but ASCII, which alone can be mojibake."""
    import ftfy

    # Encoding errors only: what a reader would call another spelling (quotes, ligatures, widths) stays.
    config = ftfy.TextFixerConfig(
        unescape_html=False,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        normalization=None,
        explain=False,
    )
    wide = pc.greater(pc.binary_length(text), pc.cast(pc.utf8_length(text), pa.int64()))
    rows = np.flatnonzero(wide.fill_null(False).to_numpy(zero_copy_only=False))
    found = [ftfy.fix_text(document, config) for document in text.take(pa.array(rows)).to_pylist()]
    return _replace(text, rows, found)


def _replace(text: pa.Array, rows: NDArray[np.int64], found: list[str]) -> pa.Array:
    if not len(rows):
        return text
    new = pa.array(found, pa.large_string())
    differs = pc.not_equal(new, text.take(pa.array(rows))).to_numpy(zero_copy_only=False)
    if not differs.any():
        return text
    mask = np.zeros(len(text), np.bool_)
    mask[rows[differs]] = True
    return pc.replace_with_mask(text, pa.array(mask), new.filter(pa.array(differs)))
