"""What a pipeline notes that it needs is what its run makes."""

import pytest

from refinery.filters import registry
from refinery.plan.needs import needs_of, note_needs, noted_needs
from tests.conftest import document, write_parquet
from tests.run.planning import plan_of

DEFINITION = """
refinery: 1
name: all-kinds
sources:
  books: {path: "books/*.parquet"}
  crawl: {path: "crawl/*.parquet"}
stages:
  screened:
    from: crawl
    measure: [language, costly]
    keep: [{english: "lang = 'en'"}, {large: "costly >= 100"}]
  unique:
    from: [books, screened]
    dedup: {exact: true, near: {}, against: earlier, prefer: ["year DESC"], missing: last}
  best:
    from: unique
    select: {tokens: 5k, by: tokens}
  rest:
    from: crawl
    measure: [signals]
outputs:
  best: {from: best, path: out/best}
  rest: {from: rest, path: out/rest}
"""


@pytest.fixture
def definition(data_repository, refinery, monkeypatch):
    """A definition of two sources, an earlier run, costly measurements, dedup, select and two outputs."""
    monkeypatch.setitem(registry.MEASURERS.built_in, "costly", "tests.run.costly_measurer")
    rows = [{"id": f"b{n}", "text": document(500 + n)} for n in range(10)]
    write_parquet(data_repository / "books" / "a.parquet", rows)
    first = data_repository / "pipeline.yaml"
    first.write_text(first.read_text().replace("path: out", "path: earlier"))
    assert refinery("run", first, "-q", "--work", data_repository / "another")[0] == 0
    file = data_repository / "all.yaml"
    file.write_text(DEFINITION)
    return file


def test_the_files_needed_are_the_files_made(definition, refinery):
    """No more and no less, for every kind of result."""
    code, _, err = refinery("run", definition, "-q")
    assert code == 0, err
    work = definition.parent / ".refinery"
    made = {str(file.relative_to(work)) for file in (work / "shards").rglob("*") if file.is_file()}
    needs = noted_needs(work)["all-kinds"]
    assert set(needs.files()) == made
    assert needs == needs_of(plan_of(definition))
    assert needs.definition == str(definition)
    assert sum("dropped-" in name for name in made) > 1


def test_a_note_is_written_once(definition):
    """An equal one is left alone, one that differs takes its place; without notes no pipeline is known."""
    plan = plan_of(definition)
    assert noted_needs(plan.work) == {}
    note_needs(plan, print)
    file = plan.work / "pipelines" / "all-kinds" / "needs.json"
    first = file.stat()
    note_needs(plan, print)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    definition.write_text(DEFINITION.replace("costly >= 100", "costly >= 101"))
    note_needs(plan_of(definition), print)
    assert noted_needs(plan.work)["all-kinds"] == needs_of(plan_of(definition)) != needs_of(plan)
