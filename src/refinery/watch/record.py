"""A run's record in its pipeline's folder: the log and the status file, from the first event to how it ended."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from refinery.storage.place import Place
from refinery.storage.work_folder import pipeline_folder
from refinery.watch.events import Ending, Listener, RunEnded, to_each
from refinery.watch.log import RunLog
from refinery.watch.status_file import StatusFile


@contextmanager
def record_run(
    work: Place,
    pipeline: str,
    outputs: Mapping[str, Place],
    listener: Listener,
    still_held: Callable[[], None],
) -> Iterator[Listener]:
    """The listener together with a log and a status file, all told at the end how the run ended.

    A run that does not hold its pipeline's folder any more (`still_held` raises) leaves the status to the one that
    has taken over.
    """
    started = datetime.now(UTC)
    log = RunLog(pipeline_folder(work, pipeline), started)
    emit = to_each(log, StatusFile(work, pipeline, outputs, started, log, still_held), listener)
    state: Ending = "failed"
    message = ""
    try:
        yield emit
        state = "finished"
    except KeyboardInterrupt:
        state, message = "stopped", "stopped by Ctrl-C or SIGTERM"
        raise
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"
        raise
    finally:
        with contextlib.suppress(Exception):
            emit(RunEnded(state, message))
