"""Licences by their SPDX expressions, whatever data call them.

Known are the identifiers of SPDX and expressions of them (in any case), the URLs and names of Creative Commons, the
lists of PubMed Central ("CC BY-NC"), GitHub's and the tags of the Hugging Face hub. An expression is written as its
alternatives, each a list of what holds together: `MIT AND Zlib OR Apache-2.0`, sorted, so equal ones are equal texts.
What has a name that SPDX does not know is a `LicenseRef-`, as SPDX says: a Creative Commons licence without version,
say, is `LicenseRef-CC-BY`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag

from refinery.definition.values import Model
from refinery.errors import nearest

if TYPE_CHECKING:
    from license_expression import Licensing

NONE = "NOASSERTION"  # SPDX's word for a licence of which nothing is known
OWN = "LicenseRef-"
LONGEST = 200  # characters; what is longer is no name of a licence

_MISSING = {"", "-", "n/a", "na", "no license", "noassertion", "none", "not specified", "null", "unknown"}
_CC_URL = re.compile(
    r"(?:https?:)?(?://)?(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/"
    r"(?P<kind>[a-z-]+)(?:/(?P<version>\d\.\d))?(?:/(?P<port>[a-z]{2,4})(?![\w.]))?",
    re.I,
)
_URL = re.compile(r"https?://(?:www\.)?(?P<host>[\w.]+)/(?:.*/)?(?P<page>[^/#?]+?)/?", re.I)
_PAGES_OF = {"apache.org", "choosealicense.com", "gnu.org", "opensource.org", "spdx.org"}
# Where a hub's tag or a usual name is not the identifier in another case.
_NAMES = {
    "apache": "Apache-2.0",
    "c-uda": "C-UDA-1.0",
    "gpl": f"{OWN}GPL",
    "lgpl": f"{OWN}LGPL",
    "lgpl-lr": "LGPLLR",
    "license-2.0": "Apache-2.0",
    "odbl": "ODbL-1.0",
    "odc-by": "ODC-By-1.0",
    "pddl": "PDDL-1.0",
    "public-domain": f"{OWN}public-domain",
    "publicdomain": f"{OWN}public-domain",
}
_CC_WORDS = (
    (r"creative[\s-]*commons", "cc"),
    (r"attribution", "by"),
    (r"non[\s-]*commercial", "nc"),
    (r"no[\s-]*deriv(?:ative)?s?(?:[\s-]*works)?", "nd"),
    (r"share[\s-]*alike", "sa"),
    (r"\bzero\b", "cc0"),
    (r"\b(?:licen[cs]e|international|unported|generic|universal|public|domain|dedication|deed)\b", " "),
    (r"[\s_/(),-]+", " "),
)
_FREE = {"0BSD", "CC-PDM-1.0", "CC0-1.0", "MIT-0", "PDDL-1.0", "Unlicense", "WTFPL", f"{OWN}public-domain"}


class LicenceColumn(Model):
    """A column of a source's files that has the licence of each document."""

    column: str = Field(min_length=1, description="its name, dotted for a nested one")


def _known(value: str) -> str:
    found = spdx(value)
    if found is None:
        raise ValueError(
            f"no licence {value!r} in SPDX{nearest(value, _identifiers())}; one of your own is {OWN}NAME"
        )
    return found


def _single(value: str) -> str:
    if " OR " in (found := _known(value)) or " AND " in found:
        raise ValueError("name each licence by itself; of an expression, one allowed alternative is enough")
    return found


def _kind(value: object) -> str:
    return "expression" if isinstance(value, str) else "column"


SourceLicence = Annotated[
    Annotated[str, AfterValidator(_known), Tag("expression")] | Annotated[LicenceColumn, Tag("column")],
    Discriminator(_kind),
]
AllowedLicence = Annotated[str, AfterValidator(_single)]


def licence_of(value: str) -> str | None:
    """What data say of a licence, as SPDX; None where they say nothing, `LicenseRef-` and its words if not known.

    >>> licence_of("CC BY-NC"), licence_of("Terms of our house"), licence_of("unknown")
    ('LicenseRef-CC-BY-NC', 'LicenseRef-Terms-of-our-house', None)
    """
    if value.strip().lower() in _MISSING:
        return None
    words = re.sub(r"[^A-Za-z0-9.]+", "-", value).strip("-")[:60]
    return spdx(value) or OWN + (words.strip("-") or "other")


def spdx(value: str) -> str | None:
    """The expression that is meant, None of a name that is not known.

    >>> spdx("apache-2.0 or mit"), spdx("https://creativecommons.org/licenses/by/3.0/us/"), spdx("house rules")
    ('Apache-2.0 OR MIT', 'CC-BY-3.0-US', None)
    """
    value = value.strip()
    if not value or len(value) > LONGEST:
        return None
    if found := _CC_URL.match(value):
        return _creative_commons(found["kind"].lower().split("-"), found["version"], found["port"])
    if (url := _URL.fullmatch(value)) and url["host"].lower() in _PAGES_OF:
        value = re.sub(r"\.(?:html?|txt|json|php|en)$", "", url["page"])
    return _creative_commons_name(value) or _expression(value) or _name(value)


def _creative_commons_name(value: str) -> str | None:
    text = value.lower()
    for pattern, word in _CC_WORDS:
        text = re.sub(pattern, word, text)
    first, *words = text.split() or [""]
    if first == "cc0" or (first == "cc" and words[:1] in (["0"], ["cc0"])):
        rest = set(words) - {"cc0", "0", "1.0", "v1.0"}
        return None if rest else "CC0-1.0"
    if first != "cc" or words[:1] != ["by"]:
        return None
    versions = [found[1] for word in words if (found := re.fullmatch(r"v?(\d(?:\.\d)?)", word))]
    plain = [word for word in words if not re.fullmatch(r"v?\d(?:\.\d)?", word)]
    ports = [word for word in plain if word not in {"by", "nc", "nd", "sa"}]
    if len(versions) > 1 or len(ports) > 1 or not all(re.fullmatch("[a-z]{2,3}", port) for port in ports):
        return None
    version = versions[0] if versions else None
    if version and "." not in version:
        version += ".0"
    return _creative_commons([word for word in plain if word not in ports], version, *ports)


def _creative_commons(kind: list[str], version: str | None, port: str | None = None) -> str | None:
    """A licence by its elements."""
    if kind[0] in {"zero", "mark"}:
        return {"zero": "CC0-1.0", "mark": "CC-PDM-1.0"}[kind[0]]
    if kind[0] != "by":
        return None
    elements = [element for element in ("nc", "nd", "sa") if element in kind]
    name = "-".join(["CC", "BY", *map(str.upper, elements), *filter(None, (version, (port or "").upper()))])
    return name if name in _identifiers() else OWN + name


def _name(value: str) -> str | None:
    """Of a name in words: `Apache License, Version 2.0`, `GNU GPL v3`."""
    words = re.sub(r"\b(?:the|licen[cs]e|version|gnu|only)\b|[,()]", " ", value.lower())
    slug = "-".join(re.sub(r"\bv(?:er)?\.?\s*(?=\d)", "", words).split())
    slug = re.sub("^general-public|^gplv", "gpl-", slug).replace("--", "-")
    return _NAMES.get(slug) or (_expression(slug) or _expression(f"{slug}.0") if slug else None)


def _expression(value: str) -> str | None:
    """An expression of known identifiers, as its alternatives."""
    from license_expression import ExpressionError

    if known := _NAMES.get(value.lower()):
        return known
    licensing = _licensing()
    try:
        parsed = licensing.parse(value)
        symbols = {symbol.key for symbol in licensing.license_symbols(parsed)}
    # of `()` and `(AND MIT` the parser takes for granted what is not there
    except (ExpressionError, ValueError, TypeError, AttributeError, LookupError, AssertionError):
        return None
    own = re.compile(rf"{OWN}[A-Za-z0-9.-]+")
    if not symbols or any(key not in _identifiers() and not own.fullmatch(key) for key in symbols):
        return None
    return " OR ".join(
        sorted(" AND ".join(sorted(map(str, _parts(one, "AND")))) for one in _alternatives(parsed))
    )


def _alternatives(parsed: Any) -> Iterable[Any]:
    return _parts(_licensing().dnf(parsed), "OR")


def _parts(expression: Any, operator: str) -> Iterable[Any]:
    name = (getattr(expression, "operator", None) or "").strip()
    return expression.args if name == operator else (expression,)


@cache
def _licensing() -> Licensing:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


@cache
def _identifiers() -> frozenset[str]:
    return frozenset(_licensing().known_symbols)


def allowed_pattern(allowed: Iterable[str]) -> str:
    """A regular expression that is found in expressions of which an alternative has allowed licences alone.

    An exception (`WITH`) of an allowed licence is allowed: it only permits more.
    """
    one = "|".join(name.replace(".", "[.]").replace("+", "[+]") for name in allowed)
    return f"(^| OR )({one})( WITH [^ ]+| AND ({one}))*( OR |$)"


def asks_for_attribution(licence: str) -> bool:
    """Whether copies must name the author or carry a notice: taken for true unless it is known to be false.

    >>> asks_for_attribution("CC-BY-4.0"), asks_for_attribution("CC0-1.0 OR MIT"), asks_for_attribution(NONE)
    (True, False, True)
    """
    return not any(_FREE.issuperset(alternative.split(" AND ")) for alternative in licence.split(" OR "))
