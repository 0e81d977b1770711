"""Repeated passages cut to one copy, against a suffix array of all texts."""

import tempfile
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.text.token_estimate import PARTS
from tests.conftest import decisions, document, output_hashes, read_files, write_parquet
from tests.dedup.passage_shards import TextShard, cut
from tests.text.test_windows import LEAST as TOKENS
from tests.text.test_windows import token_costs, token_windows

LEAST = 16
Ends = Callable[[str], list[int]]
FOOTER = "Talk to your doctor before you take any medicine, and keep it out of the reach of children."
DEFINITION = """
refinery: 1
name: passages
protect: {exam: {from: held}}
sources:
  crawl: {path: crawl}
  held: {path: held}
stages:
  distinct: {from: crawl, dedup: {exact: true}}
  clean:
    from: distinct
    passages: {paragraphs: 60}
outputs:
  out: {from: clean, path: out, shuffle: 3}
"""
# Pieces of several lengths from few characters of one to four bytes, none of which is part of a word or a number.
CHARACTERS = "年月、。😀!"
CHEAP = (
    "年。-= "  # of which a run is less than a token a character, so that windows begin apart and end together
)


@st.composite
def corpora(draw, characters: str) -> list[str]:
    """Documents made of the same pieces."""
    pieces = draw(st.lists(st.text(characters, min_size=1, max_size=24), min_size=1, max_size=5))
    chosen = st.lists(st.sampled_from(pieces), max_size=6).map("".join)
    return draw(st.lists(chosen, min_size=1, max_size=7))


def character_windows(text: str) -> list[int]:
    """The end of each window of LEAST characters, by its start."""
    return list(range(LEAST, len(text) + 1))


def first_copies(
    texts: Sequence[str], order: Sequence[int], windows: Sequence[Sequence[int]]
) -> dict[tuple[int, int], tuple[int, int]]:
    """Of each window (text, start) the first equal one, by a suffix array: neighbours with a long common prefix."""
    rank = {number: place for place, number in enumerate(order)}
    places = [(n, start) for n in range(len(texts)) for start in range(len(windows[n]))]
    suffixes = sorted(places, key=lambda place: texts[place[0]][place[1] :])
    found = {}
    for _, same in groupby(
        suffixes, key=lambda place: texts[place[0]][place[1] : windows[place[0]][place[1]]]
    ):
        group = list(same)
        found.update(dict.fromkeys(group, min(group, key=lambda place: (rank[place[0]], place[1]))))
    return found


def expected(texts: Sequence[str], order: Sequence[int], ends_of: Ends) -> dict[int, str]:
    """What is left of each: a window goes for its first copy, unless that has earlier ones itself."""
    ends = [ends_of(text) for text in texts]
    first = first_copies(texts, order, ends)
    windows: list[tuple[int, int, int, int, int]] = []
    touched = [[False] * len(text) for text in texts]
    for number in order:
        for start, end in enumerate(ends[number]):
            where, size = first[number, start], end - start
            if where != (number, start) and (where[0] != number or start >= where[1] + size):
                windows.append((number, start, size, *where))
                touched[number][start:end] = [True] * size
    gone = [[False] * len(text) for text in texts]
    for number, start, size, other, place in windows:
        if not any(touched[other][place : place + size]):
            gone[number][start : start + size] = [True] * size
    return {
        number: "".join(char for char, goes in zip(text, gone[number], strict=True) if not goes)
        for number, text in enumerate(texts)
    }


@settings(deadline=None, max_examples=60)
@given(corpora(CHARACTERS), st.data())
def test_one_copy_stays_as_by_a_suffix_array(texts, data):
    """The characters go that the reference takes, whatever the shards are, in the order of preference."""
    years = data.draw(st.lists(st.integers(0, 3), min_size=len(texts), max_size=len(texts)))
    at = data.draw(st.integers(0, len(texts)))
    shards = [
        TextShard(tuple(texts[part]), {"year": years[part]})
        for part in (slice(0, at), slice(at, None))
        if texts[part]
    ]
    order = sorted(range(len(texts)), key=lambda n: -years[n])
    wanted = expected(texts, order, character_windows)
    with tempfile.TemporaryDirectory() as folder:
        found = cut(shards, Path(folder), characters=LEAST, rest=1, prefer=["year DESC"])
    assert found.left == {n: text for n, text in wanted.items() if text or not texts[n]}
    assert all(not wanted[n] for n in found.dropped)
    whole = [text for n, text in enumerate(texts) if not any(span[0] == n for span in found.spans)]
    whole += [part for n in found.left for part in _pieces(texts[n], [s for s in found.spans if s[0] == n])]
    for number, start, end, _ in found.spans:  # each window that went has a copy in one piece
        passage = texts[number][start:end]
        kept = sum(passage[n : n + LEAST] in part for n in range(len(passage) - LEAST + 1) for part in whole)
        assert kept


@settings(deadline=None, max_examples=60)
@given(corpora(CHEAP), st.data())
def test_passages_of_tokens_as_by_a_suffix_array(texts, data):
    """The shortest runs of so many estimated tokens are what is compared; a document without a token left goes."""
    order = data.draw(st.permutations(range(len(texts))))
    wanted = expected(texts, order, token_windows)
    shard = TextShard(tuple(texts), {"place": [order.index(n) for n in range(len(texts))]})
    with tempfile.TemporaryDirectory() as folder:
        found = cut([shard], Path(folder), tokens=TOKENS, rest=1, prefer=["place"])
    assert found.left == {n: wanted[n] for n in found.left}
    assert all(wanted[n] != texts[n] and sum(token_costs(wanted[n])) < 2 * PARTS for n in found.dropped)


def _pieces(text: str, spans: list[tuple[int, int, int, int]]) -> list[str]:
    bounds = [0, *(place for span in spans for place in span[1:3]), len(text)]
    return [text[start:end] for start, end in zip(bounds[::2], bounds[1::2], strict=True)]


def test_in_a_run_with_what_lies_above_and_below(tmp_path, refinery):
    """After exact dedup, before what leaves out protected texts, and an output; what is compared is told."""
    pages = [f"{document(n, 3)}\n\n{FOOTER}\n\n{document(n + 50, 3)}" for n in range(12)]
    rows = [{"id": f"page{n}", "text": text} for n, text in enumerate([*pages, FOOTER, pages[0]])]
    write_parquet(tmp_path / "crawl" / "0.parquet", rows[::2])
    write_parquet(tmp_path / "crawl" / "1.parquet", rows[1::2])
    write_parquet(tmp_path / "held" / "0.parquet", [{"id": "held", "text": pages[3]}])
    definition = tmp_path / "pipeline.yaml"
    definition.write_text(DEFINITION)
    assert "one copy each" in " ".join(refinery("plan", definition)[1].split())
    code, _, err = refinery("run", definition, "-q")
    assert code == 0, err
    written = {row["id"]: row["text"] for row in read_files(tmp_path / "out", "data").to_pylist()}
    found = decisions(tmp_path / "out")
    assert [name for name, text in written.items() if FOOTER in text] == ["page0"]
    assert written["page5"] == pages[5].replace(f"{FOOTER}\n\n", "")
    assert {name: row["rule"] for name, row in found.items() if row["rule"]} == {
        "page12": "passages.rest",
        "page13": "dedup.exact",
        "page3": "protect.exam",
    }
    assert found["page5"]["cut_chars"] == len(FOOTER) + 2
    assert found["page12"]["duplicate_of_id"] == "page0"
    _, out, _ = refinery("explain", definition, "page5")
    assert f"cut by clean: passages.paragraphs, {len(FOOTER) + 2} characters" in out
    assert "kept in: crawl: 0.parquet, row 0, id page0" in out


def test_a_damaged_file_of_cuts_is_made_again(tmp_path, refinery):
    """The run that meets it mends it; without it the verb is run again."""
    texts = [f"{document(n, 3)}\n\n{FOOTER}" for n in range(6)]
    write_parquet(tmp_path / "crawl" / "0.parquet", [{"id": str(n), "text": t} for n, t in enumerate(texts)])
    definition = tmp_path / "pipeline.yaml"
    definition.write_text(
        DEFINITION.replace("protect: {exam: {from: held}}", "").replace("  held: {path: held}\n", "")
    )
    assert refinery("run", definition, "-q")[0] == 0
    before = output_hashes(tmp_path / "out")
    (file,) = (tmp_path / ".refinery").rglob("cut-*.parquet")
    content = bytearray(file.read_bytes())
    content[20] ^= 1
    file.write_bytes(content)
    definition.write_text(definition.read_text().replace("shuffle: 3", "shuffle: 4"))
    assert refinery("run", definition, "-q")[0] == 0
    definition.write_text(definition.read_text().replace("shuffle: 4", "shuffle: 3"))
    file.unlink()
    assert refinery("run", definition, "-q")[0] == 0
    assert output_hashes(tmp_path / "out") == before
