"""Transform `html`: the main content of HTML that stands in a column, as text.

    transform: [html, normalize]

As for the pages of a WARC file (docs/html.md). A document without any tag stays as it is; one that the extractor
cannot read, or not in its time, becomes empty, so that it is measured, dropped by a rule and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as version_of

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from refinery.definition.values import Model
from refinery.errors import DefinitionError, InputError
from refinery.filters.measurer import Transform
from refinery.sources.extractor import ExtractionError, Extractor
from refinery.sources.html import EXTRACTION, EXTRACTION_SECONDS, Extraction, require

_TAG = r"<[A-Za-z!/?][^>]*>"


class Settings(Model):
    """What may be written in a definition for `html`."""

    extractor: Extraction = Field("resiliparse", description="what finds the main content")


@dataclass(frozen=True)
class Html(Transform):
    """large_string in, large_string of the same length out, the very same array without any tag; NULL stays."""

    extractor: Extraction = "resiliparse"
    name: str = "html"
    version: int = EXTRACTION

    @property
    def settings(self) -> Mapping[str, object]:
        """The extractor and its version."""
        return {"extractor": self.extractor, "extractor_version": version_of(self.extractor)}

    @property
    def speed(self) -> float:
        """Of the HTML that is read."""
        return 10e6

    def __call__(self, text: pa.Array) -> pa.Array:
        """The text of every page."""
        pages = pc.match_substring_regex(text, _TAG).fill_null(False)
        rows = np.flatnonzero(pages.to_numpy(zero_copy_only=False))
        if not len(rows):
            return text
        with Extractor(self.extractor, EXTRACTION_SECONDS) as extractor:
            found = [_text(extractor, text[row].as_py()) for row in rows.tolist()]
        return pc.replace_with_mask(text, pages, pa.array(found, pa.large_string()))


def build(settings: Settings) -> Html:
    """The transform; raises DefinitionError when the extractor is not installed."""
    try:
        require(settings.extractor, "html")
    except InputError as error:
        raise DefinitionError(str(error)) from None
    return Html(settings.extractor)


def _text(extractor: Extractor, page: str) -> str:
    try:
        return extractor.text(page.encode(), "utf-8")
    except ExtractionError:
        return ""
