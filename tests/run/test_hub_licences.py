"""Licences as the hub has them."""

import pytest

from refinery.run.hub_licences import licence_head


@pytest.mark.parametrize(
    ("licences", "head"),
    [
        ([], {}),
        (["MIT"], {"license": "mit"}),
        (["MIT OR GPL-3.0-only", "MIT"], {"license": ["gpl-3.0", "mit"]}),
        (["GPL-2.0-only WITH Classpath-exception-2.0"], {"license": "gpl-2.0"}),
        (
            ["LicenseRef-House", "CC-BY-3.0-US"],
            {"license": "other", "license_name": "cc-by-3.0-us, house", "license_link": "ATTRIBUTION.md"},
        ),
    ],
)
def test_heads(licences, head):
    """One tag, several, or `other` with the names that have none."""
    assert licence_head(licences) == head
