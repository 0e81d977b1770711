"""Megatron's index, by a reader of its own; `tools/read_megatron.py` reads outputs by Megatron's."""

import hashlib
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refinery.storage.megatron import write_index
from tests.megatron import read_pair


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(0, 9), max_size=20), dtype=st.sampled_from(["<u2", "<i4"]))
def test_each_document_is_a_sequence_at_its_place(tmp_path, lengths, dtype):
    """Ids of two or four bytes, documents without any, none at all."""
    ids = np.arange(sum(lengths), dtype=dtype)
    (tmp_path / "a.bin").write_bytes(ids.tobytes())
    written = write_index(tmp_path / "a.idx", np.array(lengths, np.int32), ids.dtype)
    ends = np.cumsum([0, *lengths])
    assert read_pair(tmp_path / "a") == [list(range(a, b)) for a, b in itertools.pairwise(ends)]
    content = (tmp_path / "a.idx").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert (written.path, written.rows, written.bytes, written.sha256) == ("a.idx", 0, len(content), digest)


def test_bytes_are_counted_beyond_what_lengths_hold(tmp_path):
    """Ids of more than 2 GiB: places are of 64 bits."""
    written = write_index(tmp_path / "a.idx", np.full(3, 2**30, np.int32), np.dtype("<i4"))
    assert written.bytes == 9 + 25 + 3 * 4 + 3 * 8 + 4 * 8
    assert np.frombuffer((tmp_path / "a.idx").read_bytes(), "<i8", 3, 34 + 12).tolist() == [0, 2**32, 2**33]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    """As of every file that is written."""
    from refinery.errors import OutputError

    with pytest.raises(OutputError, match="does not exist"):
        write_index(tmp_path / "none" / "a.idx", np.zeros(1, np.int32), np.dtype("<i4"))
