"""What a status says."""

from refinery.watch.progress import Line
from refinery.watch.status import Failure, InFlight, Status


def test_a_status_is_what_was_written():
    """Lines, failures and units in flight come back from JSON as they were."""
    status = Status(
        state="running",
        pipeline="tiny",
        pid=7,
        host="here",
        started=1.5,
        updated=2.5,
        lines=(Line("source", "crawl", "working", 10, None, "measure", 1, 2, 0.5), Line("output", "unique")),
        in_flight=(InFlight(unit="a", attempt=1, since=2.0),),
        failures=(Failure(phase="measure", unit="a", attempt=1, problem="no answer"),),
        outputs={"unique": "/data/out"},
    )
    assert Status.model_validate_json(status.model_dump_json()) == status
