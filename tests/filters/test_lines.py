"""The `lines` transform: what a large share of a source's documents hold is removed."""

import copy
import json
import pickle
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.definition.paths import Paths
from refinery.errors import DefinitionError, InputError
from refinery.filters import line_rules, lines, registry
from refinery.filters.line_counts import FILE, LineCounts
from refinery.filters.lines import Lines, Settings, build
from refinery.models.maker import Made
from tests.cases import write_jsonl
from tests.conftest import decisions, output_hashes
from tests.filters.test_line_counts import Texts, count

PAGES = tuple(f"Home\n\nPage {n}\n\nText of page {n}.\n\nAll rights reserved." for n in range(12))


@pytest.fixture
def made(tmp_path):
    """The counts of twelve pages with a menu and a footer, and of eight without."""
    return counted(tmp_path, Texts(PAGES), Texts(tuple(f"Alone {n}" for n in range(8))))


def counted(folder, *shards):
    return Made(count(folder, shards), "content")


def texts_of(*texts):
    return pa.array(texts, pa.large_string())


def test_repeated_lines_go_and_all_else_stays(made):
    """The menu and the footer; NULL stays NULL, and an array without such a line is the very same."""
    removes = Lines(0.5, 2).with_count(made)
    text = texts_of(*PAGES[:2], None, "Other")
    assert removes(text).to_pylist() == [f"Page {n}\n\nText of page {n}." for n in (0, 1)] + [None, "Other"]
    assert removes(text).type == pa.large_string()
    others = texts_of("Other", None)
    assert removes(others) is others
    assert removes(removes(text)).to_pylist() == removes(text).to_pylist()


def test_a_small_source_loses_nothing(made):
    """A line goes from 100 documents on unless another number is set."""
    text = texts_of(*PAGES)
    assert build(Settings(repeated="0.1%")).with_count(made)(text) is text


def test_its_identity_is_its_settings_and_what_it_removes(made, tmp_path):
    """Counts of other documents that remove the same lines make nothing again; those that do not, do."""
    removes = Lines(0.5, 2).with_count(made)
    more = counted(tmp_path / "more", Texts((*PAGES, "one more")))
    other = counted(tmp_path / "other", Texts((*PAGES, *PAGES, "one more")))
    fewer = counted(tmp_path / "fewer", Texts(PAGES[:1]))
    assert (
        removes.settings
        == Lines(0.5, 2).with_count(more).settings
        == Lines(0.5, 2).with_count(other).settings
    )
    assert removes.settings != Lines(0.5, 2).with_count(fewer).settings
    assert removes.settings != Lines(0.4, 2).with_count(made).settings
    assert removes.settings | {"count": None} == Lines(0.5, 2).settings
    assert removes.counter == Lines(0.1, 9).counter == LineCounts()
    assert removes.files == (made.folder / FILE,)


def test_a_worker_reads_the_counts_itself_and_notices_others(made, tmp_path):
    """What is pickled has the path alone, and says what it must find there."""
    own = counted(tmp_path / "own", Texts(("A menu of its own",) * 4))
    sent = pickle.dumps(Lines(0.5, 2).with_count(own))
    assert len(sent) < 1000
    (own.folder / FILE).write_bytes((made.folder / FILE).read_bytes())
    with pytest.raises(InputError, match="changed"):
        pickle.loads(sent)(texts_of("Home"))


def test_lines_that_are_not_counted_are_not_removed():
    """It is a mistake of who calls, not of data."""
    with pytest.raises(ValueError, match="counted"):
        Lines(0.5, 2)(texts_of("Home"))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"repeated": 0.1}, "shares are percentages: write 10%"),
        ({"repeated": "0.001%"}, "0.01% is the least"),
        ({"repeated": "1%", "least_documents": 1}, "greater than or equal to 2"),
        ({"keep": "wbe"}, "keep: no rule set is called 'wbe'; did you mean \"web\""),
        ({"keep": "words > 3"}, "a rule has a name"),
        ({"keep": {"menu": "wrds > 3"}}, 'keep: menu: no column "wrds"; did you mean "words"'),
        ({"keep": {"menu": "lines > 3"}}, 'no column "lines"'),
        ({"paragraphs": {"menu": "documents < 3"}}, 'paragraphs: menu: no column "documents"'),
        ({"keep": [{"a": "chars > 1"}, {"a": "chars > 2"}]}, "two rules are called 'a'"),
        ({"keep": [{"rules": "web", "without": ["menus"]}]}, "web has no rule 'menus'"),
        ({"keep": "{nowhere}/a.yaml"}, "no root is called 'nowhere'"),
        ({}, "lines needs `repeated`, `keep` or `paragraphs`"),
    ],
)
def test_wrong_settings(settings, problem):
    """Each is told in the words of a definition."""
    with pytest.raises(DefinitionError, match=problem):
        registry.transform("lines", settings)


RULES = {
    "keep": [{"menu": "words >= 3 OR terminal"}, {"digits": "digit_share < 0.5"}],
    "paragraphs": {"long": "words >= 6 OR lines >= 3"},
}
PAGE = "Home\nAbout us\n\nA text of six words, here.\n\nShort one.\n\n12 34 56 78\n\na.\nb.\nc."
CUTS = [
    ("menu", "Home"),
    ("menu", "About us"),
    ("digits", "12 34 56 78"),
    ("long", "Short one."),
]


def test_lines_go_by_rules_then_paragraphs_of_what_is_left():
    """Each by the first rule that it fails, which is told; nothing is counted for it."""
    removes = registry.transform("lines", RULES)
    assert removes.counter is None
    assert removes(texts_of(PAGE, None)).to_pylist() == [
        "A text of six words, here.\n\na.\nb.\nc.",
        None,
    ]
    assert [(cut.rule, cut.text) for cut in removes.removed_parts(PAGE)] == CUTS
    same = texts_of("A text of six words, here.", "")
    assert removes(same) is same


def test_a_predicate_that_is_null_cuts():
    """As it drops a document."""
    removes = registry.transform("lines", {"keep": {"x": "chars > 1 AND NULLIF(digit_share, 0) > 0"}})
    assert removes(texts_of("abc\nabc 1")).to_pylist() == ["abc 1"]


def test_texts_are_cut_alike_in_runs_of_any_size(monkeypatch):
    """Batches, runs of bytes and blocks of lines change nothing."""
    removes = registry.transform("lines", RULES | {"keep": {"below": "prose_above OR terminal"}})
    pages = [PAGE, "", f"{PAGE}\n\nThis is a line of ten words that ends here.\nmenu", PAGE * 3]
    whole = removes(texts_of(*pages)).to_pylist()
    monkeypatch.setattr(lines, "RUN_BYTES", 100)
    monkeypatch.setattr(line_rules, "BLOCK", 2)
    assert removes(texts_of(*pages)).to_pylist() == whole
    assert [removes(texts_of(page))[0].as_py() for page in pages] == whole


def test_rules_read_how_many_documents_hold_a_line(made):
    """`repeated` comes first; a line that is not counted is in one document."""
    rules = {
        "repeated": "90%",
        "least_documents": 2,
        "keep": [{"rare": "documents < 12 OR documents_share < 0.5"}],
    }
    removes = registry.transform("lines", rules).with_count(made)
    page = f"{PAGES[0]}\nAlone"
    assert [(cut.rule, cut.text) for cut in removes.removed_parts(page)] == [
        ("rare", "Home"),
        ("rare", "All rights reserved."),
    ]
    assert removes(texts_of(page)).to_pylist() == ["Page 0\n\nText of page 0.\n\nAlone"]
    lower = registry.transform("lines", rules | {"repeated": "50%"}).with_count(made)
    assert [cut.rule for cut in lower.removed_parts(page)] == ["repeated", "repeated"]


def test_its_identity_has_what_rules_ask_for(made, tmp_path):
    """The predicates, not the names; all counts where rules read them."""
    one = registry.transform("lines", {"keep": {"a": "chars > 1"}}).settings
    assert one == registry.transform("lines", {"keep": {"b": "chars > 1"}}).settings
    assert one == {"keep": ["chars > 1"], "count": None}
    assert one != registry.transform("lines", {"paragraphs": {"a": "chars > 1"}}).settings
    reading = registry.transform("lines", {"keep": {"rare": "documents < 5"}})
    more = counted(tmp_path / "more", Texts((*PAGES, "one more")))
    assert reading.with_count(made).settings != reading.with_count(more).settings


def test_rules_stand_in_files(tmp_path):
    """By a path, relative to the definition; what is in them is their identity, and they can be left out."""
    (tmp_path / "own.yaml").write_text("rules: {menu: words > 1, end: terminal}")
    paths = Paths(tmp_path)
    removes = registry.transform("lines", {"keep": [{"rules": "own.yaml", "without": "end"}]}, paths)
    assert removes.settings["keep"] == ["words > 1"]
    assert [cut.rule for cut in removes.removed_parts("Home\na b")] == ["own.menu"]
    (tmp_path / "own.yaml").write_text("rules: {menu: word > 1}")
    with pytest.raises(
        DefinitionError, match=r'own\.yaml:1: own.menu: no column "word"; did you mean "words"'
    ):
        registry.transform("lines", {"keep": "own.yaml"}, paths)


DEFINITION = {
    "refinery": 1,
    "name": "lines",
    "sources": {"a": {"path": "a"}, "b": {"path": "b"}},
    "stages": {
        "cleaned": {
            "from": ["a", "b"],
            "transform": ["normalize", {"lines": {"repeated": "20%", "least_documents": 5}}],
            "measure": ["signals"],
            "keep": [{"some": "words > 0"}],
        },
        "unique": {"from": "cleaned", "dedup": {"exact": True, "near": {}}},
    },
    "outputs": {"out": {"from": "unique", "path": "out", "measurements": ["lines"]}},
}


def corpus(folder: Path) -> None:
    """Two sources with a footer each, and a line that is a footer in the other alone; one page is nothing else."""
    for source, other, size in (("a", "b", 10), ("b", "a", 20)):
        pages = [f"Text {source} {n} of many words.\r\n\r\n  Footer {source} \r\n" for n in range(size)]
        rows = [{"id": f"{source}{n}", "text": page} for n, page in enumerate(pages)]
        rows += [{"id": f"{source}-other", "text": f"Footer {other}\nis no footer here, in {source}."}]
        rows += [{"id": f"{source}-empty", "text": f"Footer {source}"}]
        for number in range(2):
            write_jsonl(folder / source / f"{number}.jsonl", rows[number::2])


def run(folder: Path, refinery, changes: dict[str, object], *arguments: object) -> dict[str, str]:
    """The texts that a run writes, by id; changes: settings of the transform."""
    definition = copy.deepcopy(DEFINITION)
    definition["stages"]["cleaned"]["transform"][1]["lines"] |= changes
    (folder / "lines.yaml").write_text(json.dumps(definition))
    code, _, err = refinery("run", folder / "lines.yaml", "-q", *arguments)
    assert code == 0, err
    rows = pq.read_table(folder / "out" / "data-00000.parquet").to_pylist()
    for row in rows:
        assert row["lines"] == len([line for line in row["text"].split("\n") if line])
    return {row["id"]: row["text"] for row in rows}


def counts(folder: Path) -> dict[Path, int]:
    """The files of counts, and when each was written."""
    return {
        file: file.stat().st_mtime_ns for file in sorted((folder / ".refinery" / "made").glob(f"*/{FILE}"))
    }


def test_a_run_counts_the_lines_of_each_source_and_writes_texts_without_them(tmp_path, refinery):
    """As the transform before it leaves them; a page of nothing else is dropped by a rule, not lost."""
    corpus(tmp_path)
    texts = run(tmp_path, refinery, {})
    expected = {
        f"{s}{n}": f"Text {s} {n} of many words." for s, count in (("a", 10), ("b", 20)) for n in range(count)
    }
    expected |= {f"{s}-other": f"Footer {o}\nis no footer here, in {s}." for s, o in ("ab", "ba")}
    assert texts == expected
    rules = {row["id"]: row["rule"] for row in decisions(tmp_path / "out").values()}
    assert rules["a-empty"] == rules["b-empty"] == "some"
    assert len(counts(tmp_path)) == 2


def test_another_share_counts_nothing_again_and_another_document_does(tmp_path, refinery):
    """The result is the one that a run without a work folder gives."""
    corpus(tmp_path)
    first = run(tmp_path, refinery, {})
    made = counts(tmp_path)
    texts = run(tmp_path, refinery, {"repeated": "99%"})
    assert texts["a0"] == "Text a 0 of many words.\n\n  Footer a"
    assert counts(tmp_path) == made
    hashes = output_hashes(tmp_path / "out")
    assert run(tmp_path, refinery, {}) == first
    write_jsonl(tmp_path / "a" / "2.jsonl", [{"id": "new", "text": "A new page."}])
    assert run(tmp_path, refinery, {}) == first | {"new": "A new page."}
    assert len(counts(tmp_path).keys() - made.keys()) == 1
    (tmp_path / "a" / "2.jsonl").unlink()
    shutil.rmtree(tmp_path / ".refinery")
    assert run(tmp_path, refinery, {"repeated": "99%"}) == texts
    assert output_hashes(tmp_path / "out") == hashes


def test_workers_change_no_byte(tmp_path, refinery):
    """A worker reads the counts that the run has made."""
    corpus(tmp_path)
    run(tmp_path, refinery, {})
    first = output_hashes(tmp_path / "out")
    shutil.rmtree(tmp_path / ".refinery")
    shutil.rmtree(tmp_path / "out")
    run(tmp_path, refinery, {}, "--workers", 2)
    assert output_hashes(tmp_path / "out") == first
