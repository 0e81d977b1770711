"""What a stage may write under `dedup`."""

import pytest
from pydantic import ValidationError

from refinery.dedup.settings import Near, Settings


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"exact": False}, "neither by, exact nor near is asked for"),
        ({"near": {"bands": 20}}, "give both bands and rows, or neither"),
        ({"near": {"bands": 20, "rows": 6}}, r"bands x rows is more than num_perm \(112\)"),
        ({"prefer": ["date UP"]}, 'expected "COLUMN", "COLUMN ASC" or "COLUMN DESC"'),
        ({"near": {"by": "characters", "words": 3}}, "`words` is of shingles of words"),
        ({"by": "pmid", "fold": "simplified"}, "no texts are compared"),
        ({"missing": "middle"}, "Input should be 'first' or 'last'"),
        ({"by": [""]}, "at least 1 character"),
    ],
)
def test_settings_that_cannot_be_meant(written, told):
    """Each is told where it stands, before anything runs."""
    with pytest.raises(ValidationError, match=told):
        Settings.model_validate(written)


def test_columns_are_one_or_several():
    """A name alone is a list of one; texts are compared unless columns are, or as it is said."""
    assert (
        Settings.model_validate({"by": "pmid"}).by
        == Settings.model_validate({"by": ["pmid"]}).by
        == ("pmid",)
    )
    assert Near.model_validate({"within": "court"}).within == ("court",)
    chosen = [{}, {"by": "x"}, {"by": "x", "exact": True}, {"exact": False, "near": {}}]
    compared = [Settings.model_validate(one).compares_texts for one in chosen]
    assert compared == [True, False, True, False]
