"""Licences as the Hugging Face hub has them in the head of a card.

The tags are those of https://huggingface.co/docs/hub/repositories-licenses.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from refinery.definition.licences import NONE, OWN
from refinery.storage.marks import ATTRIBUTION

_TAGS = frozenset(
    """afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda
    cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
    cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0
    cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2
    gfdl gpl-2.0 gpl-3.0 isc lgpl-2.1 lgpl-3.0 lgpl-lr lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 osl-3.0
    pddl postgresql unlicense wtfpl zlib""".split()  # noqa: SIM905  (a list of words)
)
_CALLED = {
    "c-uda-1.0": "c-uda",
    "lgpllr": "lgpl-lr",
    "odbl-1.0": "odbl",
    "odc-by-1.0": "odc-by",
    "pddl-1.0": "pddl",
}


def hub_tag(licence: str) -> str | None:
    """The tag of one licence, without exception; None of one that the hub does not list.

    >>> hub_tag("GPL-3.0-or-later"), hub_tag("PDDL-1.0"), hub_tag("CC-BY-3.0-US"), hub_tag("NOASSERTION")
    ('gpl-3.0', 'pddl', None, 'unknown')
    """
    if licence == NONE:
        return "unknown"
    name = re.sub(r"-(?:only|or-later)$", "", licence.partition(" WITH ")[0].lower())
    name = "gfdl" if name.startswith("gfdl-") else _CALLED.get(name, name)
    return name if name in _TAGS else None


def licence_head(licences: Collection[str]) -> dict[str, object]:
    """The keys of a card's head about licences; `other` stands for those without a tag, which are named."""
    each = sorted({one for licence in licences for one in re.split(" OR | AND ", licence)})
    tags = sorted({tag for one in each if (tag := hub_tag(one))})
    others = [one for one in each if hub_tag(one) is None]
    if not each:
        return {}
    if not others:
        return {"license": tags[0] if len(tags) == 1 else tags}
    names = ", ".join(one.removeprefix(OWN) for one in others).lower()
    listed: object = [*tags, "other"] if tags else "other"
    return {"license": listed, "license_name": names, "license_link": ATTRIBUTION}
