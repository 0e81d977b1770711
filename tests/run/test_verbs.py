"""The global verbs within a run."""

import json

import pyarrow.parquet as pq

from refinery.dedup import spill
from tests.conftest import PIPELINE, decisions, document, output_hashes, write_parquet


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
    assert found["seen4"]["twin_id"] in {"en4", "copy4"}
    assert output_hashes(data_repository / "out") == before


def test_stretches_that_cut_shards_change_no_byte(data_repository, refinery, monkeypatch):
    """Twins' rows and ids are found wherever the stretches of documents are cut, within shards or across them."""
    hashes = []
    for least in (4 << 20, 300):
        monkeypatch.setattr("refinery.dedup.spill.LEAST_BYTES", least)
        monkeypatch.setattr("refinery.dedup.run.LEAST_STRETCH", min(least, 7))
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
            twin = found[row["twin_id"]]
            assert twin["outcome"] == "kept"
            place = (twin["source"], twin["path"], twin["part"], twin["row"])
            assert place == tuple(row[f"twin_{name}"] for name in ("source", "path", "part", "row"))
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
    (log,) = (data_repository / ".refinery" / "logs").iterdir()
    told = [json.loads(line) for line in log.read_text().splitlines()]
    begun = {e["phase"]: e for e in told if e["event"] == "unit_begun"}
    assert begun["dedup bands"]["memory"] == begun["dedup candidates"]["memory"] == 5 * spill.LEAST_BYTES
    least = {phase: e["memory"] for phase, e in begun.items() if phase.startswith(("dedup", "select"))}
    assert len(least) > 20 and min(least.values()) > 1, least
    assert {e["bytes"] for phase, e in begun.items() if phase in least} == {1}
