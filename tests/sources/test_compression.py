import bz2
import contextlib
import gzip
import io
import lzma
import struct

import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.sources.compression import (
    DamagedError,
    NoDictionaryError,
    blocks,
    head,
    is_compressed,
)

COMPRESSORS = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lz4": lz4.frame.compress,
}
DRAFT_DICTIONARY = 0x184D2A5D  # of the WARC draft: a skippable frame that holds the dictionary


def _read(data: bytes) -> bytes:
    return b"".join(blocks(io.BytesIO(data)))


def _skippable_frame(content: bytes, magic: int = 0x184D2A50) -> bytes:
    return struct.pack("<II", magic, len(content)) + content


@pytest.fixture(scope="module")
def dictionary() -> zstandard.ZstdCompressionDict:
    samples = [f"the patient {n} was given {n * 7} mg of drug {n % 13}".encode() * 3 for n in range(300)]
    return zstandard.train_dictionary(4096, samples)


@pytest.mark.parametrize("name", COMPRESSORS)
def test_any_number_of_members_is_read(name):
    """Two members or frames give the content of both; padding with zeros is no member."""
    compress = COMPRESSORS[name]
    data = compress(b"one " * 1000) + compress(b"") + compress(b"two")
    assert is_compressed(data[:8])
    assert _read(data) == b"one " * 1000 + b"two"
    assert _read(data + b"\0" * 100) == b"one " * 1000 + b"two"


@pytest.mark.parametrize("name", COMPRESSORS)
@pytest.mark.parametrize("padding", [1, 4, 512, 3 * 2**20])
def test_padding_between_members_is_passed_over(name, padding):
    """Zeros fill a member up to a whole block, as tapes and xz have it; they may be longer than a read."""
    compress = COMPRESSORS[name]
    assert _read(compress(b"one") + bytes(padding) + compress(b"two") + bytes(padding)) == b"onetwo"


@pytest.mark.parametrize("outer", COMPRESSORS)
@pytest.mark.parametrize("inner", COMPRESSORS)
def test_what_is_compressed_twice_is_read(outer, inner):
    """A compressor run over its own files, or a store that compresses again; a damaged end is still told."""
    content = b"".join(b"%d " % (n * 7919 % 100_003) for n in range(20_000))
    whole = COMPRESSORS[outer](COMPRESSORS[inner](content))
    assert _read(whole) == content
    with pytest.raises(DamagedError):
        _read(whole[:-20])


def test_layers_are_bounded():
    """A file that unpacks to itself, or nearly, ends."""
    data = b"x"
    for _ in range(4):
        data = gzip.compress(data)
    with pytest.raises(DamagedError, match="more than 3 times"):
        _read(data)


def test_plain_content_is_read_from_a_byte_on():
    """No copy of the beginning."""
    assert b"".join(blocks(io.BytesIO(b"plain text"), 6)) == b"text"
    assert b"".join(blocks(io.BytesIO(b""))) == b""


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(COMPRESSORS)), kept=st.floats(0.2, 0.999), seed=st.integers(0, 5))
def test_a_cut_off_file_gives_its_beginning_and_an_error(name, kept, seed):
    """What was decoded is a prefix of the content, and the end is an error, never silence."""
    content = "".join(f"{n * 7919 % 100_003} " for n in range(seed * 100, 20_000)).encode()
    whole = COMPRESSORS[name](content)
    out = b""
    with pytest.raises(DamagedError, match=r"ends early|damaged"):
        for block in blocks(io.BytesIO(whole[: int(len(whole) * kept)])):
            out += block
    assert content.startswith(out)


def test_a_damaged_file_is_an_error():
    """A flipped byte that gzip's checksum notices, and something else after the data."""
    whole = bytearray(gzip.compress(b"some text " * 1000))
    whole[-6] ^= 0xFF
    with pytest.raises(DamagedError, match="damaged"):
        list(blocks(io.BytesIO(bytes(whole))))
    with pytest.raises(DamagedError, match="something else"):
        list(blocks(io.BytesIO(gzip.compress(b"x") + b"garbage garbage")))


def test_skippable_zstd_frames_hold_no_data():
    """RFC 8878, 3.1.2: pzstd and seekable zstd write them."""
    skippable = _skippable_frame(b"abc")
    data = zstandard.compress(b"one") + skippable + zstandard.compress(b"two") + skippable
    assert is_compressed(skippable + data)
    assert _read(data) == _read(skippable * 2 + data) == b"onetwo"
    assert _read(_skippable_frame(bytes(2**20)) + lz4.frame.compress(b"three")) == b"three"
    with pytest.raises(DamagedError, match="ends early"):
        _read(data[:-1])


@pytest.mark.parametrize("packed", [False, True])
def test_a_dictionary_in_the_first_frame_is_used(dictionary, packed):
    """The WARC draft on zstd: one frame a record, all with the dictionary, itself plain or compressed."""
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    held = dictionary.as_bytes()
    first = _skippable_frame(zstandard.compress(held) if packed else held, DRAFT_DICTIONARY)
    data = first + b"".join(compressor.compress(b"the patient %d was given" % n) for n in range(5))
    assert _read(data) == b"".join(b"the patient %d was given" % n for n in range(5))


def test_a_dictionary_that_is_not_there_is_told(dictionary):
    """By its number, with what to do; the same for one that a first frame holds and the data does not ask for."""
    data = zstandard.ZstdCompressor(dict_data=dictionary).compress(b"the patient was given")
    for whole in (data, _skippable_frame(b"no dictionary", DRAFT_DICTIONARY) + data):
        with pytest.raises(NoDictionaryError, match=rf"dictionary {dictionary.dict_id()}.*zstd -d -D"):
            _read(whole)


def test_the_head_is_that_of_the_content(tmp_path):
    """However little the first bytes of the file hold of it: a block of bzip2 is 900 KB."""
    content = b"".join(b"%d " % (n * 7919 % 1_000_003) for n in range(300_000))
    for name, compress in COMPRESSORS.items():
        file = tmp_path / name
        file.write_bytes(compress(content))
        assert head(str(file), file.read_bytes()[:65536], 1000) == content[:1000]
    assert head("not opened", content[:2000], 1000) == content[:1000]


def test_the_head_of_a_damaged_file_is_what_there_is(tmp_path, dictionary):
    """A cut-off file is told by its reader; one without its dictionary holds nothing to read."""
    file = tmp_path / "a"
    file.write_bytes(zstandard.compress(b"text ")[:-1])
    assert head(str(file), file.read_bytes(), 1000) in {b"", b"text "}
    file.write_bytes(zstandard.ZstdCompressor(dict_data=dictionary).compress(b"the patient"))
    with pytest.raises(NoDictionaryError):
        head(str(file), file.read_bytes(), 1000)


def test_a_text_that_begins_like_a_magic_number_is_a_text():
    """BZh alone is a word."""
    assert not is_compressed(b"BZh, a text")


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(sorted(COMPRESSORS)),
    place=st.floats(0, 0.999),
    bit=st.integers(0, 7),
    dictionary_frame=st.booleans(),
)
def test_a_flipped_bit_is_damage_or_nothing(name, place, bit, dictionary_frame):
    """No other error than DamagedError comes out of a decoder, whatever it meets, and none waits for ever."""
    content = b"".join(b"%d " % (n * 7919 % 10_007) for n in range(3000))
    whole = bytearray(_skippable_frame(b"\x37\xa4\x30\xec" + bytes(40), DRAFT_DICTIONARY) * dictionary_frame)
    whole += COMPRESSORS[name](content) * 2
    whole[int(len(whole) * place)] ^= 1 << bit
    size = 0
    with contextlib.suppress(DamagedError):
        for block in blocks(io.BytesIO(bytes(whole))):
            size += len(block)
    assert size <= 3 * len(whole) + 2 * len(content)


def test_steps_are_bounded():
    """Data that compresses extremely well comes in many blocks, not in one."""
    data = gzip.compress(b"\0" * (64 * 2**20))
    sizes = [len(block) for block in blocks(io.BytesIO(data))]
    assert sum(sizes) == 64 * 2**20
    assert max(sizes) < 20 * 2**20
