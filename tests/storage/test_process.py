"""Processes, as others know them."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

from refinery.storage.process import Process, is_suspended


def test_a_process_is_known_to_be_dead_on_its_own_machine_alone():
    """One that ended, or whose number another has; without its start or of another machine nothing is known."""
    here = Process.here()
    assert (here.process, here.is_dead()) == (os.getpid(), False)
    with subprocess.Popen([sys.executable, "-c", ""]) as other:
        pass
    for ended in (replace(here, process=other.pid), replace(here, started="1")):
        assert ended.is_dead()
        assert not replace(ended, host="elsewhere").is_dead()
        assert not replace(ended, started="").is_dead()


def test_people_are_told_its_number_and_machine():
    """Not its boot or namespace."""
    assert Process("node-7/boot/pid:[1]", 12, "3").label == "process 12 on node-7"


def test_a_stopped_process_is_suspended():
    """Until it goes on; one that is gone is not."""
    with subprocess.Popen(["sleep", "60"]) as other:
        assert not is_suspended(other.pid)
        other.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, other.pid, os.WSTOPPED)
        assert is_suspended(other.pid)
        other.kill()
    assert not is_suspended(other.pid)
