"""Two drivers on one pipeline and work folder at once: one works, the other says so or finds all done."""

import random

from tests.faults.conftest import IDENTICAL
from tests.faults.repository import LOGGED, clear, content, leftovers, start


def test_two_drivers_at_once(disturbed, times, seed, outcome):
    """With one and two workers, started together or one into the other's work."""
    folder, expected = disturbed
    for number in times(2):
        chosen = random.Random(f"{seed} {number}")
        clear(folder)
        one = start(folder, workers=1 + number % 2)
        if number % 3:
            one.reach(chosen.randrange(LOGGED))
        other = start(folder, workers=1)
        ended = [one.finish(), other.finish()]
        for code, err in ended:
            assert code == 0 or (code == 1 and "another run is working here" in err), err
            assert "Traceback" not in err
        assert 0 in [code for code, _ in ended]
        assert content(folder) == expected
        assert leftovers(folder) == []
        outcome("two drivers at once", IDENTICAL)
