"""Which executor a run gets: this machine's, or a cluster that is there, or one that is started for it."""

from __future__ import annotations

import os
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refinery.errors import DefinitionError, InputError
from refinery.executors.address import START, check_reachable
from refinery.executors.limits import WORKER, memory, shortfall, workers_here

if TYPE_CHECKING:
    from refinery.executors.base import Executor
    from refinery.executors.ray import RayExecutor

INSIDE_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # Ray sets a variable of this very name for the command of a job


class Kind(StrEnum):
    """What `--executor` takes; raises DefinitionError for anything else."""

    AUTO = "auto"
    LOCAL = "local"
    RAY = "ray"

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise DefinitionError(f"executor: expected {', '.join(cls)}, got {value!r}")


def choose(
    kind: Kind, workers: int | None, address: str | None, units: int, worker: int = WORKER
) -> Executor:
    """The executor for a run that keeps so many workers busy, each of which takes so many bytes of memory at most.

    `auto` is Ray when an address is given, RAY_ADDRESS is set or this is the command of a Ray job. Raises
    DefinitionError for options that do not go together, InputError for a cluster that cannot be used and for less
    memory than one worker takes.
    """
    if kind is Kind.AUTO:
        inside = os.environ.get("RAY_ADDRESS") or os.environ.get(INSIDE_JOB)
        kind = Kind.RAY if address or inside else Kind.LOCAL
    if kind is Kind.LOCAL:
        if address:
            raise DefinitionError("--address is for --executor ray")
        from refinery.executors.local import local

        return local(min(_workers(workers, worker), max(units, 1)))
    return on_ray(workers, address)


def _workers(asked: int | None, worker: int) -> int:
    """As many as are asked for, else one a processor, if memory is limited no more than fit; both are told."""
    from refinery.executors.local import default_workers

    wanted = asked or default_workers()
    fitting = workers_here(wanted, worker)
    if short := shortfall(worker):
        _say(f"note: a worker may take {worker >> 20} MiB: {short}")
    if fitting >= wanted:
        return wanted
    _say(
        f"note: {wanted} workers may take more than the {memory() >> 20} MiB of this container or job"
        + (f"; {fitting} would fit" if asked else f": {fitting} are started")
    )
    return asked or fitting


def on_ray(workers: int | None, address: str | None) -> RayExecutor:
    """A connection to the cluster at the address, in RAY_ADDRESS, or on this machine; else a cluster started here.

    Raises DefinitionError where Ray is not installed and for a number of workers where a cluster is there, InputError
    for a cluster that cannot be used.
    """
    _tell_of_uv()
    try:
        import ray
    except ImportError:
        raise DefinitionError("--executor ray needs Ray: pip install ray") from None
    from refinery.executors.ray import RayExecutor

    if ray.is_initialized():
        return _without_workers(RayExecutor(tell=_say), workers)
    wanted = address or os.environ.get("RAY_ADDRESS") or ""
    if wanted.startswith("ray://"):
        hint = "run refinery on a node of the cluster, for example with ray job submit"
        raise InputError(wanted, "Ray Client is not supported", hint)
    if wanted not in {"", "auto", "local"}:
        check_reachable(wanted)
    if wanted == "local" or (not wanted and _crashed()):
        return _started(workers)
    try:
        ray.init(wanted or "auto", **_QUIET)
    except ConnectionError as error:
        if not wanted:
            return _started(workers)
        raise InputError(
            wanted, f"no Ray cluster could be joined: {_plain(error)}", _token_hint() or START
        ) from None
    except (RuntimeError, ValueError, ray.exceptions.AuthenticationError) as error:
        raise _refused(wanted or "auto", error) from None
    return _without_workers(RayExecutor(joined=True, tell=_say), workers)


def _started(workers: int | None) -> RayExecutor:
    """A cluster of this machine, for this run alone."""
    import ray

    from refinery.executors.ray import RayExecutor

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init("local", num_cpus=workers, include_dashboard=False, **_QUIET)
    return RayExecutor(own=True, tell=_say)


def _crashed() -> bool:
    """Whether the cluster that Ray has noted for this machine does not answer: Ray itself would try for minutes."""
    noted = Path(os.environ.get("RAY_TMPDIR", tempfile.gettempdir()), "ray", "ray_current_cluster")
    try:
        check_reachable(noted.read_text(encoding="utf-8").strip())
    except OSError:
        return False
    except InputError as error:
        _say(f"note: {error.place}, which {noted} names: {error.problem}; starting a cluster for this run")
        return True
    return False


def _token_hint() -> str:
    """What to do when the cluster may ask for a token: Ray sends the one that is here only when it is told to."""
    if "RAY_AUTH_MODE" in os.environ or not (Path.home() / ".ray" / "auth_token").exists():
        return ""
    return "if the cluster asks for the token in ~/.ray/auth_token, set RAY_AUTH_MODE=token"


def _without_workers(executor: RayExecutor, workers: int | None) -> RayExecutor:
    """The executor; raises DefinitionError when a number of workers is asked of a cluster that was there before."""
    if workers:
        executor.close()
        raise DefinitionError("--workers is not for a cluster that is there: all of its processors are used")
    return executor


_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL"}


def _refused(address: str, error: Exception) -> InputError:
    told = _plain(error)
    if "ersion mismatch" in told:
        return InputError(
            address, told, "use the same versions of Python and Ray on this machine and in the cluster"
        )
    return InputError(
        address, f"the Ray cluster cannot be used: {told}", "run refinery on a node of the cluster"
    )


def _plain(error: Exception) -> str:
    return " ".join(str(error).split())


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def _tell_of_uv() -> None:
    """Under `uv run`, Ray has every worker started through uv, which is slow and may hang."""
    if "UV_RUN_RECURSION_DEPTH" not in os.environ or "RAY_ENABLE_UV_RUN_RUNTIME_ENV" in os.environ:
        return
    _say(
        "note: under `uv run`, Ray starts every worker through uv; set RAY_ENABLE_UV_RUN_RUNTIME_ENV=0 to have the "
        "nodes use the Python they were started with"
    )
