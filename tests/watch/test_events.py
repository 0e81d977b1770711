"""Events and who is told of them."""

from refinery.watch.events import Note, silent, to_each


def test_each_listener_is_told_in_order():
    """The same event, one after the other; a silent one does nothing."""
    told = []
    note = Note("made again")
    to_each(lambda event: told.append((1, event)), silent, lambda event: told.append((2, event)))(note)
    assert told == [(1, note), (2, note)]
