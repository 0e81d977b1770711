"""Runs the measure pass of a definition in this process and says what it took; started by throughput.py.

    python measure_worker.py DEFINITION.yaml WORK-FOLDER STARTED PASSES

STARTED is the time (seconds since the epoch) at which the caller started this process. Answers one line of JSON:
seconds from that moment until the first shard was measured and the processor time until then, documents, text
bytes, seconds of each pass (every one from nothing measured) and the peak resident memory of the process.
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
    definition, work, started, passes = (
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        float(sys.argv[3]),
        int(sys.argv[4]),
    )
    from refinery.definition.load import load
    from refinery.plan.plan import make_plan
    from refinery.plan.resolve import resolve
    from refinery.run.measure import MeasureTask, measure

    answer: dict[str, object] = {}
    seconds = []
    for number in range(passes):
        plan = make_plan(resolve(load(definition)), work / str(number))
        found = []
        begun = time.perf_counter()
        for planned in plan.shards:
            found.append(measure(MeasureTask(planned, plan.missing(planned, ()), True)))
            answer.setdefault("first_shard", time.time() - started)
            answer.setdefault("first_shard_cpu", time.process_time())
        seconds.append(time.perf_counter() - begun)
        answer |= {
            "shards": len(found),
            "documents": sum(one.documents for one in found),
            "bytes": sum(one.bytes for one in found),
        }
    print(json.dumps({**answer, "seconds": seconds, "peak_rss": peak_memory()}))


if __name__ == "__main__":
    main()
