"""What two runs differ in."""

import json
import shutil

import pyarrow as pa
import pytest

import refinery
from refinery.report import moved_documents
from refinery.report.diff import Diff, Move, Moved, OutputDiff, diff_lines
from refinery.run.fates import FATES
from refinery.storage.tables import read_table
from refinery.storage.write import write_table


@pytest.fixture(scope="module")
def two_runs(tiny_run, tmp_path_factory):
    """The definition of a repository that was run twice: another limit, a file more, another file changed."""
    base = tmp_path_factory.mktemp("two_runs")
    shutil.copytree(tiny_run.parent / "crawl", base / "crawl")
    shutil.copy(tiny_run.parent / "notes.jsonl", base)
    definition = base / "pipeline.yaml"
    definition.write_text(tiny_run.read_text())
    refinery.run(definition, workers=1, progress=False)
    definition.write_text(tiny_run.read_text().replace("words >= 50", "words >= 46"))
    (base / "notes.jsonl").write_text('{"text": "A note of some words."}\n{"text": "Now it is one."}\n')
    refinery.run(definition, workers=1, progress=False)
    return definition


def moves(found, output=0):
    return {(move.before, move.after): move.documents for move in found.outputs[output].moves}


def test_what_changed_and_what_moved(two_runs):
    """The fields of the definition, and the documents by their fates before and after."""
    found = refinery.diff(two_runs)
    assert "stages.screened: keep.long_enough: words >= 50 -> words >= 46" in found.changed
    assert any(change.startswith("sources.notes: files: ") for change in found.changed)
    assert moves(found)["dropped by screened: long_enough", "kept"] == 1
    assert moves(found)["rejected: null_text", "not read"] == 1
    assert moves(found)["rejected: not_json", "not read"] == 1
    assert moves(found)["not read", "kept"] == 1


def test_why_a_document_moved(two_runs):
    """The rule that let it go; of what is read in another way the file."""
    found = refinery.diff(two_runs)
    because = {(move.before, move.after): move.because for move in found.outputs[0].moves}
    assert because["dropped by screened: long_enough", "kept"] == (
        "stages.screened: keep.long_enough: words >= 50 -> words >= 46",
    )
    (why,) = because["rejected: not_json", "not read"]
    assert why.startswith("sources.notes: files: ")


def test_examples_lead_to_documents(two_runs):
    """Each can be explained by its place."""
    found = refinery.diff(two_runs)
    (move,) = (one for one in found.outputs[0].moves if one.before == "dropped by screened: long_enough")
    (place,) = move.examples
    explained = refinery.explain(two_runs, f"{place.path}:{place.row}")
    assert explained.document.outcome == "kept"


def test_runs_by_their_numbers(two_runs):
    """One run with itself is the same; the other way round what moved moves back."""
    same = refinery.diff(f"{two_runs}@1", f"{two_runs}@1")
    assert (same.changed, [one.moves for one in same.outputs]) == ((), [(), ()])
    back = refinery.diff(f"{two_runs}@2", f"{two_runs}@1")
    assert moves(back) == {
        (after, before): n for (before, after), n in moves(refinery.diff(two_runs)).items()
    }


def test_two_definitions(two_runs, tiny_run):
    """Their last runs are compared, by the outputs of the same names."""
    found = refinery.diff(tiny_run, two_runs)
    assert (found.before, found.after) == ("tiny run 1", "tiny run 2")
    assert moves(found)["dropped by screened: long_enough", "kept"] == 1


SMALL = """refinery: 1
name: small
guards: {rejected: 50%}
sources: {crawl: {path: "crawl/*.jsonl"}}
stages:
  long: {from: crawl, keep: [{enough: "chars >= 6"}]}
  once: {from: long, dedup: {exact: true}}
outputs: {once: {from: once, path: out}}
"""


def small_run(folder, files, definition=SMALL):
    """Runs a definition over files of lines, which are all that is there."""
    shutil.rmtree(folder / "crawl", ignore_errors=True)
    (folder / "crawl").mkdir(parents=True)
    for name, rows in files.items():
        lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
        (folder / "crawl" / name).write_text("\n".join(lines) + "\n")
    (folder / "pipeline.yaml").write_text(definition)
    refinery.run(folder / "pipeline.yaml", workers=1, progress=False)
    return folder / "pipeline.yaml"


@pytest.mark.parametrize("ids", [None, 5, 1000])
def test_documents_are_told_again_wherever_they_lie(tmp_path, ids):
    """Files renamed, one cut in two, rows in another order: by ids, shared ones too, and by texts none has moved."""
    rows = [
        {"text": f"Some words {n if ids else n % 11}"} | ({"id": n % ids} if ids else {}) for n in range(20)
    ]
    rows[4]["text"] = "short"
    small_run(tmp_path, {"a.jsonl": rows[:12], "b.jsonl": [*rows[12:], "no json", "{"]})
    other = {"c.jsonl": [*rows[:5][::-1], "[", "no"], "d.jsonl": rows[5:12], "e.jsonl": rows[:11:-1]}
    (found,) = refinery.diff(small_run(tmp_path, other)).outputs
    assert (found.moves, found.notes) == ((), ())
    (found,) = refinery.diff(small_run(tmp_path, other, SMALL.replace("chars >= 6", "chars >= 1"))).outputs
    assert [(move.before, move.after, move.documents) for move in found.moves] == [
        ("dropped by long: enough", "kept", 1)
    ]


@pytest.mark.parametrize("gone", [True, False])
def test_ids_that_went_are_told(tmp_path, gone):
    """Of a source of which no document is told again, not of one of which some are."""
    file = tmp_path / "a.jsonl"
    (tmp_path / "p.yaml").write_text(
        f"refinery: 1\nname: p\nsources: {{a: {{path: {file}}}}}\nstages: {{all: {{from: a}}}}\n"
        "outputs: {all: {from: all, path: out}}\n"
    )
    for last in (1, None):
        ids = [last if gone else 0, last and 2]
        file.write_text(
            "".join(f"{json.dumps({'id': i, 'text': f'Text {n}.'})}\n" for n, i in enumerate(ids))
        )
        refinery.run(tmp_path / "p.yaml", workers=1, progress=False)
    (output,) = refinery.diff(tmp_path / "p.yaml").outputs
    assert [note.partition(":")[2][:28] for note in output.notes] == [" none of its documents is to"] * gone


def test_a_text_that_is_read_in_another_way_is_the_same_document(tmp_path):
    """Where the files are the same: also what was rejected before."""
    rows = [{"text": "Some words", "body": "Other words"}, {"text": None, "body": "A body"}]
    small_run(tmp_path, {"a.jsonl": rows})
    again = SMALL.replace('"crawl/*.jsonl"', '"crawl/*.jsonl", text: body')
    (found,) = refinery.diff(small_run(tmp_path, {"a.jsonl": rows}, again)).outputs
    assert [(move.before, move.after) for move in found.moves] == [("rejected: null_text", "kept")]


def test_what_is_written_more_often_has_moved(tmp_path):
    """By the number of times, because of the mix."""
    mix = "  mixed: {from: [once], mix: {tokens: 200, shares: {once: 100%}, most_repeats: 4}}\n"
    mixed = SMALL.replace("outputs: {once: {from: once,", mix + "outputs: {once: {from: mixed,")
    files = {"a.jsonl": [{"text": f"Some words of a text {n}"} for n in range(10)]}
    small_run(tmp_path, files, mixed)
    (found,) = refinery.diff(small_run(tmp_path, files, mixed.replace("200", "100"))).outputs
    assert found.kept_before == found.kept_after == 10
    assert found.written_before > found.written_after
    assert all(move.because == ("stages.mixed.mix: mix.tokens: 200 -> 100",) for move in found.moves)
    assert {"kept 2 times", "kept 3 times"} & {move.before for move in found.moves}
    assert "with their repeats" in "\n".join(diff_lines(refinery.diff(tmp_path / "pipeline.yaml")))


def test_runs_that_kept_less_are_compared_by_place(tmp_path):
    """A run of an earlier refinery, of which the later files do not tell documents again: said."""
    small_run(tmp_path, {"a.jsonl": [{"text": f"Some words {n}"} for n in range(4)]})
    old = pa.schema([field for field in FATES if field.name not in {"repeats", "identity"}])
    for file in (tmp_path / ".refinery/pipelines/small/history").glob("*.parquet"):
        table = read_table(file, old.names)
        file.unlink()
        write_table(file, table.to_batches(), old)
    found = refinery.diff(small_run(tmp_path, {"a.jsonl": [{"text": f"Other words {n}"} for n in range(5)]}))
    (output,) = found.outputs
    assert [(move.before, move.after, move.documents) for move in output.moves] == [("not read", "kept", 1)]
    assert output.notes == (
        "crawl: its documents are told by file and row alone, as one of the runs kept no more of them",
    )
    assert f"  {output.notes[0]}" in diff_lines(found)


def test_parts_do_not_matter(two_runs, monkeypatch):
    """What is compared a file at a time gives the same as all at once, examples too."""
    whole = refinery.diff(two_runs)
    monkeypatch.setattr(moved_documents, "PART_ROWS", 5)
    assert refinery.diff(two_runs) == whole


@pytest.mark.parametrize(
    ("run", "problem"),
    [("@9", r"run 9 of tiny is not kept \(there is 1 \(20"), ("@1", "run 1 is the first that is known")],
)
def test_a_run_that_is_not_there(two_runs, run, problem):
    """The numbers that are there are named."""
    with pytest.raises(refinery.InputError, match=problem):
        refinery.diff(f"{two_runs}{run}")


def test_a_definition_that_never_ran(tmp_path, two_runs):
    """Said, with the work folder."""
    (tmp_path / "pipeline.yaml").write_text(two_runs.read_text())
    with pytest.raises(refinery.InputError, match="no run of tiny is kept in"):
        refinery.diff(tmp_path / "pipeline.yaml")


def test_lines(two_runs, refinery):
    """For people: fields, counts, reasons and places; for programs JSON."""
    code, out, _ = refinery("diff", two_runs)
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "tiny run 1 -> tiny run 2"
    assert "  1: dropped by screened: long_enough -> kept" in lines
    found = json.loads(refinery("diff", two_runs, "--json")[1])
    assert found["outputs"][0]["output"] == "unique"


def test_nothing_moved_is_said(two_runs):
    """In one line an output."""
    same = refinery.diff(f"{two_runs}@1", f"{two_runs}@1")
    assert [*diff_lines(same)][1] == "nothing has changed in the definition or the files"


def test_what_moved_on_the_way_to_two_outputs_is_told_once():
    """The second output says that it is the same; one where nothing moved says that."""
    move = Move("kept", "dropped by s: long", 3, ("s: keep.long: 1 -> 2",), (Moved("a", "a.jsonl", 1),))
    outputs = (
        OutputDiff("x", 9, 6, 9, 6, (move,)),
        OutputDiff("y", 9, 6, 9, 6, (move,)),
        OutputDiff("z", 1, 1, 1, 1, ()),
    )
    lines = list(diff_lines(Diff("p run 1", "p run 2", ("s: keep.long: 1 -> 2",), outputs, (), ())))
    assert sum(move.because[0] in line for line in lines) == 2  # what has changed, and why they moved
    assert "  the same moved as on the way to x" in lines
    assert lines[-1] == "  every document has the same fate"
