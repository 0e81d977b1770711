"""How much text a run meets, before it begins."""

import gzip

import pytest

from refinery.run.amounts import DOCUMENT_BYTES, EXPANSION, amounts_of
from refinery.run.history import past_runs
from tests.run.planning import plan_of


def test_before_a_run_all_text_comes_everywhere(data_repository):
    """As many bytes as the files have bytes, in documents of the usual size."""
    plan = plan_of(data_repository / "pipeline.yaml")
    amounts = amounts_of(plan)
    size = sum(planned.shard.bytes for planned in plan.of("crawl"))
    assert amounts.kept["crawl"] == pytest.approx((size / DOCUMENT_BYTES, size))
    assert amounts.arriving["screened"] == amounts.kept["screened"] == amounts.kept["crawl"]


def test_after_a_run_it_is_what_came(tiny_run):
    """To stages and from them, as the manifest has it; of a source what was read."""
    plan = plan_of(tiny_run)
    amounts = amounts_of(plan)
    manifest = past_runs(plan.work, "tiny")[-1].outputs["unique"]
    for name, stage in manifest.stages.items():
        assert amounts.arriving[name] == pytest.approx(
            (stage.arrived.documents, stage.arrived.bytes), rel=0.01
        )
        assert amounts.kept[name] == pytest.approx((stage.kept.documents, stage.kept.bytes), rel=0.01)


def test_a_compressed_file_has_more_text_than_bytes(tmp_path):
    """Unless others of its source were read, which then tell how much."""
    lines = b'{"text": "A text that is not long."}\n' * 200
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "p.yaml").write_text(
        "refinery: 1\nname: p\nsources: {a: {path: a.jsonl.gz}}\n"
        "stages: {s: {from: a}}\noutputs: {o: {from: s, path: out}}\n"
    )
    plan = plan_of(tmp_path / "p.yaml")
    (planned,) = plan.shards
    assert amounts_of(plan).kept["a"].bytes == pytest.approx(EXPANSION * planned.shard.bytes)
