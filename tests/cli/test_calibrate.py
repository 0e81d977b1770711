"""`refinery calibrate`."""

import json
from pathlib import Path

import pytest

from refinery.filters.rules import load_rule_set
from tests.conftest import document, write_parquet


def test_a_rule_file_of_files(refinery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written and told, and as JSON."""
    monkeypatch.chdir(tmp_path)
    write_parquet(tmp_path / "good.parquet", [{"text": document(n, 3)} for n in range(20)])
    (tmp_path / "own.yaml").write_text('rules: {long: "words >= 500"}\n')
    options = ("--trusted", "good.parquet", "--rules", "./own.yaml", "--lose", "5%", "--measure", " signals,")
    code, out, _ = refinery("calibrate", *options, "--out", "moved.yaml", "-q")
    assert code == 0
    assert "Written to moved.yaml" in out
    (rule,) = load_rule_set("./moved.yaml").rules
    assert rule.name == "moved.long"
    assert int(rule.predicate.split()[-1]) < 500
    found = json.loads(refinery("calibrate", *options, "-q", "--json")[1])
    assert found["calibrated-rules"]["rules"][0]["predicate"] == rule.predicate


def test_mistakes_are_one_line(refinery, tmp_path: Path) -> None:
    """Nothing given, no rules, a stage that is not calibrated: exit code 2."""
    (tmp_path / "p.yaml").write_text(
        "refinery: 1\nname: p\nsources: {a: {path: a.jsonl}}\nstages: {s: {from: a}}\n"
        "outputs: {o: {from: s, path: o}}\n"
    )
    (tmp_path / "a.jsonl").write_text('{"text": "A."}\n')
    for arguments in ((), ("--trusted", "x.parquet"), (str(tmp_path / "p.yaml"),)):
        code, out, err = refinery("calibrate", *arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1), arguments
