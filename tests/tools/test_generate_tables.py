"""The generator of the Unicode table."""

from __future__ import annotations

import generate_tables
import numpy as np

from refinery.text import tables


def test_two_stages_give_back_every_entry() -> None:
    """Equal blocks are stored once, and looking up through both stages is the identity."""
    entry = np.arange(0x110000, dtype=np.uint32) // 512
    stage1, stage2 = generate_tables.two_stages(entry)
    assert len(stage2) == 0x110000 // 4
    codes = np.arange(0x110000)
    found = stage2[(stage1[codes >> tables.BLOCK_BITS].astype(np.int64) << tables.BLOCK_BITS) + (codes & 127)]
    assert (found == entry).all()


def test_shipped_table_has_the_generators_properties() -> None:
    """Each property's pattern, on a sample of characters, gives the shipped flag."""
    import regex

    sample = [chr(code) for code in [*range(0x3100), *range(0xFE00, 0x10000), *range(0x1F300, 0x1F700)]]
    known = [char for char in sample if regex.match(r"\P{Cn}", char)]
    for bit, pattern in generate_tables.PROPERTIES.items():
        match = regex.compile(pattern).match
        differs = [char for char in known if bool(match(char)) != bool(tables.flags_of(char) & bit)]
        assert len(differs) < 10, (pattern, differs[:20])  # a newer Unicode version may move a few
