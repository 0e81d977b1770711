import io
from pathlib import Path

import numpy as np
import pytest

from refinery.errors import DefinitionError, InputError
from refinery.models.importance import load_importance, train_importance
from tests.models.domains import MEDICAL, OTHER, documents, write


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("importance")
    return (
        write(folder / "target.parquet", documents(MEDICAL, 60, 1)),
        write(folder / "raw.parquet", documents(MEDICAL, 20, 3) + documents(OTHER, 200, 2)),
    )


def test_the_file_holds_two_distributions(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Probabilities of 10,000 buckets, the same bytes each time, read without pickle."""
    path = train_importance([files[0]], [files[1]], tmp_path / "deep" / "m.npz")
    again = train_importance([files[0]], [files[1]], tmp_path / "n.npz")
    assert path.read_bytes() == again.read_bytes()
    with np.load(path, allow_pickle=False) as stored:
        target, raw = stored["target"], stored["raw"]
    assert target.shape == raw.shape == (10_000,)
    assert target.sum() == pytest.approx(1) and raw.sum() == pytest.approx(1)
    assert np.array_equal(load_importance(path).weights, np.log(target + 1e-8) - np.log(raw + 1e-8))


def test_text_without_a_word_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    """A side without counts has no distribution."""
    empty = write(tmp_path / "empty.parquet", ["", "!!"])
    with pytest.raises(DefinitionError, match="raw documents: none has a word"):
        train_importance([files[0]], [empty], tmp_path / "m.npz")


def saved(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


HALF, VERSION = np.full(2, 0.5), np.array([1], np.int64)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not an importance model"),
        (saved(target=HALF), "not an importance model"),
        (saved(target=HALF, raw=HALF, format=np.array([2], np.int64)), "another version"),
        (saved(target=HALF, raw=np.full(3, 1 / 3), format=VERSION), "raw are not probabilities"),
        (saved(target=np.array([np.nan, 1]), raw=HALF, format=VERSION), "target are not probabilities"),
        (saved(target=np.array([2.0, -1.0]), raw=HALF, format=VERSION), "target are not probabilities"),
    ],
)
def test_other_files_are_refused(content: bytes, problem: str, tmp_path: Path) -> None:
    """Empty, half of it, another version, no probabilities; see test_npz."""
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"model.npz: .*{problem}"):
        load_importance(path)
