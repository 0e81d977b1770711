"""Words before a number."""

import numpy as np
import pytest

from refinery.text import pii_context as words


def context(text):
    data = np.frombuffer(text.encode(), np.uint8)
    return words.context(data, 0, len(data))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Tel.: ", words.PHONE),
        ("TELEPHONE ", words.PHONE),
        ("联系电话：", words.PHONE),
        ("Tél. : ", words.PHONE),
        ("téléphone ", words.PHONE),
        ("hotel ", 0),
        ("telling ", 0),
        ("Tel\n", 0),
        ("Tel. of the office in the capital ", 0),
        ("version ", words.VERSION),
        ("SSN: ", words.SSN),
        ("Patient ID ", words.RECORD),
        ("住院号", words.RECORD),
        ("api_key = '", words.KEY),
        ("密码：", words.PASSWORD),
        ("身份证号", words.IDENTITY),
    ],
)
def test_words_count_whole_near_and_on_the_line(text, kind):
    """In any case, with no letter around, within reach."""
    assert context(text) & kind == kind
    assert bool(context(text)) == bool(kind)
