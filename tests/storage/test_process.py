"""Processes, as others know them."""

import os
import subprocess
import sys
from dataclasses import replace

from refinery.storage.process import Process


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
