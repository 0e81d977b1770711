"""Runs the measure pass of a definition in this process and says what it took; started by throughput.py.

    python measure_worker.py DEFINITION.yaml WORK-FOLDER STARTED

STARTED is the time (seconds since the epoch) at which the caller started this process. Answers one line of JSON:
seconds from that moment until the first shard was measured, documents, text bytes and seconds of the pass
alone, and the peak resident memory of the process.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path


def peak_memory() -> int:
    """Bytes. VmHWM, since ru_maxrss of a child starts with what its parent held when it was made."""
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    definition, work, started = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    from refinery.pipeline.load import load
    from refinery.plan.plan import make_plan
    from refinery.plan.resolve import resolve
    from refinery.run.measure import MeasureTask, measure

    plan = make_plan(resolve(load(definition)), work, 256 * 2**20)
    first = None
    found = []
    for planned in plan.shards:
        found.append(measure(MeasureTask(planned, plan.missing(planned), True)))
        first = first or time.time() - started
    answer = {
        "first_shard": first,
        "shards": len(found),
        "documents": sum(one.documents for one in found),
        "bytes": sum(one.bytes for one in found),
        "seconds": sum(one.seconds for one in found),
        "peak_rss": peak_memory(),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
