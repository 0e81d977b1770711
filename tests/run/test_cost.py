"""What a run takes, before it begins."""

import pytest

import refinery
from refinery.executors.limits import WORKER
from refinery.plan.contents import contents_of
from refinery.run import cost as costs
from refinery.run.cost import estimate, workers_worth
from refinery.run.history import past_runs
from refinery.run.state import states
from tests.run.planning import plan_of


def cost(definition, workers=2):
    plan = plan_of(definition)
    present = contents_of(plan.work).present
    return estimate(plan, states(plan, present), present, workers)


def test_all_work_has_its_line(data_repository):
    """Reading, the rules and the verb of each stage that has some, each output; disk and memory beside."""
    found = cost(data_repository / "pipeline.yaml")
    works = [step.what for step in found.steps]
    assert works[0] == "read and measure the sources"
    assert {"screened: rules", "unique: dedup", "write unique"} <= set(works)
    assert "unique: rules" not in works
    assert found.seconds > sum(step.seconds for step in found.steps) > 0
    assert found.work_bytes > 0 and found.output_bytes > 0 and found.worker_memory >= WORKER
    assert found.runs == 0 and found.pace == 1


def test_models_that_are_made_take_disk(data_repository):
    """A classifier as many bytes as its numbers, beside what is measured."""
    definition = data_repository / "pipeline.yaml"
    before = cost(definition).work_bytes
    model = "models: {m: {train: {positive: crawl, negative: screened, dim: 8, buckets: 100000}}}\n"
    definition.write_text(definition.read_text().replace("stages:\n", f"{model}stages:\n", 1))
    assert before + 3_200_000 < cost(definition).work_bytes < before + 4_000_000


def test_what_is_there_takes_nothing(tiny_run):
    """After a run there is no step, no time and no disk."""
    found = cost(tiny_run)
    assert (found.steps, found.seconds, found.work_bytes, found.output_bytes) == ((), 0, 0, 0)


def test_another_limit_measures_nothing(tiny_run, tmp_path):
    """Only rules, what follows from them, and outputs."""
    changed = tiny_run.with_name("changed.yaml")
    changed.write_text(tiny_run.read_text().replace("words >= 50", "words >= 51"))
    try:
        works = [step.what for step in cost(changed).steps]
    finally:
        changed.unlink()
    assert "read and measure the sources" not in works and "screened: rules" in works


def test_a_machine_that_was_slower_is_slower_again(data_repository):
    """Seconds are those of the benchmarks times what the runs before took by them; a run notes both."""
    definition = data_repository / "pipeline.yaml"
    first = cost(definition, 1)
    refinery.run(definition, workers=1, progress=False)
    (past,) = past_runs(data_repository / ".refinery", "tiny")
    assert past.estimated == pytest.approx(first.seconds)
    assert 0 < past.seconds < 600
    definition.write_text(definition.read_text().replace("words >= 50", "words >= 51"))
    second = cost(definition, 1)
    assert second.runs == 1
    assert second.pace == pytest.approx(past.seconds / past.estimated)
    by_rates = sum(step.seconds for step in second.steps) / second.pace
    assert second.seconds == pytest.approx(second.pace * (by_rates + 2.5))


def test_more_workers_take_less_time_but_no_longer_file_is_cut(tmp_path):
    """The pass over the sources is at least its longest shard."""
    for name, count in (("long", 90_000), ("short", 30_000)):
        (tmp_path / f"{name}.jsonl").write_text('{"text": "Some words of a text that is read."}\n' * count)
    definition = tmp_path / "p.yaml"
    definition.write_text(
        "refinery: 1\nname: p\nsources: {a: {path: '*.jsonl'}}\n"
        "stages: {s: {from: a, measure: signals, keep: [some: 'words > 1']}}\n"
        "outputs: {o: {from: s, path: out}}\n"
    )
    one, two, many = (cost(definition, workers).steps[0].seconds for workers in (1, 2, 64))
    assert one > two == pytest.approx(many)


def test_a_text_is_transformed_once_for_all_that_is_measured_on_it(tmp_path):
    """One measurement more adds its own time alone."""
    (tmp_path / "a.jsonl").write_text('{"text": "Some words of a text that is read."}\n' * 90_000)

    def seconds(measured: str) -> float:
        definition = tmp_path / "p.yaml"
        definition.write_text(
            "refinery: 1\nname: p\nsources: {a: {path: a.jsonl}}\ntransform: [{normalize: {ftfy: true}}]\n"
            f"stages: {{s: {{from: a, measure: [{measured}], keep: [some: 'bytes > 1']}}}}\n"
            "outputs: {o: {from: s, path: out}}\n"
        )
        return cost(definition, 1).steps[0].seconds

    size = len("Some words of a text that is read.") * 90_000
    assert seconds("signals, language") - seconds("signals") < size / 7e6


def test_little_work_is_left_to_one_worker(data_repository, monkeypatch):
    """To start a second takes longer; where a start takes nothing there is one for each shard."""
    plan = plan_of(data_repository / "pipeline.yaml")
    assert workers_worth(plan) == 1 < len(plan.shards)
    monkeypatch.setattr(costs, "WARM", 1e-9)
    assert workers_worth(plan) == len(plan.shards)
