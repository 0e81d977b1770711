"""Events and who is told of them."""

import re
from pathlib import Path
from typing import get_args

from refinery.watch.events import Event, Note, silent, to_each


def test_each_listener_is_told_in_order():
    """The same event, one after the other; a silent one does nothing."""
    told = []
    note = Note("made again")
    to_each(lambda event: told.append((1, event)), silent, lambda event: told.append((2, event)))(note)
    assert told == [(1, note), (2, note)]


def test_the_page_lists_every_event():
    """By the name that it has in a log."""
    page = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text("utf-8")
    for event in get_args(Event):
        name = re.sub("([A-Z])", r"_\1", event.__name__).lower().strip("_")
        assert f"\n| `{name}` |" in page
