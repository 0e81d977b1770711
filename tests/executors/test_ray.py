"""Units on a real Ray cluster of three node processes, with workers and nodes that really die."""

import os
import shutil
import socket
import tempfile
from functools import partial
from pathlib import Path

import onnx
import pytest
import ray

from refinery.api.runs import plan as make_plan
from refinery.errors import DefinitionError, InputError, RunError, UnitFailed
from refinery.executors.base import Unit, run_units
from refinery.executors.choose import on_ray
from refinery.executors.ray import RayExecutor, run_unit
from refinery.executors.versions import versions
from refinery.plan.plan import MODELS
from refinery.run.nodes import share
from tests.conftest import PIPELINE
from tests.executors import units
from tests.neural_models import Weights, graph, ids, write
from tests.ray_cluster import wait_for

pytestmark = [
    pytest.mark.services,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # sockets that Ray leaves
]


def numbered(folder, count=6) -> list[Unit]:
    return [Unit(f"n{n}", (n, str(folder))) for n in range(count)]


def test_results_come_in_the_order_of_the_units(executor):
    """Whatever ends first; the window is the cluster's processors."""
    assert executor.slots == 3
    assert run_units(executor, units.square, [Unit(f"n{n}", n) for n in range(50)]) == [
        n * n for n in range(50)
    ]


def test_what_units_share_is_bound_to_the_function(executor):
    """By functools.partial: each function within is a kind of work of its own, whose memory is learnt."""
    square = partial(pow, exp=2)
    assert run_units(executor, square, [Unit(f"n{n}", n) for n in range(5)]) == [0, 1, 4, 9, 16]
    assert executor._peaks["builtins.pow"] > 10 << 20


def test_a_worker_tells_time_memory_and_place(executor):
    """Every attempt comes with what it took and where."""
    seen = units.Seen()
    run_units(executor, units.square, [Unit("one", 3)], seen)
    ((name, attempt, ended),) = seen.attempts
    assert (name, attempt, ended.outcome) == ("one", 1, 9)
    assert ended.memory > 10 << 20
    assert ended.started > 0
    assert ended.worker.rpartition(":")[2].isdigit()


def test_bad_input_is_not_tried_again(executor, tmp_path):
    """The error comes out with its fields, after one attempt."""
    with pytest.raises(InputError) as caught:
        run_units(executor, units.fail_on_three, numbered(tmp_path))
    assert type(caught.value) is InputError
    assert (caught.value.place, caught.value.hint) == ("unit 3", "try another")
    assert (tmp_path / "tried-3").read_text() == "x"


def test_a_transient_failure_is_tried_again(executor, tmp_path):
    """What the storage marks as transient is retried."""
    assert run_units(executor, units.fail_for_the_moment, numbered(tmp_path)) == list(range(6))
    assert (tmp_path / "failed-2").exists()


def test_a_killed_worker_costs_one_retry_of_one_unit(executor, tmp_path):
    """SIGKILL in mid-unit; no other unit is tried twice."""
    seen = units.Seen()
    assert run_units(executor, units.die_once, numbered(tmp_path), seen) == list(range(6))
    assert (tmp_path / "died-2").exists()
    assert sorted(name for name, _, _ in seen.attempts) == sorted([*(f"n{n}" for n in range(6)), "n2"])


def test_a_unit_that_kills_its_worker_each_time_fails_by_name(executor):
    """The others are finished."""
    seen = units.Seen()
    with pytest.raises(UnitFailed, match="n1: its worker process died 3 times: WorkerCrashedError"):
        run_units(executor, units.die_always, [Unit(f"n{n}", n) for n in range(6)], seen)
    assert sorted(seen.results) == [0, 2, 3, 4, 5]


def test_units_have_one_thread(executor):
    """Libraries in a worker start no threads of their own."""
    assert run_units(executor, units.threads, [Unit("one", None)]) == [(1, "1")]


def test_a_machine_is_prepared_once(executor, tmp_path):
    """The first worker prepares, those of other nodes on this machine find it done; asked twice, too."""
    for _ in range(2):
        executor.prepare(units.mark_machine, str(tmp_path))
        run_units(executor, units.square, [Unit(f"n{n}", n, 1 << 20) for n in range(6)])
    assert (tmp_path / "prepared").read_text() == "x"


def test_nothing_runs_when_it_is_closed(executor, tmp_path):
    """Tasks and the workers of models have ended by then, so that they write no more."""

    def processes():
        executor.wait()
        return [int(told) for file in tmp_path.iterdir() if (told := file.read_text())]

    for number, gpus in enumerate((1.0, 0.0, 0.0)):  # the only node with GPUs has one processor
        executor.submit(number, units.beat, Unit(f"n{number}", (number, str(tmp_path)), gpus=gpus), 0)
        wait_for(lambda begun=number + 1: len(processes()) == begun)
    begun = processes()
    executor.close()
    assert [number for number in begun if Path(f"/proc/{number}").exists()] == []


def test_everywhere_is_every_node(executor):
    """A call reaches each of the three nodes."""
    assert list(executor.everywhere(units.square, 7).values()) == [49, 49, 49]


def test_a_node_that_does_not_answer_in_time_works_on_nothing(executor, monkeypatch, tmp_path):
    """It is told, and its call ends."""
    executor.everywhere(units.square, 1)
    monkeypatch.setattr("refinery.executors.ray.ANSWER", 1.0)
    answers = executor.everywhere(units.beat, (1, str(tmp_path)))
    assert [str(answer) for answer in answers.values()] == ["no answer in 1 s"] * 3
    for begun in tmp_path.iterdir():  # on a busy machine none may have begun
        process = Path("/proc", begun.read_text())
        wait_for(lambda process=process: not process.exists())


def test_a_node_with_other_versions_runs_nothing(executor, monkeypatch):
    """Whenever it joins: every worker compares them before its first unit."""
    monkeypatch.setattr(executor, "_versions", (("numba", "0.1"),))
    with pytest.raises(InputError, match=r"node .*: has numba .* instead of 0.1"):
        run_units(executor, units.square, [Unit("one", 2)])


def test_a_connection_that_is_there_is_used_and_left(cluster):
    """A program that uses Ray keeps its connection."""
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        joined = on_ray(None, None)
        assert run_units(joined, units.square, [Unit("one", 2)]) == [4]
        joined.close()
        assert ray.is_initialized()
    finally:
        ray.shutdown()


def test_a_cluster_that_is_there_has_its_own_workers(cluster):
    """A number of workers is refused, not ignored, and the connection is left."""
    with pytest.raises(DefinitionError, match="--workers is not for a cluster that is there"):
        on_ray(2, cluster.address)
    assert not ray.is_initialized()


def test_the_cluster_lives_on(cluster, executor):
    """Leaving ends nothing: another connection finds the same nodes."""
    executor.close()
    assert not ray.is_initialized()
    again = on_ray(None, cluster.address)
    assert isinstance(again, RayExecutor)
    assert again.slots == 3
    again.close()


def test_a_model_with_weights_of_their_own_reaches_the_nodes(executor, data_repository, tmp_path):
    """The files of an ONNX model go there together; models of earlier runs do not stay in the pipeline's folder."""
    weights = Weights(1)
    folder = write(tmp_path / "model", graph(weights))
    onnx.save_model(
        graph(weights),
        folder / "model.onnx",
        save_as_external_data=True,
        location="w.bin",
        size_threshold=100,
    )
    definition = PIPELINE.replace("signals]", "signals, {neural: {model: {file: model}}}]")
    definition = definition.replace('"words >= 50"', '"words >= 50 AND neural > -1000"')
    (data_repository / "pipeline.yaml").write_text(definition)
    plan = make_plan(data_repository / "pipeline.yaml", work=tmp_path / "work")
    earlier = plan.own / MODELS / ("0" * 32)
    earlier.mkdir(parents=True)
    (earlier / "model.bin").touch()
    (tmp_path / "out.records").mkdir()
    share(plan, executor)
    measurer = plan.graph.stages["screened"].columns["crawl"]["neural"].measurement.measurer
    shutil.rmtree(folder)
    ((value,),) = run_units(executor, units.score, [Unit("one", (measurer, "court of the patient"))])
    assert value == pytest.approx(weights.logits(ids("court of the patient"))[0], rel=1e-5)
    names = {path.name for path in (plan.own / MODELS).glob("*/*")}
    assert names == {"model.onnx", "w.bin", "tokenizer.json", "lid.176.ftz"}


def test_a_machine_without_room_for_what_workers_share(monkeypatch, tmp_path):
    """Told as what it is, by the machine's name."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    monkeypatch.setattr(os, "environ", dict(os.environ))  # a worker's threads are set there
    found = run_unit(b"", "key", [b""], versions()).outcome
    assert isinstance(found, RunError)
    assert f"{socket.gethostname()}: cannot be made ready: " in str(found)
    assert "No such file or directory" in str(found)
