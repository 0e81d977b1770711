from collections.abc import Callable
from pathlib import Path

import pytest

from refinery.errors import InputError
from refinery.models import importance, scorer
from refinery.models.loaded import once
from refinery.models.model_file import file_hash
from tests.fasttext_models import model
from tests.models.domains import MEDICAL, OTHER, documents, write


def test_what_is_read_is_read_once_for_each_key() -> None:
    """Whoever asks, and within what is being read; another kind or content is read by itself."""
    read: list[str] = []

    def note(name: str) -> str:
        read.append(name)
        return name

    for _ in range(2):
        assert once(lambda: once(lambda: note("inner"), "test", 1) + note("outer"), "test", 2) == "innerouter"
        assert once(lambda: note("other"), "test two", 1) == "other"
    assert read == ["inner", "outer", "other"]


def test_an_error_is_not_kept() -> None:
    """A file that is put right is read the next time."""
    with pytest.raises(ZeroDivisionError):
        once(lambda: 1 // 0, "test", "error")
    assert once(lambda: 3, "test", "error") == 3


@pytest.mark.parametrize("kind", ["importance", "scorer"])
def test_another_file_than_the_one_checked_is_an_error(tmp_path: Path, kind: str) -> None:
    """In a process that has not read the first; what is held already serves on."""
    path = tmp_path / "model"
    load: Callable[..., object]
    if kind == "importance":
        target = write(tmp_path / "target.parquet", documents(MEDICAL, 30, 1))
        raw = write(tmp_path / "raw.parquet", documents(OTHER, 30, 2))
        importance.train_importance([target], [raw], path, buckets=1000)
        load = importance.load_importance
    else:
        path.write_bytes(model("two labels").read_bytes())
        load = scorer.load_scorer
    held, key = load(path), file_hash(path)
    with pytest.raises(InputError, match=r"model: the model changed since the definition was checked"):
        load(path, "0" * 32)
    path.write_bytes(b"other")
    assert load(path, key) is held
    with pytest.raises(InputError):
        load(path)
