import hashlib

import pytest
import xxhash

from refinery.errors import InputError
from refinery.models import model_file


def test_the_shipped_model_is_the_published_one() -> None:
    """lid.176.ftz, byte for byte, with its licence beside it."""
    content = model_file.BUILT_IN.read_bytes()
    assert len(content) == 938013
    assert (
        hashlib.sha256(content).hexdigest()
        == "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
    )
    licence = model_file.BUILT_IN.with_name("LICENSE-lid.176.txt").read_text()
    assert "CC BY-SA 3.0" in licence and "8f3472cf" in licence


def test_a_fingerprint_follows_the_content(tmp_path) -> None:
    """xxh3-128; read again when the file changes."""
    path = tmp_path / "model.bin"
    path.write_bytes(b"one")
    assert model_file.file_hash(path) == xxhash.xxh3_128_hexdigest(b"one")
    path.write_bytes(b"three")
    assert model_file.file_hash(path) == xxhash.xxh3_128_hexdigest(b"three")


@pytest.mark.parametrize("name", ["nowhere.bin", "."])
def test_a_model_that_cannot_be_read_says_so(tmp_path, name: str) -> None:
    """With the path, and that nothing is downloaded."""
    with pytest.raises(InputError, match="never downloaded"):
        model_file.labels(tmp_path / name)
