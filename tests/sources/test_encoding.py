import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.errors import InputError
from refinery.sources.encoding import as_utf8, head_as_utf8, other_encoding
from tests.sources.reading import read_all, spec

TEXTS = {
    "gb18030": "中华人民共和国食品安全法，为了保证食品安全，保障公众身体健康和生命安全，制定本法。",
    "big5": "中華民國刑法第一條行為之處罰，以行為時之法律有明文規定者為限，拘束人身自由之保安處分亦同。",
    "shift_jis": "日本国憲法は、正当に選挙された国会における代表者を通じて行動し、われらとわれらの子孫のために",
    "utf-16": "Der Käufer kann vom Vertrag zurücktreten.",
    "latin-1": "Der Käufer kann vom Vertrag zurücktreten, wenn die Ware Mängel aufweist.",
}


@given(st.sampled_from(sorted(TEXTS)), st.integers(1, 7), st.integers(0, 40))
def test_blocks_are_decoded_wherever_they_are_cut(encoding, size, head):
    """The whole is what Python decodes at once, a head its beginning; without an encoding nothing changes."""
    content = TEXTS[encoding].encode(encoding)
    blocks = [content[n : n + size] for n in range(0, len(content), size)]
    assert b"".join(as_utf8(blocks, encoding)).decode() == TEXTS[encoding]
    assert TEXTS[encoding].startswith(head_as_utf8(content[:head], encoding).decode())
    assert b"".join(as_utf8(blocks, None)) == head_as_utf8(content, None) == content


@pytest.mark.parametrize("encoding", ["utf-16", "UTF_16", "utf-32"])
def test_a_byte_order_mark_may_lack(encoding):
    """Then the low bytes come first, as Windows writes them; no content is an error."""
    content = TEXTS["utf-16"].encode(f"{encoding}-le")
    for begin in (content, content.decode(f"{encoding}-le").encode(encoding)):
        assert b"".join(as_utf8([begin[:1], begin[1:]], encoding)).decode() == TEXTS["utf-16"]
        assert head_as_utf8(begin, encoding).decode() == TEXTS["utf-16"]
    assert head_as_utf8(b"id,text", encoding)


@pytest.mark.parametrize("encoding", sorted(TEXTS))
@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_files_of_an_encoding_are_read(tmp_path, encoding, ending):
    """Row by row; a large file is one shard, for its bytes cannot be cut."""
    rows = [f'{{"text": "{TEXTS[encoding]}"}}\n' if ending == "jsonl" else f'"{TEXTS[encoding]}"\n'] * 5
    content = "".join(rows if ending == "jsonl" else ["text\n", *rows]).encode(encoding)
    (tmp_path / f"a.{ending}").write_bytes(content)
    found = read_all(spec(tmp_path / f"a.{ending}", encoding=encoding), shard_bytes=50)
    assert (found.texts, found.rejects) == ([TEXTS[encoding]] * 5, [])


def test_a_text_file_of_an_encoding_is_read(tmp_path):
    """As a document."""
    (tmp_path / "a.txt").write_bytes(TEXTS["big5"].encode("big5"))
    assert read_all(spec(tmp_path / "a.txt", encoding="big5")).texts == [TEXTS["big5"]]


def test_bytes_that_are_not_of_the_encoding_reject_their_row(tmp_path):
    """The others are read."""
    good = json.dumps({"text": TEXTS["gb18030"]}, ensure_ascii=False).encode("gb18030")
    (tmp_path / "a.jsonl").write_bytes(
        good + b"\n" + good.replace(TEXTS["gb18030"].encode("gb18030"), b"\xff\xff") + b"\n" + good
    )
    found = read_all(spec(tmp_path / "a.jsonl", encoding="gb18030"))
    assert found.texts == [TEXTS["gb18030"]] * 2
    assert [(one.row, one.reason) for one in found.rejects] == [(1, "invalid_utf8")]


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "shift_jis", "utf-16"])
def test_what_a_file_looks_like_is_told(tmp_path, encoding):
    """With the setting to write, before it is read."""
    (tmp_path / "a.jsonl").write_bytes((f'{{"text": "{TEXTS[encoding]}"}}\n' * 4).encode(encoding))
    with pytest.raises(InputError, match=f"set `encoding: {encoding}`"):
        read_all(spec(tmp_path / "a.jsonl"))


@pytest.mark.parametrize("encoding", ["latin-1", "gb18030"])
def test_what_a_table_or_a_text_looks_like_is_told(tmp_path, encoding):
    """CSV before it is read, of a text file where it cannot be read: as of JSON Lines."""
    lines = f'"{TEXTS[encoding]}"\n' * 4
    (tmp_path / "a.csv").write_bytes(f"text\n{lines}".encode(encoding))
    with pytest.raises(InputError, match=r"looks like .*set `encoding: ") as told:
        read_all(spec(tmp_path / "a.csv"))
    named = str(told.value).partition("`encoding: ")[2].partition("`")[0]
    assert read_all(spec(tmp_path / "a.csv", encoding=named)).texts == [TEXTS[encoding]] * 4
    (tmp_path / "a.txt").write_bytes(lines.encode(encoding))
    (reject,) = read_all(spec(tmp_path / "a.txt")).rejects
    assert (reject.reason, f"set `encoding: {named}`" in reject.detail) == ("invalid_utf8", True)


def test_a_few_wrong_bytes_are_no_other_encoding():
    """Nor are lines of which one is UTF-8."""
    wrong = TEXTS["latin-1"].encode("latin-1") + b"\n"
    assert other_encoding(wrong * 2) == ""
    assert other_encoding(wrong * 3 + TEXTS["latin-1"].encode() + b"\n") == ""
    assert other_encoding(wrong * 3 + b"ascii\n" * 4) == ""
    assert other_encoding(wrong * 3) != ""
