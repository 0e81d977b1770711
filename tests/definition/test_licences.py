"""Licences by their SPDX expressions."""

import json
from importlib.resources import files
from itertools import product

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from refinery.definition.licences import (
    AllowedLicence,
    SourceLicence,
    allowed_pattern,
    asks_for_attribution,
    licence_of,
    spdx,
)

SAID = {
    # PubMed Central's oa_file_list
    "CC BY": "LicenseRef-CC-BY",
    "CC BY-NC-SA": "LicenseRef-CC-BY-NC-SA",
    "CC0": "CC0-1.0",
    "NO-CC CODE": "LicenseRef-NO-CC-CODE",
    # creativecommons.org
    "https://creativecommons.org/licenses/by/4.0/": "CC-BY-4.0",
    "http://www.creativecommons.org/licenses/by-nc-nd/4.0/legalcode": "CC-BY-NC-ND-4.0",
    "https://creativecommons.org/licenses/by/4.0/deed.de": "CC-BY-4.0",
    "//creativecommons.org/licenses/by/3.0/us/": "CC-BY-3.0-US",
    "https://creativecommons.org/licenses/by/2.5/pl/": "LicenseRef-CC-BY-2.5-PL",
    "http://creativecommons.org/publicdomain/zero/1.0/": "CC0-1.0",
    "https://creativecommons.org/publicdomain/mark/1.0/": "CC-PDM-1.0",
    "Creative Commons Attribution-NonCommercial-ShareAlike 3.0 Unported License": "CC-BY-NC-SA-3.0",
    "CC-BY-SA 3.0 IGO": "CC-BY-SA-3.0-IGO",
    # GitHub, the hub, package indexes
    "mit": "MIT",
    "other": "LicenseRef-other",
    "NOASSERTION": None,
    "gpl-3.0": "GPL-3.0-only",
    "odc-by": "ODC-By-1.0",
    "llama3.1": "LicenseRef-llama3.1",
    "Apache License, Version 2.0": "Apache-2.0",
    "GNU General Public License v3.0": "GPL-3.0-only",
    "http://www.apache.org/licenses/LICENSE-2.0": "Apache-2.0",
    "https://opensource.org/licenses/MIT": "MIT",
    "https://www.gnu.org/licenses/gpl-3.0.html": "GPL-3.0-only",
    # expressions
    "mit or apache-2.0": "Apache-2.0 OR MIT",
    "(MIT OR Apache-2.0) AND BSD-3-Clause": "Apache-2.0 AND BSD-3-Clause OR BSD-3-Clause AND MIT",
    "GPL-2.0+ WITH Classpath-exception-2.0": "GPL-2.0-or-later WITH Classpath-exception-2.0",
    "LicenseRef-house OR MIT": "LicenseRef-house OR MIT",
    # nothing, and what is none
    "": None,
    " unknown ": None,
    "\u7f72\u540d": "LicenseRef-other",
    "(MIT OR": "LicenseRef-MIT-OR",
    "CC-BY-4.0, but ask us": "LicenseRef-CC-BY-4.0-but-ask-us",
}


@pytest.mark.parametrize("said", SAID)
def test_what_data_say(said):
    """Each is the identifier that is meant, and its own name is meant by that."""
    found = licence_of(said)
    assert found == SAID[said]
    assert found is None or licence_of(found) == found


def test_every_identifier_of_spdx_is_its_own_name():
    """In any case of letters; deprecated ones are those that took their place."""
    index = json.loads((files("license_expression") / "data/scancode-licensedb-index.json").read_text())
    for entry in index:
        name = entry.get("spdx_license_key")
        if name and not name.startswith("LicenseRef-") and not entry["is_exception"]:
            assert spdx(name) == spdx(name.lower()) == name


@example("()")
@example("( AND MIT")
@given(st.text(max_size=40) | st.text("MITORANDCC-BY ()/.40", max_size=40))
def test_any_text_has_one_form(text):
    """No text is an error, and what is found stays as it is."""
    found = licence_of(text)
    assert found is None or licence_of(found) == found


def test_an_expression_is_allowed_by_one_alternative():
    """As by its truth table: a licence holds where it is allowed."""
    names = ("MIT", "Zlib", "0BSD")
    for form in ("{} OR {} AND {}", "({} OR {}) AND {}", "{} AND {} AND {}", "{} OR {} OR {}"):
        expression = spdx(form.format(*names))
        for held in product([False, True], repeat=3):
            allowed = [name for name, here in zip(names, held, strict=True) if here]
            truth = eval(
                form.lower().format(*map(str, held)).replace("true", "True").replace("false", "False")
            )
            pattern = allowed_pattern(allowed or ["ISC"])
            series = pl.Series("licence", [expression])
            assert series.str.contains(pattern).to_list() == [truth], (expression, allowed)


def test_dots_and_beginnings_are_no_licences():
    """`GPL-2.0-only` allows no `GPL-2.0-only-x`, nor what a dot could stand for; an exception only permits more."""
    pattern = allowed_pattern(["GPL-2.0-only", "CC-BY-4.0"])
    found = pl.Series(
        ["CC-BY-440", "CC-BY-4.0-x", "x-CC-BY-4.0", "GPL-2.0-only WITH Classpath-exception-2.0"]
    )
    assert found.str.contains(pattern).to_list() == [False, False, False, True]


@pytest.mark.parametrize(
    ("licence", "asks"),
    [
        ("CC-BY-4.0", True),
        ("MIT", True),
        ("CC0-1.0", False),
        ("CC0-1.0 OR MIT", False),
        ("CC0-1.0 AND MIT", True),
    ],
)
def test_whether_attribution_is_asked_for(licence, asks):
    """Of an expression the alternative counts that asks for the least."""
    assert asks_for_attribution(licence) == asks


def test_settings_are_identifiers():
    """In their own form; one that is not known is told with the nearest, an expression is no allowed licence."""
    assert TypeAdapter(SourceLicence).validate_python("apache 2.0") == "Apache-2.0"
    assert TypeAdapter(AllowedLicence).validate_python("cc by") == "LicenseRef-CC-BY"
    with pytest.raises(ValidationError, match=r"no licence 'Apache-2.00' in SPDX; did you mean .Apache-2.0"):
        TypeAdapter(SourceLicence).validate_python("Apache-2.00")
    with pytest.raises(ValidationError, match="name each licence by itself"):
        TypeAdapter(AllowedLicence).validate_python("MIT OR Zlib")
