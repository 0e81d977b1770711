import json
from pathlib import Path

import pytest

from refinery.errors import InputError
from refinery.models.card import resolve
from refinery.models.card_text import write_card
from refinery.models.model_file import file_hash
from tests.models.cards import card


def test_a_card_comes_back_with_its_model(tmp_path: Path) -> None:
    """By folder or by file."""
    (tmp_path / "model.bin").write_bytes(b"model")
    written = card(file_hash(tmp_path / "model.bin"))
    write_card(written, tmp_path)
    assert resolve(tmp_path) == (tmp_path / "model.bin", written)
    assert resolve(tmp_path / "model.bin") == (tmp_path / "model.bin", written)


def test_a_file_beside_a_foreign_card_has_none(tmp_path: Path) -> None:
    """Only a folder promises that its card and its model belong together."""
    (tmp_path / "model.bin").write_bytes(b"model")
    write_card(card("0" * 32), tmp_path)
    assert resolve(tmp_path / "model.bin") == (tmp_path / "model.bin", None)
    with pytest.raises(InputError, match="another model"):
        resolve(tmp_path)


def test_a_card_without_later_fields_is_read(tmp_path: Path) -> None:
    """One that was written before sources were judged: its numbers are there, what it lacks is empty."""
    (tmp_path / "model.bin").write_bytes(b"model")
    fields = card(file_hash(tmp_path / "model.bin")).model_dump(mode="json")
    for later in ("expected", "judged", "style_auc", "languages"):
        del fields[later]
    (tmp_path / "card.json").write_text(json.dumps(fields))
    _, found = resolve(tmp_path)
    assert found and (found.suggested.threshold, found.judged, found.style_auc) == (0.25, (), None)
