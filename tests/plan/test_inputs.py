"""The sources of a definition: what is wrong with them is told together, and with its other mistakes."""

import json
from datetime import date

import pytest

import refinery
from refinery.errors import DefinitionError, InputError
from refinery.plan import inputs
from refinery.plan.inputs import COLUMN_BYTES
from refinery.run.cost import worker_memory
from tests.conftest import write_parquet

PIPELINE = """
refinery: 1
name: tiny
sources:
  a: {path: a.jsonl}
  b: {path: "b/*.parquet"}
  c: {path: c.txt.jsonl}
stages:
  all: {from: [a, b, c]}
outputs:
  all: {from: all, path: out}
"""


@pytest.fixture
def repository(tmp_path):
    """Three sources of two formats, with a column of one type."""
    rows = [{"text": f"A text, number {n}.", "date": date(2020, 1, n + 1)} for n in range(3)]
    write_parquet(tmp_path / "b" / "b.parquet", rows)
    for name in ("a", "c.txt"):
        write_jsonl(tmp_path / f"{name}.jsonl", [{"text": "A text.", "year": 2020}])
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    return tmp_path


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def problems(repository):
    """What check tells, without the place of the definition."""
    with pytest.raises(DefinitionError) as raised:
        refinery.check(repository / "pipeline.yaml")
    return [problem.replace(f"{repository}/", "") for problem in raised.value.problems]


def test_sound_sources_have_shards(repository):
    """One each, and nothing to warn of."""
    plan = refinery.check(repository / "pipeline.yaml")
    assert [planned.spec.name for planned in plan.shards] == ["a", "b", "c"]
    assert plan.warnings == ()


def test_several_wrong_sources_are_told_together(repository):
    """Each with its place in the definition: one that is not there, one of another form, one with another key."""
    (repository / "b" / "b.parquet").write_bytes(b"<html>")
    write_jsonl(repository / "a.jsonl", [{"content": "A text."}])
    (repository / "c.txt.jsonl").unlink()
    found = problems(repository)
    assert [problem.partition(": ")[0] for problem in found] == [f"pipeline.yaml:{n}" for n in (5, 6, 7)]
    assert "sources.a: a.jsonl: its only row is not a document (missing_text: no key 'text'" in found[0]
    assert "sources.b: b/b.parquet: this is an HTML or XML page" in found[1]
    assert "sources.c: c.txt.jsonl: no such file" in found[2]


def test_one_wrong_source_is_an_error_of_input(repository):
    """The file that cannot be used is what is wrong, not the definition."""
    write_jsonl(repository / "a.jsonl", [{"content": "A text."}])
    with pytest.raises(InputError, match=r"a\.jsonl: its only row is not a document"):
        refinery.check(repository / "pipeline.yaml")


def test_sources_are_looked_at_when_the_definition_is_wrong_too(repository):
    """Form, names, columns and the heads of files in one round."""
    write_jsonl(repository / "a.jsonl", [{"content": "A text."}])
    text = PIPELINE.replace("from: [a, b, c]", "from: [a, b, c], keep: [x: 'wrds > 3']")
    (repository / "pipeline.yaml").write_text(text.replace("path: out", "path: out, format: csv"))
    found = [problem.partition(": ")[2] for problem in problems(repository)]
    assert [problem.partition(": ")[0] for problem in found] == [
        "outputs.all.format",
        "stages.all.keep.0.x",
        "sources.a",
    ]


def test_columns_that_clash_over_sources_are_told(repository):
    """At check, of JSON Lines by the heads of the files; before, the whole corpus was measured first."""
    write_jsonl(repository / "a.jsonl", [{"text": "A text.", "date": "yesterday"}])
    (problem,) = problems(repository)
    assert problem.startswith(
        "pipeline.yaml:9: stages.all.from: the source b: column 'date' is date32[day] here but string in the source a"
    )
    write_jsonl(repository / "a.jsonl", [{"text": "A text.", "date": None}])
    assert refinery.check(repository / "pipeline.yaml").warnings == ()


def test_columns_that_clash_in_footers_are_told_by_every_plan(repository):
    """Nothing but what is known anyway is needed for it."""
    write_parquet(repository / "d" / "d.parquet", [{"text": "A text.", "date": "1 May"}])
    text = PIPELINE.replace("c.txt.jsonl", "d/*.parquet")
    (repository / "pipeline.yaml").write_text(text)
    for _ in range(2):
        with pytest.raises(DefinitionError, match="column 'date' is string here but date32"):
            refinery.plan(repository / "pipeline.yaml")


def test_a_file_without_documents_among_others_is_a_warning(repository, refinery):
    """On standard error, of the plan that first meets it."""
    text = PIPELINE.replace("path: a.jsonl", 'path: "*.jsonl"').replace("[a, b, c]", "[a, b]")
    write_jsonl(repository / "a.jsonl", [{"content": "A text."}])
    (repository / "pipeline.yaml").write_text(text.replace("  c: {path: c.txt.jsonl}\n", ""))
    code, _, err = refinery("check", repository / "pipeline.yaml")
    assert code == 0
    assert f"warning: {repository}/a.jsonl: its only row is not a document" in err


def test_a_file_that_comes_to_a_known_source_is_looked_at(tmp_path):
    """A warning names it, at check until a plan knows it; the others, which were looked at before, are left alone."""
    for name in ("a", "b"):
        write_jsonl(tmp_path / f"{name}.jsonl", [{"text": "A text."}])
    file = tmp_path / "pipeline.yaml"
    file.write_text(
        "refinery: 1\nname: p\nsources: {a: {path: '*.jsonl'}}\n"
        "stages: {s: {from: a}}\noutputs: {o: {from: s, path: out}}\n"
    )
    assert refinery.plan(file).warnings == ()
    write_jsonl(tmp_path / "c.jsonl", [{"body": "A text."}])
    for look in (refinery.check, refinery.check, refinery.plan):
        (warning,) = look(file).warnings
        assert warning.startswith(str(tmp_path / "c.jsonl")) and "body" in warning
    assert refinery.check(file).warnings == ()
    write_jsonl(tmp_path / "b.jsonl", [{"body": "Another text."}])
    (warning,) = refinery.check(file).warnings
    assert warning.startswith(str(tmp_path / "b.jsonl"))
    file.write_text(file.read_text().replace("'*.jsonl'", "'*.jsonl', on_error: fail"))
    with pytest.raises((DefinitionError, InputError), match=r"b\.jsonl"):
        refinery.check(file)


def test_columns_that_take_much_memory_are_told(tmp_path, monkeypatch):
    """With what they take, in the plan's memory too, and how to have fewer; what is not carried does not count."""
    monkeypatch.setattr(inputs, "UNIT", 2**20)
    file = tmp_path / "pipeline.yaml"
    write_parquet(tmp_path / "a.parquet", [{"text": "A text.", **{f"c{n}": n for n in range(300)}}])

    def planned(source):
        file.write_text(
            f"refinery: 1\nname: wide\nsources: {{a: {source}}}\nstages: {{all: {{from: a}}}}\n"
            "outputs: {all: {from: all, path: out}}\n"
        )
        return refinery.check(file)

    wide, narrow = planned("{path: a.parquet}"), planned("{path: a.parquet, columns: {keep: [c1]}}")
    (warning,) = wide.warnings
    assert warning.startswith("source a: it carries 300 columns, for which a worker takes up to 2 MiB more")
    assert "`columns: {keep: [...]}`" in warning
    assert narrow.warnings == ()
    assert worker_memory(wide) - worker_memory(narrow) == (300 - 1) * COLUMN_BYTES
