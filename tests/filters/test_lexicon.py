"""Lexicons as files and as automata."""

import gzip

import numpy as np
import pytest

from refinery.errors import DefinitionError, InputError
from refinery.executors import shipping
from refinery.filters.lexicon import (
    PACKS,
    folding_tables,
    load_lexicon,
    pack_columns,
    pack_file,
    pack_measuring,
    packs,
    read_lexicon,
)
from refinery.filters.listed_file import list_hash
from refinery.text.batch import TextBatch
from refinery.text.fold import fold_texts
from refinery.text.terms import find_terms


@pytest.fixture
def written(tmp_path, monkeypatch):
    """The path of a lexicon of that content; this machine's folder is empty."""
    monkeypatch.setattr(shipping, "machine_folder", lambda: tmp_path / "machine")

    def write(content):
        (tmp_path / "terms.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(tmp_path / "terms.txt")

    return write


def counted(lexicon, text, folding="plain"):
    keys = fold_texts(TextBatch.from_texts([text]), folding_tables(folding))
    return int(find_terms(keys, lexicon.terms, lexicon.automaton, folding_tables(folding)).terms[0])


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_line_is_a_term_up_to_the_first_tab(written, pack):
    """Comments, blank lines and notes are none; of the same terms one counts; compressed or not."""
    lexicon = read_lexicon(
        written(pack("\ufeff# heart\n\nMyocardial infarction\t12.5\n肝炎\nHEPATITIS\nhepatitis\n".encode())),
        "plain",
    )
    assert lexicon.terms == 4
    assert counted(lexicon, "Myocardial-Infarction 肝炎 hepatitis heart 12.5") == 3


def test_what_is_no_term_is_told(written):
    """With the line, what is wrong and what to do."""
    with pytest.raises(InputError, match=r"terms without a letter or digit: line 2: !!; line 4: --"):
        read_lexicon(written("a\n!!\nb\n--\n"), "plain")
    with pytest.raises(InputError, match=r"terms of more than 64 words or characters: line 1: 啊"):
        read_lexicon(written("啊" * 65), "plain")
    with pytest.raises(InputError, match=r"0 terms; 1 to 1,000,000 can be"):
        read_lexicon(written("# nothing\n"), "plain")
    with pytest.raises(InputError, match=r"is not UTF-8, from line 1 on"):
        read_lexicon(written(b"\xff\xfe"), "plain")


def test_it_is_built_once_a_machine(written, tmp_path):
    """And mapped then, the same arrays; another folding is another one; a file that changed is an error."""
    path = written("賭場\n")
    expected = list_hash(path)
    first = load_lexicon(path, "simplified", expected)
    assert [file.name for file in (tmp_path / "machine" / "lexicons").iterdir()] == [
        f"{expected}-simplified-1"
    ]
    built = read_lexicon(path, "simplified")
    assert first.terms == built.terms
    for mapped, array in zip(first.automaton, built.automaton, strict=True):
        assert mapped.dtype == array.dtype and np.array_equal(mapped, array) and not mapped.flags.writeable
    assert counted(first, "赌场", "simplified") == 1
    (tmp_path / "terms.txt").write_text("casino\n")
    with pytest.raises(InputError, match="changed since the definition was checked"):
        load_lexicon(path, "plain", expected)


def test_packs_are_known_by_name():
    """The nearest one is told; each can be read, and no two terms of one are the same."""
    assert {"medical-en", "law-zh", "zh-gambling"} <= set(packs())
    for file in PACKS.glob("*.txt"):
        assert pack_file(file.stem) == file
        assert {pack_measuring(column) for column in pack_columns(file.stem)} == {file.stem}
        lexicon = read_lexicon(str(file), "obfuscations")
        assert np.count_nonzero(lexicon.automaton.ends >= 0) == lexicon.terms, file.stem
    with pytest.raises(
        DefinitionError, match="no pack of terms is called 'zh-gamble'; did you mean \"zh-gambling\""
    ):
        pack_file("zh-gamble")
