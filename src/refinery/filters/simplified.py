"""Transform `simplified`: traditional Chinese becomes simplified, by OpenCC's phrases and characters.

    transform: [normalize, simplified]
    transform: [normalize, {simplified: {config: tw2sp}}]

Japanese is left as it is: documents in which more than one in 20 of Han characters and kana is kana. So is what has
no Han character. Applied to its own output it changes nothing but where a phrase comes about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version as version_of
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from refinery.definition.values import Model
from refinery.errors import DefinitionError
from refinery.filters.measurer import Transform

if TYPE_CHECKING:
    from opencc import OpenCC

Config = Literal["t2s", "tw2s", "tw2sp", "hk2s"]
_HAN, _KANA = r"\p{Han}", r"[\p{Hiragana}\p{Katakana}]"
_JAPANESE = 20  # one in so many is kana


class Settings(Model):
    """What may be written in a definition for `simplified`."""

    config: Config = Field(
        "t2s",
        description="OpenCC's: t2s of any traditional text, tw2s and hk2s of forms of Taiwan and Hong Kong, tw2sp of "
        "Taiwan's words too (軟體 becomes 软件)",
    )


@dataclass(frozen=True)
class Simplified(Transform):
    """large_string in, large_string of the same length out, the very same array if nothing changes; NULL stays."""

    config: Config = "t2s"
    name: str = "simplified"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """The configuration, and the release of OpenCC, whose dictionaries change."""
        return {"config": self.config, "opencc": version_of("opencc")}

    @property
    def speed(self) -> float:
        """Of Chinese text; other text is looked through alone."""
        return 25e6

    def __call__(self, text: pa.Array) -> pa.Array:
        """The texts in simplified characters."""
        han, kana = (pc.count_substring_regex(text, pattern) for pattern in (_HAN, _KANA))
        chinese = pc.and_(pc.greater(han, 0), pc.less_equal(pc.multiply(kana, _JAPANESE), pc.add(han, kana)))
        chinese = chinese.fill_null(False)
        if not pc.any(chinese).as_py():
            return text
        convert = _converter(self.config).convert
        found = pa.array([convert(one) for one in text.filter(chinese).to_pylist()], pa.large_string())
        result = pc.replace_with_mask(text, chinese, found)
        return text if result.equals(text) else result


@cache
def _converter(config: Config) -> OpenCC:
    from opencc import OpenCC

    return OpenCC(config)


def build(settings: Settings) -> Simplified:
    """The transform; raises DefinitionError when OpenCC is not installed."""
    if find_spec("opencc") is None:
        raise DefinitionError("simplified needs the opencc package: pip install 'refinery[chinese]'")
    return Simplified(settings.config)
