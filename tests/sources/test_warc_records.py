import io
import re

import pytest
from fastwarc.warc import ArchiveIterator
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.compression import DamagedError
from refinery.sources.warc_records import WarcRecords

from .archives import record

TEXTS = [b"one", b"two, which is a little longer\nand has lines", b"three"]


def read(content: bytes, limit: int = 10_000, step: int = 7):
    blocks = (content[n : n + step] for n in range(0, len(content), step))
    records = WarcRecords(blocks, limit)
    return list(records), records


@given(
    texts=st.lists(st.binary(max_size=80) | st.just(record("conversion", b"inner")), max_size=5),
    step=st.integers(1, 300),
)
def test_records_are_those_of_fastwarc(texts, step):
    """Fields and blocks of an honest file, archives inside archives included, however the stream is cut."""
    content = b"".join(record("conversion", text, url=f"http://x/{n}") for n, text in enumerate(texts))
    found, records = read(content, step=step)
    expected = [
        ({name.lower(): value for name, value in one.headers.items()}, bytes(one.reader.read()))
        for one in ArchiveIterator(io.BytesIO(content), parse_http=False)
    ]
    assert [(one.fields, one.block) for one in found] == expected
    assert [one.block for one in found] == texts
    assert not records.damage


@pytest.mark.parametrize("wrong", [0, 5, 40, 49, 60, 150, 400, 9_999, 10_001, 10**12])
@pytest.mark.parametrize("step", [1, 50, 10_000])
def test_records_after_a_false_length_are_read(wrong, step):
    """A length that is too small, too large, or larger than the file costs no other record."""
    content = record("conversion", TEXTS[0]) + record("conversion", TEXTS[1], length=wrong)
    found, records = read(content + record("conversion", TEXTS[2]), step=step)
    assert [one.block for one in found[::2]] == TEXTS[::2]
    assert (found[1].length, found[1].size) == (wrong, len(TEXTS[1]))
    assert not records.damage


@pytest.mark.parametrize("wrong", ["", "x", "-5", "1e3", "\u0663"])
def test_a_length_that_is_no_number_is_none(wrong):
    """The record is given without its block, and the next one is read."""
    bad = re.sub(rb"(?<=\r\nContent-Length: )\d+", wrong.encode(), record("conversion", TEXTS[1]))
    found, _ = read(bad + record("conversion", TEXTS[2]))
    assert [(one.length, one.block) for one in found] == [(None, b""), (5, b"three")]


def test_a_last_record_with_a_false_length_ends_where_its_blank_line_is():
    """Too short a length gives the whole block; what is no record after the last one is damage."""
    found, records = read(record("conversion", TEXTS[1], length=5))
    assert ([one.block for one in found], records.damage) == ([TEXTS[1]], "")
    found, records = read(record("conversion", TEXTS[0]) + b"\0" * 500)
    assert ([one.block for one in found], records.damage) == ([TEXTS[0]], "")
    found, records = read(record("conversion", TEXTS[0]) + b"and some garbage")
    assert [one.block for one in found] == [TEXTS[0]]
    assert "after the last record" in records.damage


def test_blocks_over_the_limit_are_not_held():
    """Their size is counted, and the next record is read."""
    found, _ = read(record("response", b"x" * 500) + record("conversion", TEXTS[2]), limit=100)
    assert [(one.size, one.block) for one in found] == [(500, b""), (5, TEXTS[2])]


def test_headers_with_bare_line_feeds_and_folded_lines_are_read():
    """Names in any case, the first of two values, a value over two lines."""
    content = b"WARC/1.0\nwarc-type: x\nWARC-Type: y\nA: b\n  c\ncontent-length: 3\n\nabc\n\n"
    (found,), _ = read(content)
    assert (found.fields, found.block) == (
        {"warc-type": "x", "a": "b c", "content-length": "3"},
        b"abc",
    )


def test_a_file_that_ends_in_a_header_is_damaged():
    """So is one whose decompression fails; the records before are given."""
    whole = record("conversion", TEXTS[0])
    found, records = read(whole + b"WARC/1.0\r\nWARC-Type: conv")
    assert ([one.block for one in found], records.damage) == ([TEXTS[0]], "a record's header ends early")

    def blocks():
        yield whole + record("conversion", TEXTS[1])[:-20]
        raise DamagedError("cut off")

    records = WarcRecords(blocks(), 1000)
    assert [one.size < (one.length or 0) for one in records] == [False, True]
    assert records.damage == "cut off"
