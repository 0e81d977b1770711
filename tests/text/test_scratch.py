"""Working memory of the kernels."""

from __future__ import annotations

from refinery.text.scratch import allocate


def test_tables_are_powers_of_two_with_room() -> None:
    """Hash tables are powers of two, at least twice what they are to hold."""
    for size in (1, 2, 63, 64, 65, 1000):
        scratch = allocate(size, size, size)
        for table in (scratch.tokens.slots, scratch.grams.slots, scratch.lines.slots):
            assert len(table) >= 2 * size
            assert len(table) & (len(table) - 1) == 0


def test_tables_begin_empty() -> None:
    """What a kernel must leave zeroed begins zeroed."""
    scratch = allocate(10, 10, 10)
    assert not scratch.characters.counts.any()
    assert not scratch.characters.alone.any()
    assert not scratch.tokens.slots.any()
