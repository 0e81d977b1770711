"""Labels from Python: what is drawn, labelled and read back."""

import json

import pytest

import refinery
from refinery.errors import DefinitionError, InputError


def test_a_round_by_hand(tiny_run, tmp_path):
    """Documents are drawn from a run, labelled by their length, and the cut lies where the labels change."""
    file = tmp_path / "labels.jsonl"
    sample = refinery.label(tiny_run, ["words", "lang_score"], file, n=40)
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert rows == list(sample.rows)
    assert sample.near == 50
    file.write_text("".join(json.dumps(row | {"label": row["words"] >= 20}) + "\n" for row in rows))
    column, _, cut = refinery.threshold(file, precision=1).rule.split()
    longer, shorter = (
        [row["words"] for row in rows if (row["words"] >= 20) is long] for long in (True, False)
    )
    assert column == "words"
    assert max(shorter) < float(cut) <= min(longer)
    found = refinery.compare(file)
    assert [score.column for score in found.scores] == ["words", "lang_score"]
    assert found.scores[0].auc.value == 1


def test_mistakes_cost_no_work(tiny_run, tmp_path):
    """They are told before anything is read, and a file that is there stays."""
    (tmp_path / "there.csv").write_text("labels")
    for wrong, message in (
        ({"n": 19}, "19 documents; 20 labels are needed"),
        ({"chars": 0}, "chars: expected 1 to 32767"),
        ({"out": "labels.txt"}, r"ends in \.csv or \.jsonl"),
        ({"column": []}, "column: name one"),
        ({"column": "wrds"}, 'did you mean "words"'),
    ):
        given = {"column": "words", "out": tmp_path / "new.csv", **wrong}
        with pytest.raises(DefinitionError, match=message):
            refinery.label(tiny_run, **given)
    with pytest.raises(InputError, match="may hold labels"):
        refinery.label("absent.yaml", "words", tmp_path / "there.csv")
    assert not (tmp_path / "new.csv").exists()
