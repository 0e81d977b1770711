"""The key `tokenize` of an output."""

import pytest
from pydantic import ValidationError

from refinery.definition.outputs import Output
from refinery.definition.tokenization import Tokenization

WRITTEN = {"from": "a", "path": "out"}


def test_a_file_alone_is_its_short_form():
    """The end of documents is said, or found in the file."""
    short = Output.model_validate({**WRITTEN, "tokenize": "t.json"})
    assert short == Output.model_validate({**WRITTEN, "tokenize": {"file": "t.json"}})
    assert short.tokenize == Tokenization(file="t.json", eod=None)
    said = Output.model_validate({**WRITTEN, "tokenize": {"file": "t.json", "eod": "</s>"}})
    assert said.tokenize == Tokenization(file="t.json", eod="</s>")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"tokenize": {"eod": "</s>"}}, "file\n  Field required"),
        ({"tokenize": {"file": "t.json", "eod": ""}}, "eod\n  String should have at least 1"),
        (
            {"tokenize": "t.json", "format": "jsonl"},
            "token ids have no format; write texts to another output",
        ),
        ({"tokenize": "t.json", "measurements": []}, "token ids have no measurements"),
    ],
)
def test_ids_have_no_columns_and_no_other_form(more, problem):
    """What an output of texts alone has is refused, and so is half a setting."""
    with pytest.raises(ValidationError) as found:
        Output.model_validate({**WRITTEN, **more})
    assert problem in str(found.value)
