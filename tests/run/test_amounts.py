"""How much text a run meets, before it begins."""

import gzip
import json

import pytest

from refinery.run.amounts import EXPANSION, amounts_of
from refinery.run.history import past_runs
from tests.run.planning import plan_of


def test_before_a_run_all_text_comes_everywhere(data_repository):
    """As many bytes as the files have bytes, in as many documents as Parquet says."""
    plan = plan_of(data_repository / "pipeline.yaml")
    amounts = amounts_of(plan)
    size = sum(planned.shard.bytes for planned in plan.of("crawl"))
    rows = sum(planned.shard.rows or 0 for planned in plan.of("crawl"))
    assert rows and amounts.kept["crawl"] == pytest.approx((rows, size))
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
    assert amounts.written["unique"] == amounts.kept["unique"]


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
    amount = amounts_of(plan).kept["a"]
    assert amount.bytes == pytest.approx(EXPANSION * planned.shard.bytes)
    assert amount.documents == pytest.approx(200)


XML = "<all>" + "".join(f"<r><t>{'word ' * 40}{n}</t><n>x</n></r>" for n in range(3000)) + "</all>"
LINES = "".join(json.dumps({"text": f"{'word ' * 2000}{n}", "n": n}) + "\n" for n in range(300))


@pytest.mark.parametrize(
    ("name", "content", "source", "documents"),
    [
        ("a.jsonl", LINES, "", 300),
        ("a.xml", XML, ", record: r, text: t", 3000),
        ("a.jsonl", LINES, ", join: {path: side.csv, on: n, columns: {x: null}}, where: \"x = 'y'\"", 300),
    ],
)
def test_documents_are_counted_by_the_first_ones(tmp_path, name, content, source, documents):
    """As long as these are, of files that are read in part; joined rows are not looked up yet."""
    (tmp_path / "side.csv").write_text("n,x\n1,y\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_text(content)
    (tmp_path / "p.yaml").write_text(
        f"refinery: 1\nname: p\nsources: {{a: {{path: in/{name}{source}}}}}\n"
        "stages: {s: {from: a}}\noutputs: {o: {from: s, path: out}}\n"
    )
    assert amounts_of(plan_of(tmp_path / "p.yaml")).kept["a"].documents == pytest.approx(documents, rel=0.2)


@pytest.mark.parametrize("files", [3, 40])
def test_files_of_a_document_each_are_counted(files, tmp_path):
    """However small they are, packed or not."""
    for number in range(files):
        (tmp_path / f"{number}.txt").write_text(f"A text that is not long, {number}.")
    (tmp_path / "p.yaml").write_text(
        'refinery: 1\nname: p\nsources: {a: {path: "*.txt"}}\n'
        "stages: {s: {from: a}}\noutputs: {o: {from: s, path: out}}\n"
    )
    assert amounts_of(plan_of(tmp_path / "p.yaml")).arriving["s"].documents == files
