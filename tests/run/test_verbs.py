"""Verbs within a run: the built-in ones, and one that an installed package offers."""

import json
from collections import Counter
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from refinery.dedup import corpus as corpus_module
from refinery.report.grid import Grid
from refinery.report.plan import plan_tables
from refinery.shuffle import partition
from tests.conftest import PIPELINE, decisions, document, output_hashes, write_parquet
from tests.run import sample_verb
from tests.run.planning import plan_of

SAMPLED = PIPELINE.replace(
    "outputs:\n  unique: {from: unique,",
    "  drawn:\n    from: unique\n    sample: {share: 0.5, seed: 3}\noutputs:\n  drawn: {from: drawn,",
)


@pytest.fixture
def sample(tmp_path, monkeypatch):
    """The verb `sample`, installed: a distribution with an entry point lies on the path."""
    information = tmp_path / "site" / "sample-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[refinery.verbs]\nsample = tests.run.sample_verb\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    sample_verb.SEEN.clear()


def test_against_an_earlier_run(data_repository, refinery):
    """What an earlier run kept is dropped with its match, and the earlier corpus is untouched."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    before = output_hashes(data_repository / "out")
    rows = [{"id": f"seen{n}", "text": document(n), "year": 1} for n in range(10)]
    rows += [{"id": f"fresh{n}", "text": document(500 + n), "year": 1} for n in range(10)]
    write_parquet(data_repository / "later" / "0.parquet", rows)
    text = PIPELINE.replace("crawl/*", "later/*").replace("path: out}", "path: out2}")
    (data_repository / "later.yaml").write_text(text.replace("exact: true,", "exact: true, against: out,"))
    code, _, err = refinery("run", data_repository / "later.yaml", "-q")
    assert code == 0, err
    found = decisions(data_repository / "out2")
    assert {n for n, row in found.items() if row["outcome"] == "kept"} == {f"fresh{n}" for n in range(10)}
    assert found["seen4"]["rule"] == "dedup.against"
    assert found["seen4"]["duplicate_of_id"] in {"en4", "copy4"}
    assert output_hashes(data_repository / "out") == before


def test_partitions_that_cut_shards_change_no_byte(data_repository, refinery, monkeypatch):
    """Rows and ids of kept documents are found wherever documents are partitioned, within shards or across them."""
    hashes = []
    for least in (4 << 20, 300):
        monkeypatch.setattr("refinery.shuffle.partition.LEAST_BYTES", least)
        monkeypatch.setattr(corpus_module, "LEAST_DOCUMENTS", min(least, 7))
        work = data_repository / f"work-{least}"
        code, _, err = refinery(
            "run", data_repository / "pipeline.yaml", "-q", "--workers", 1, "--work", work
        )
        assert code == 0, err
        hashes.append(output_hashes(data_repository / "out"))
        found = decisions(data_repository / "out")
        dropped = [row for row in found.values() if row["rule"] == "dedup.exact"]
        assert dropped
        for row in dropped:
            kept = found[row["duplicate_of_id"]]
            assert kept["outcome"] == "kept"
            place = (kept["source"], kept["path"], kept["row"])
            assert place == tuple(row[f"duplicate_of_{name}"] for name in ("source", "path", "row"))
        for file in (data_repository / "out").iterdir():
            if not file.name.startswith("."):
                file.unlink()
    assert hashes[0] == hashes[1]


def test_select_spends_the_budget_on_the_best(data_repository, refinery):
    """The token budget is filled in the order of the ranking."""
    text = PIPELINE.replace(
        "outputs:\n  unique: {from: unique,",
        "  best:\n    from: unique\n    select: {tokens: 2500, by: words}\noutputs:\n  best: {from: best,",
    )
    text = text.replace("path: out}", "path: out, measurements: [words, tokens]}")
    (data_repository / "pipeline.yaml").write_text(text)
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 0, err
    written = pq.read_table(data_repository / "out" / "data-00000.parquet").to_pylist()
    tokens = sum(row["tokens"] for row in written)
    assert 2500 - max(row["tokens"] for row in written) < tokens <= 2500
    found = decisions(data_repository / "out")
    assert {row["rule"] for row in found.values() if row["stage"] == "best"} == {"select.tokens"}


def test_units_of_verbs_tell_what_they_hold(data_repository, refinery):
    """Their known memory is what a cluster reserves; text is counted once, when it is measured."""
    best = "  best:\n    from: unique\n    select: {tokens: 2500, by: words}\noutputs:\n  best: {from: best,"
    text = PIPELINE.replace("outputs:\n  unique: {from: unique,", best)
    (data_repository / "pipeline.yaml").write_text(text)
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 0, err
    (log,) = (data_repository / ".refinery" / "pipelines" / "tiny" / "logs").iterdir()
    told = [json.loads(line) for line in log.read_text().splitlines()]
    begun = {e["phase"]: e for e in told if e["event"] == "unit_begun"}
    assert begun["dedup bands"]["memory"] == begun["dedup candidates"]["memory"] == 5 * partition.LEAST_BYTES
    least = {phase: e["memory"] for phase, e in begun.items() if phase.startswith(("dedup", "select"))}
    assert len(least) > 20 and min(least.values()) > 1, least
    assert {e["bytes"] for phase, e in begun.items() if phase in least} == {1}


def test_a_verb_of_an_installed_package_runs_like_those_built_in(data_repository, refinery, sample):
    """Its settings are checked, `plan` prints what it says, its drops are on record and stages below see them."""
    below = "  rest:\n    from: drawn\n    dedup: {exact: true}\noutputs:\n  rest: {from: rest,"
    text = SAMPLED.replace("seed: 3}", "seed: 3, longer: words}").replace(
        "outputs:\n  drawn: {from: drawn,", below
    )
    (data_repository / "pipeline.yaml").write_text(text)
    told = plan_tables(plan_of(data_repository / "pipeline.yaml"))
    tables = {table.title: table for table in told if isinstance(table, Grid)}
    assert "sample 50%" in [row[-1] for table in tables.values() for row in table.rows]
    assert [row[0] for row in tables["drawn: Draws"].rows] == ["3"]
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 0, err
    found = decisions(data_repository / "out")
    rules = Counter(row["rule"] for row in found.values() if row["stage"] == "drawn")
    assert rules.keys() == {"sample.share", "sample.short"} and rules.total() > 10
    assert all(
        row["duplicate_of_id"] is None and row["similarity"] is None
        for row in found.values()
        if row["stage"] == "drawn"
    )
    manifest = json.loads((data_repository / "out.records" / "manifest.json").read_bytes())
    told = {
        rule: count["dropped"]["documents"] for rule, count in manifest["stages"]["drawn"]["rules"].items()
    }
    assert told == rules
    assert manifest["stages"]["rest"]["arrived"] == manifest["stages"]["drawn"]["kept"]


def test_the_editors_schema_knows_the_settings_of_an_installed_verb(refinery, sample):
    """As those of the verbs built in."""
    code, out, _ = refinery("schema")
    assert code == 0
    stage = json.loads(out)["$defs"]["Stage"]["properties"]
    assert {"dedup", "select", "sample"} <= stage.keys()
    assert (
        '"of the documents"' in out and stage["sample"]["description"] == "a share of the documents is kept"
    )


def test_a_verbs_outcome_is_made_again_only_when_what_makes_it_changes(
    data_repository, refinery, sample, monkeypatch
):
    """Its settings, or its version; not a rule below it."""

    def drawn(text: str = SAMPLED) -> int:
        sample_verb.SEEN.clear()
        (data_repository / "pipeline.yaml").write_text(text)
        code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
        assert code == 0, err
        return len(sample_verb.SEEN)

    assert drawn() == 3
    below = "  last:\n    from: drawn\n    keep: [{long: 'words > 60'}]\n"
    below += "outputs:\n  last: {from: last, path: below}\n  drawn:"
    assert drawn(SAMPLED.replace("outputs:\n  drawn:", below)) == 0
    assert drawn(SAMPLED.replace("seed: 3", "seed: 4")) == 3
    build = sample_verb.build
    monkeypatch.setattr(sample_verb, "build", lambda *given: replace(build(*given), version=2))
    assert drawn() == 3


def test_mistakes_in_a_verb_are_told_at_their_place(data_repository, refinery, sample):
    """A misspelt setting, a value out of bounds, a column nobody measures, a second verb, a verb that is none."""
    text = SAMPLED.replace("{share: 0.5, seed: 3}", "{share: 2, sed: 3}")
    (data_repository / "pipeline.yaml").write_text(text.replace("exact: true,", "exact: true, preferr: [],"))
    code, _, err = refinery("check", data_repository / "pipeline.yaml")
    assert code == 2
    assert ':16: stages.unique.dedup.preferr: unknown key; did you mean "prefer"?' in err
    assert ':19: stages.drawn.sample.sed: unknown key; did you mean "seed"?' in err
    assert ":19: stages.drawn.sample.share: input should be less than or equal to 1, got 2" in err
    for change, expected in (
        (
            ("seed: 3", "longer: wrds"),
            "sample.longer: no measurer before this makes the column 'wrds' and no source has it; did you mean",
        ),
        (
            ("    sample:", "    dedup: {}\n    sample:"),
            "at most one verb, here dedup and sample; make two stages",
        ),
        (("    sample:", "    simple:"), "simple: unknown key"),
    ):
        (data_repository / "pipeline.yaml").write_text(SAMPLED.replace(*change))
        code, _, err = refinery("check", data_repository / "pipeline.yaml")
        assert code == 2 and expected in err, err
