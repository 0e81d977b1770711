"""A driver on this machine is suspended in mid-run and goes on later."""

import os
import signal

import pytest

from refinery.watch.find_status import find_status
from tests.faults.conftest import ERROR, IDENTICAL
from tests.faults.repository import LOGGED, clear, ends_well, start


@pytest.mark.parametrize("workers", [1, 2])
def test_a_suspended_run_holds_its_folder_and_goes_on(disturbed, outcome, workers):
    """However long that lasts: nothing here ends by a clock. A second run is refused, the status says what to do."""
    folder, expected = disturbed
    clear(folder)
    begun = start(folder, workers=workers)
    assert begun.reach(LOGGED // 3)
    begun.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, begun.process.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        code, err = start(folder).finish()
        (status,) = find_status(folder)
    finally:
        begun.process.send_signal(signal.SIGCONT)
    assert code == 1
    assert "another run is working here" in err
    assert status.state == "running"
    assert f"kill -CONT {begun.process.pid}" in status.message
    outcome("second run beside a suspended one", ERROR)
    ends_well(folder, expected, begun)
    outcome("driver suspended", IDENTICAL)
