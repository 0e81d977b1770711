"""Guards: what stops a run, what it warns of, and where that is told."""

import gzip
import json

import pytest

from tests.conftest import document, write_parquet

PIPELINE = """
refinery: 1
name: guarded
sources:
  crawl: {path: "crawl/*.parquet"}
  books: {path: "books.jsonl", trusted: true}
stages:
  unique:
    from: [books, crawl]
    measure: signals
    keep: [long: "words >= 20"]
    dedup: {by: key}
outputs:
  unique: {from: unique, path: out}
"""


@pytest.fixture
def repository(tmp_path):
    """A crawl of Parquet and a trusted source of JSON Lines, all of whose documents are kept."""
    write_crawl(tmp_path, 20)
    write_books(tmp_path, 130)
    return tmp_path


def write_crawl(folder, count, key=lambda n: n):
    rows = [{"text": f"{n} {document(n % 50)}", "key": f"c{key(n)}"} for n in range(count)]
    write_parquet(folder / "crawl" / "0.parquet", rows)


def write_books(folder, count, broken=0, short=0, key=lambda n: n):
    rows = [{"text": f"{n} {document(n % 50)}", "key": f"b{key(n)}"} for n in range(count)]
    rows += [{"body": "no text"}] * broken
    rows += [{"text": "Too short.", "key": f"short{n}"} for n in range(short)]
    (folder / "books.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def ran(repository, refinery):
    """Runs the definition with guards: exit code, standard error, the manifest's warnings or None."""

    def run(guards="", change=("", "")):
        text = PIPELINE.replace(*change) + (f"guards: {guards}\n" if guards else "")
        (repository / "pipeline.yaml").write_text(text)
        code, _, err = refinery("run", repository / "pipeline.yaml", "-q")
        manifest = repository / "out.records" / "manifest.json"
        return code, err, json.loads(manifest.read_bytes())["warnings"] if manifest.exists() else None

    return run


def test_a_sound_run_has_no_warning(ran):
    """Nothing is told where nothing is lost."""
    assert ran() == (0, "", [])


def test_rejected_rows_stop_a_run(repository, ran):
    """Above 1 % of a source, with the reasons, the first row and what to write to go on; outputs are as they were."""
    write_books(repository, 130, broken=110)
    code, err, warnings = ran()
    assert (code, warnings) == (1, None)
    assert (
        "source books: 110 of 240 rows were rejected (missing_text 110); the first: books.jsonl, row 130: "
        in err
    )
    assert "no key 'text'; there is body; `guards: {rejected: 1%}` stops the run" in err
    code, err, warnings = ran("{rejected: {warn: 1%}}")
    assert code == 0
    assert [warning.partition(" (")[0] for warning in warnings] == [
        "source books: 110 of 240 rows were rejected"
    ]
    assert f"warning: {warnings[0]}" in err
    code, err, again = ran("{rejected: {warn: 1%}}")
    assert (code, again) == (0, warnings) and f"warning: {warnings[0]}" in err  # nothing to do
    assert ran("{rejected: off}", change=("words >= 20", "words >= 21"))[2] == []


def test_few_documents_stop_no_run(repository, ran):
    """A share of little says little: it is a warning."""
    write_books(repository, 20, broken=2)
    code, _, warnings = ran()
    assert code == 0 and "source books: 2 of 22 rows were rejected" in warnings[0]


def test_a_source_without_a_document_stops_the_run_whatever_the_guards(repository, ran):
    """Rows of JSON Lines are looked at before; those of Parquet as they are read."""
    write_parquet(repository / "crawl" / "0.parquet", [{"text": None, "key": "x"}] * 3)
    code, err, warnings = ran("{rejected: off}")
    assert (code, warnings) == (1, None)
    assert (
        "source crawl: none of its 3 rows is a document (null_text 3); the first: 0.parquet, row 0: null_text"
        in err
    )


def test_a_rule_that_takes_much_of_a_trusted_source_stops_the_run(repository, ran):
    """Another source may lose as much; so may a trusted one whose guard is set so."""
    write_books(repository, 130, short=100)
    code, err, warnings = ran()
    assert (code, warnings) == (1, None)
    assert (
        "stage unique: the rule long drops 100 of 230 documents of 'books', which is trusted; `guards" in err
    )
    assert ran("{trusted_loss: 50%}")[0] == 0
    assert ran(change=(", trusted: true", ""))[0] == 0


def test_a_dedup_that_takes_most_of_a_source_stops_the_run(repository, ran):
    """As duplicates of documents that arrived there; the least that is told is the share that is set."""
    write_crawl(repository, 1200, key=lambda n: n // 10)
    code, _, warnings = ran()
    assert (code, warnings) == (0, [])  # nine of ten
    code, err, _ = ran("{dedup_loss: 80%}")
    assert code == 1 and "stage unique: 1,080 of 1,200 documents of 'crawl' go as duplicates; `guards" in err
    write_crawl(repository, 1000, key=lambda n: n // 10)
    code, _, warnings = ran("{dedup_loss: 80%}")
    assert code == 0 and warnings == ["stage unique: 900 of 1,000 documents of 'crawl' go as duplicates"]


def test_a_document_for_which_many_go_stops_the_run(repository, ran):
    """With its place, and again where the outcome is there: what was stopped, under another limit, and a warning."""
    write_crawl(repository, 1100, key=lambda _: 0)
    code, err, _ = ran("{dedup_loss: off}")
    assert code == 1
    assert "stage unique: 1,099 of 1,100 documents of 'crawl' share `by` with one (0.parquet, row 0)" in err
    for _ in range(2):
        code, _, warnings = ran("{dedup_loss: off, duplicates_of_one: {warn: 20%}}")
        assert code == 0 and warnings[0].startswith("stage unique: 1,099 of 1,100 documents")
    assert ran("{dedup_loss: off}")[0] == 1


@pytest.mark.parametrize(
    ("tokens", "why"),
    [("2B", "no more arrive"), ("100", "the next best document is larger than what is left")],
)
def test_a_budget_that_is_missed_is_a_warning(repository, ran, tokens, why):
    """By more than half a percent, because there is no more or what is next does not fit."""
    code, err, warnings = ran(change=("dedup: {by: key}", f"select: {{tokens: {tokens}, by: tokens ASC}}"))
    assert code == (0 if warnings and tokens == "2B" else 1)
    assert "stage unique: it has " in err and f"tokens that are asked for: {why}" in err


def test_a_source_of_which_the_rules_leave_nothing_is_a_warning(repository, ran):
    """It may be meant, so the run goes on."""
    code, _, warnings = ran(change=("words >= 20", "source = 'books'"))
    assert code == 0 and warnings == ["output unique: no document of the source crawl passes the rules"]


def test_documents_that_no_rule_judges_are_a_warning(ran):
    """In languages that the sets of a stage are not for: they pass it, unless a rule is for all."""
    measured = "measure: [language, signals]\n    keep: "
    change = 'measure: signals\n    keep: [long: "words >= 20"]'
    code, _, warnings = ran(change=(change, f"{measured}[specialist-zh]"))
    assert (code, warnings) == (
        0,
        [
            "stage unique: no rule judges 150 of its 150 documents (100%): its rule sets are for zh, and other"
            " languages pass them; put a rule first that drops these: `- language: \"lang IN ('zh')\"`"
        ],
    )
    assert ran(change=(change, f'{measured}[specialist-zh, long: "words >= 20"]')) == (0, "", [])


def test_documents_on_which_a_pattern_was_stopped_are_a_warning(repository, ran):
    """With the pattern and their number, also where they were measured before."""
    write_parquet(repository / "crawl" / "1.parquet", [{"text": "a" * 5000 + "b", "key": "slow"}])
    change = ("signals", "[signals, {patterns: {fast: a, slow: {regex: '(a+)+$', timeout: 0.05}}}]")
    for guards in ("", "{budget_missed: off}"):
        code, _, warnings = ran(guards, change)
        assert code == 0
        (warning,) = warnings
        assert warning.startswith(
            "source crawl: slow is NULL of 1 document: the pattern took longer than its"
        )


def test_other_guards_judge_again_and_make_nothing_again(repository, ran, refinery):
    """They are no part of a result: what was measured, decided and written stays as it is."""
    write_books(repository, 130, broken=1)
    assert ran() == (0, ran()[1], [])
    data = repository / "out" / "data-00000.parquet"
    before, measured = data.read_bytes(), {*repository.rglob("measured-*")}
    code, _, warnings = ran("{rejected: {warn: 0%}}")
    assert code == 0 and "1 of 131 rows were rejected" in warnings[0]
    assert data.read_bytes() == before and {*repository.rglob("measured-*")} == measured
    assert "Nothing to do" in refinery("run", repository / "pipeline.yaml")[2]


def test_unreadable_files_are_rejected_ones(repository, refinery):
    """They have no rows that could be counted: a hundred stop the run, one is warned of."""
    (repository / "pipeline.yaml").write_text(PIPELINE)
    for n in range(3):
        (repository / "crawl" / f"broken{n}.parquet").write_bytes(b"PAR1 and no more")
    code, _, err = refinery("run", repository / "pipeline.yaml", "-q")
    assert code == 0
    assert "3 of 4 files cannot be read; the first: broken0.parquet" in err
    for n in range(100):
        (repository / "crawl" / f"broken{n}.parquet").write_bytes(b"PAR1 and no more")
    code, _, err = refinery("run", repository / "pipeline.yaml", "-q")
    assert code == 1
    assert "100 of 101 files cannot be read" in err


def test_a_file_that_is_cut_off_is_warned_of(repository, refinery):
    """It is one rejected row, whatever follows."""
    content = gzip.compress((repository / "books.jsonl").read_bytes())
    (repository / "books.jsonl").unlink()
    (repository / "books.jsonl.gz").write_bytes(content[: len(content) // 2])
    text = PIPELINE.replace("books.jsonl", "books.jsonl.gz")
    (repository / "pipeline.yaml").write_text(text)
    code, _, err = refinery("run", repository / "pipeline.yaml", "-q")
    assert code == 0
    assert "1 files end early or are damaged: what follows there is lost" in err
