"""Which columns a verb reads of what arrives, and where they are found."""

import json
from pathlib import Path

import pytest

from refinery.definition.load import load
from refinery.errors import DefinitionError
from refinery.filters import registry
from refinery.filters.carried import Carried
from refinery.plan.graph import Column, ResolvedStage, against_source
from refinery.plan.resolve import resolve
from refinery.plan.verbs import Heads
from refinery.sources.archives import FORMATS
from refinery.sources.documents import SourceSpec
from tests.conftest import document

DEFINITION = """
refinery: 1
name: verbs
sources:
  old: {path: old, id: pmid}
  new: {path: new}
stages:
  screened: {from: new, measure: [signals]}
  unique:
    from: [old, screened]
    dedup: VERB
outputs:
  unique: {from: unique, path: out}
"""


@pytest.fixture
def stage(tmp_path):
    """The resolved stage with this verb; its sources have one document each."""
    for name, row in (("old", {"pmid": 1, "date": "2024"}), ("new", {"id": "b", "pmid": 1, "words": 3})):
        (tmp_path / name).mkdir()
        line = json.dumps(row | {"text": document(1)})
        (tmp_path / name / "0.jsonl").write_text(line, encoding="utf-8")

    def of(verb: str, measure: str = "signals", ids: str = "pmid") -> ResolvedStage:
        text = DEFINITION.replace("VERB", verb).replace("[signals]", f"[{measure}]").replace("pmid", ids, 1)
        (tmp_path / "pipeline.yaml").write_text(text, encoding="utf-8")
        return resolve(load(tmp_path / "pipeline.yaml")).stages["unique"]

    return of


def where(columns: dict[str, Column]) -> dict[str, str]:
    """The measurer that makes each column."""
    return {name: column.measurement.measurer.name for name, column in columns.items()}


def test_a_column_is_measured_or_of_the_files_or_the_id(stage):
    """What is measured goes before what the files have; ids and the source's name need no column."""
    found = stage('{by: [pmid, source, id], prefer: ["words DESC", date], missing: last, exact: true}')
    assert where(found.needed["old"]) == {"words": "signals", "date": "carried"}
    assert where(found.needed["new"]) == {"words": "signals", "date": "carried", "pmid": "carried"}
    assert (
        {m.measurer.name for m in found.own["old"]}
        == {m.measurer.name for m in found.own["new"]}
        == {"content"}
    )
    assert "words" in found.columns["old"], "what ranks is measured on every source that it ranks"
    assert "content" not in found.columns["old"], (
        "what a verb has measured for itself is no column of the stage"
    )


def test_what_is_measured_goes_before_an_id_of_that_name(stage):
    """A source whose ids are its column `words` ranks by the words that were counted."""
    found = stage('{prefer: ["words DESC"], exact: true}', ids="words")
    assert where(found.needed["old"]) == where(found.needed["new"]) == {"words": "signals"}


def test_what_one_branch_measured_is_compared_in_every_source(stage):
    """Not only what ranks: a source that went around the measuring branch has the column that `by` names."""
    found = stage("{by: words}")
    assert where(found.needed["old"]) == where(found.needed["new"]) == {"words": "signals"}


def test_an_earlier_runs_documents_have_what_is_compared(stage):
    """Keys and texts, whatever measures or carries them; not what ranks, for they are kept anyway."""
    found = stage(
        '{by: [pmid, words], prefer: ["source", "chars"], near: {within: source}, against: earlier}'
    )
    earlier = against_source("unique")
    assert where(found.needed[earlier]) == {"pmid": "carried", "words": "signals"}
    assert [m.measurer.name for m in found.own[earlier]] == ["minhash"]
    keys = {column.measurement.view.source for column in found.needed[earlier].values()}
    assert keys == {m.view.source for m in found.own[earlier]} == {earlier}


def test_what_a_source_lacks_is_a_mistake_only_where_it_ranks(stage):
    """Where a document has no value it duplicates nothing; where it ranks must be said."""
    assert isinstance(stage("{by: date}").needed["new"]["date"].measurement.measurer, Carried)
    with pytest.raises(
        DefinitionError, match=r"dedup\.prefer\.0: the source new has no column 'date'; `missing"
    ):
        stage("{prefer: [date]}")


def test_a_costly_column_ranks_and_does_nothing_else(stage, monkeypatch):
    """It is not there of documents that have not come to its stage, as those of an earlier run."""
    monkeypatch.setitem(registry.MEASURERS.built_in, "costly", "tests.run.costly_measurer")
    stage("{prefer: [costly]}", "costly")
    with pytest.raises(
        DefinitionError, match="'costly' is measured on arrival: it can rank documents, nothing else"
    ):
        stage("{by: costly}", "costly")


def test_heads_are_read_as_far_as_they_are_needed(tmp_path, monkeypatch):
    """A column that the first file has asks for no other; each file is looked at once."""
    opened: list[str] = []
    reader = FORMATS["jsonl"]
    counted = reader._replace(
        columns=lambda shard, *rest: opened.append(shard.path) or reader.columns(shard, *rest)
    )
    monkeypatch.setitem(FORMATS, "jsonl", counted)
    for number in range(40):
        row = {"text": "x", "a": 1} | ({"b": 1} if number == 39 else {"c": 1} if number > 2 else {})
        (tmp_path / f"{number:02}.jsonl").write_text(json.dumps(row), encoding="utf-8")
    heads = Heads({"source": SourceSpec("source", (str(tmp_path),))})
    place, field = heads.find("source", "a")
    assert (Path(place).name, str(field.type), len(opened)) == ("00.jsonl", "int64", 1)
    assert heads.find("source", "c") is not None and len(opened) == 2
    assert heads.find("source", "none") is None
    assert len(opened) == len(set(opened)) <= 16
