"""Units as plain tasks on a Ray cluster, one task a unit; Ray places them, refinery counts and retries.

Units that need GPUs go to actors that keep their model (model_workers).

Bulk data never passes through Ray: a call is a few kilobytes, a result a few counters, and everything else lies in
files that all machines see. `memory` is reserved from the measured peak of the same function: Ray uses it to decide
what runs where, not as a limit.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ray
from ray import exceptions as errors
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from rich.filesize import decimal

from refinery.errors import InputError, RefineryError, RunError
from refinery.executors.base import BASE_MEMORY, MAX_RETRIES, Attempt, OutOfMemory, Unit, WorkerLost, unwrap
from refinery.executors.limits import one_thread
from refinery.executors.model_workers import ModelWorkers
from refinery.executors.nodes import POLL, Nodes
from refinery.executors.shipping import Filed, Shipped, pack, prepare_once, unpack
from refinery.executors.versions import Versions, differences, versions
from refinery.executors.worker import attempt_elsewhere

LOST = (  # a worker, its node or what it answered is gone; these have no root of their own below RayError
    errors.WorkerCrashedError,
    errors.NodeDiedError,
    errors.LocalRayletDiedError,
    errors.RayActorError,
    errors.ObjectLostError,
    errors.ObjectReconstructionFailedError,
    errors.ObjectStoreFullError,
    errors.OutOfDiskError,
    errors.RpcError,
    errors.RaySystemError,
)
MARGIN = 1.5  # over the measured peak
STEP = 128 << 20  # reservations are multiples of it, so that workers are reused from unit to unit
LARGE = 1 << 20  # bytes of text from which a unit is spread over the nodes rather than packed
ANSWER = 120.0  # seconds for a node to start a worker and answer
ENDED = 30.0  # seconds for cancelled tasks to end
IMPATIENT = 30.0  # seconds without a node that can run anything, before and between messages


@dataclass(frozen=True)
class _Sent:
    """A unit that a task or an actor has; memory: bytes that it is known to take, most: that it could have."""

    ticket: int
    kind: str
    memory: int
    reserved: int
    most: int


@dataclass
class RayExecutor:
    """A connection to a cluster: started here (it ends with the run), joined (left again) or there before.

    tell: where a person is told that units wait for nodes.
    """

    own: bool = False  # started here
    joined: bool = False
    tell: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        self._task = ray.remote(run_unit)
        self._sent: dict[ray.ObjectRef[Attempt], _Sent] = {}
        self._peaks: dict[str, int] = {}  # measured bytes, by kind of work
        self._largest: dict[
            str, int
        ] = {}  # bytes that a unit which was measured was known to take, by kind of work
        self._models: dict[tuple[float, int], ModelWorkers] = {}  # by GPUs and doublings of memory
        self._shipped: Mapping[str, Shipped] = {}
        self._prepared: list[bytes] = []
        self._key = ""
        self._versions = versions()
        self._nodes = Nodes()
        self._silent_until = time.monotonic() + IMPATIENT

    @property
    def slots(self) -> int:
        """The processors of all nodes that are alive by now."""
        return max(1, self._nodes.now().slots)

    @property
    def elsewhere(self) -> bool:
        """Other machines may belong to any cluster but one that was started here."""
        return not self.own

    def submit(self, ticket: int, function: Callable[[Any], Any], unit: Unit[Any], doublings: int) -> None:
        """Starts a task; Ray never retries it."""
        plain = unwrap(function)
        kind = f"{plain.__module__}.{plain.__qualname__}"
        if unit.gpus:
            self._submit_to_models(ticket, kind, function, unit, doublings)
            return
        most = self._nodes.now().most_memory
        reserved = self._reserve(kind, unit, doublings, most)
        task = self._task.options(
            name=f"{unwrap(function).__name__} {unit.name}",
            num_cpus=1,
            memory=reserved,
            max_retries=0,
            scheduling_strategy="SPREAD" if max(unit.weight, unit.memory) >= LARGE else "DEFAULT",
        )
        call = pack(function, unit.argument, self._shipped)
        ref = task.remote(call, self._key, self._prepared, self._versions)
        self._sent[ref] = _Sent(ticket, kind, unit.memory, reserved, most)

    def _submit_to_models(
        self, ticket: int, kind: str, function: Callable[[Any], Any], unit: Unit[Any], doublings: int
    ) -> None:
        workers = self._models.get((unit.gpus, doublings))
        if workers is None:
            if not doublings and not self._nodes.now().with_gpus(unit.gpus):
                problem = f"a measurer needs {unit.gpus:g} of a GPU, and no node of the cluster has that"
                raise RunError(f"{problem} and a processor; start nodes with GPUs, or set its `gpus` to 0")
            memory = self._reserve(kind, unit, doublings, self._nodes.now().most_memory_with(unit.gpus))
            workers = self._models[unit.gpus, doublings] = ModelWorkers(run_unit, unit.gpus, memory)
            self._silent_until = time.monotonic() + IMPATIENT
        call, name = pack(function, unit.argument, self._shipped), f"{unwrap(function).__name__} {unit.name}"

        def start(actor: Any) -> Any:
            return actor.run.options(name=name).remote(call, self._key, self._prepared, self._versions)

        most = self._nodes.now().most_memory_with(unit.gpus)
        workers.submit(start, _Sent(ticket, kind, unit.memory, workers.memory, most))

    def _reserve(self, kind: str, unit: Unit[Any], doublings: int, most: int) -> int:
        measured = int(self._peaks.get(kind, 0) * MARGIN)
        guess = BASE_MEMORY + (unit.memory or unit.weight)
        if doublings:
            wanted = max(measured, guess) << doublings
        elif measured and unit.memory <= self._largest[kind]:
            wanted = measured
        else:  # a guess should not leave processors idle
            wanted = max(measured, min(guess, self._nodes.now().memory_per_slot))
        return min(-(-wanted // STEP) * STEP, most)

    def wait(self) -> list[tuple[int, Attempt]]:
        """Every task that has ended, in no order; nothing after a while without any."""
        starting = self._start_on_models()
        refs = [*self._sent, *starting]
        if not refs:  # no node has the GPUs that units wait for
            time.sleep(POLL)
        ready = ray.wait(refs, num_returns=1, timeout=POLL)[0] if refs else []
        if ready:
            refs = list(self._sent)
            ready = ray.wait(refs, num_returns=len(refs), timeout=0)[0] if refs else []
        elif not self._sent or not self._nodes.now().slots:
            self._speak_up()
            return []
        self._silent_until = time.monotonic() + IMPATIENT
        return [self._ended(ref, outcome) for ref, outcome in zip(ready, _get(ready), strict=True)]

    def _start_on_models(self) -> list[Any]:
        """Hands units to the workers that have GPUs; references to the answers of those that do not run yet."""
        for key, workers in list(self._models.items()):
            if workers.unused:
                workers.close()
                del self._models[key]  # their processors and GPUs are free for others
            else:
                self._sent.update(workers.started(self._nodes.now().with_gpus(workers.gpus, workers.memory)))
        return [ref for workers in self._models.values() for ref in workers.starting]

    def _ended(self, ref: Any, found: Attempt | Exception) -> tuple[int, Attempt]:
        sent = self._sent.pop(ref)
        for workers in self._models.values():
            workers.ended(ref, lost=not isinstance(found, Attempt))
        if isinstance(found, Attempt):
            self._peaks[sent.kind] = max(self._peaks.get(sent.kind, 0), found.memory)
            self._largest[sent.kind] = max(self._largest.get(sent.kind, 0), sent.memory)
            return sent.ticket, found
        return sent.ticket, Attempt(_translated(found, sent.reserved, sent.most))

    def _speak_up(self) -> None:
        """Tells that nothing can run, instead of waiting without a word."""
        now = time.monotonic()
        if now <= self._silent_until:
            return
        self._silent_until = now + IMPATIENT
        waiting = len(self._sent) + sum(workers.waiting for workers in self._models.values())
        if self._nodes.now().slots:
            gpus = " or ".join(sorted({f"{workers.gpus:g}" for workers in self._models.values()}))
            problem = f"no worker with {gpus} of a GPU could be started"
        else:
            problem = "no node that is alive has a processor"
        self.tell(f"Waiting for the cluster: {problem}; {waiting} units wait.")

    def prepare(self, function: Callable[[Any], None], argument: Any) -> None:
        """The first worker on each machine makes the call before its first unit, nodes that join later too."""
        call = pack(function, argument, self._shipped)
        if call in self._prepared:
            return
        self._prepared.append(call)
        digest = hashlib.sha256(b"".join(self._prepared)).hexdigest()[:16]
        self._key = f"{ray.get_runtime_context().get_job_id()}-{os.getpid()}-{digest}"

    def everywhere(self, function: Callable[[Any], Any], argument: Any) -> dict[str, Any]:
        """The function's results (or exceptions) on every node that runs units, by the node's name.

        A node that dies meanwhile is left out: it runs no units.
        """
        call = pack(function, argument, self._shipped)
        nodes = {node["NodeID"]: _name(node) for node in self._nodes.now().alive}
        answers: dict[str, Any] = {}
        asked = list(nodes)
        for _ in range(1 + MAX_RETRIES):
            answers |= self._ask(call, unwrap(function).__name__, asked)
            asked = [node for node in asked if isinstance(answers.get(node), WorkerLost)]
            for node in asked:
                answers.pop(node)  # asked again; one that is gone gives no answer
        return {nodes[node]: answer for node, answer in answers.items()}

    def _ask(self, call: bytes, name: str, nodes: Iterable[str]) -> dict[str, Any]:
        """What a call gave on each of the nodes that are alive, by node ID."""
        refs = {}
        for node in nodes:
            here = NodeAffinitySchedulingStrategy(node, soft=False)
            task = self._task.options(name=name, num_cpus=0, max_retries=0, scheduling_strategy=here)
            refs[task.remote(call, "", [], self._versions)] = node
        ready, late = ray.wait(list(refs), num_returns=len(refs), timeout=ANSWER) if refs else ([], [])
        for ref in late:
            ray.cancel(ref, force=True)
        found: dict[str, Any] = {refs[ref]: RunError(f"no answer in {ANSWER:.0f} s") for ref in late}
        for ref, one in zip(ready, _get(ready), strict=True):
            if not isinstance(one, errors.TaskUnschedulableError):  # the node is gone
                found[refs[ref]] = one.outcome if isinstance(one, Attempt) else _translated(one, 0, 0)
        return found

    def ship(self, files: Mapping[str, Shipped]) -> None:
        """From now on, units name the copies."""
        self._shipped = files

    def close(self) -> None:
        """Ends own tasks and leaves; only a cluster that was started here is ended.

        Returns when the tasks have ended, so that none of them writes any more, or after ENDED seconds.
        """
        if self._nodes.gone:
            return  # nothing answers
        for workers in self._models.values():
            workers.close()
        self._models.clear()
        for ref in self._sent:
            with suppress(Exception):  # the tasks of actors cannot be cancelled, and have been ended
                ray.cancel(ref, force=True)
        if self._sent and ray.is_initialized():
            ray.wait(list(self._sent), num_returns=len(self._sent), timeout=ENDED)
        self._sent.clear()
        if self.own or self.joined:
            ray.shutdown()  # of a cluster that runs elsewhere, it ends the connection alone


def run_unit(call: bytes, key: str, prepared: list[bytes], expected: Versions) -> Attempt:
    """In a worker: refuses other versions, prepares its machine if no other did, then makes the call."""
    one_thread()
    differing = differences(expected)
    if differing:
        return Attempt(InputError(f"node {socket.gethostname()}", differing, _SAME))
    if prepared:
        try:
            prepare_once(key, prepared)
        except (OSError, RefineryError) as error:
            return Attempt(RunError(f"{socket.gethostname()}: cannot be made ready: {error}"))
    return attempt_elsewhere(_call, call)


_SAME = "install the same versions on every node"


def _call(call: bytes) -> Any:
    function, argument = unpack(call)
    return function(argument.read() if isinstance(argument, Filed) else argument)


def _get(refs: list[Any]) -> list[Attempt | Exception]:
    try:
        found: list[Attempt | Exception] = ray.get(refs)
        return found
    except errors.RayError:
        return [_get_one(ref) for ref in refs]


def _get_one(ref: Any) -> Attempt | Exception:
    try:
        ended: Attempt = ray.get(ref)
        return ended
    except errors.RayError as error:
        return error


def _translated(error: Exception, reserved: int, most: int) -> Exception:
    """What happened to a task, in refinery's words."""
    if isinstance(error, errors.OutOfMemoryError):
        used = _used(str(error))
        if used and used < reserved:
            memory = f"it used {decimal(used)} of {decimal(reserved)} reserved"
            return WorkerLost(f"killed for want of memory on its node, though {memory}")
        return OutOfMemory(reserved, most)
    if isinstance(error, LOST):
        return WorkerLost(f"{type(error).__name__}: {_first_line(error)}")
    if isinstance(error, errors.TaskCancelledError):
        return RunError("a task was cancelled from outside")
    if isinstance(error, errors.RayTaskError) and isinstance(error.cause, Exception):
        return RunError(
            f"a worker cannot run units: {error.cause!r}; is the same refinery installed on every node?"
        )
    return RunError(f"Ray: {type(error).__name__}: {_first_line(error)}")


def _used(told: str) -> int:
    """Bytes that the one killed worker had, 0 if Ray does not say: it kills the newest, not always the guilty."""
    found = re.findall(r"actual memory used=([\d.]+)GB", told)
    return int(float(found[0]) * 2**30) if len(found) == 1 else 0


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")


def _name(node: dict[str, Any]) -> str:
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']}, {node['NodeID'][:8]})"
