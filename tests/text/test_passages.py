"""Claims whose copies are touched, byte by byte."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.passages import CLAIM, untouched


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(1, 9)), max_size=5),
       st.sets(st.tuples(st.integers(0, 2), st.integers(0, 20)), max_size=20))  # fmt: skip
def test_pieces_whose_copies_are_not_touched(asked, bytes_touched):
    """Of each claim the runs of bytes of which none is touched, if they are long enough."""
    claims = np.array(
        [(9, 100 * n, 100 * n + size, other, at) for n, (other, at, size) in enumerate(asked)], CLAIM
    )
    claims = claims[np.lexsort((claims["other_start"], claims["other"]))]
    touched = np.array([(n, at, at + 1, 0, 0) for n, at in sorted(bytes_touched)], CLAIM)
    expected = set()
    for _, start, end, other, at in claims.tolist():
        run = 0
        for byte in range(end - start + 1):
            if byte < end - start and (other, at + byte) not in bytes_touched:
                run += 1
                continue
            if run >= 2:
                expected.add((9, start + byte - run, start + byte, other, at + byte - run))
            run = 0
    assert set(untouched(claims, touched, 2).tolist()) == expected
