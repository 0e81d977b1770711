"""`refinery budget`."""

import json

import refinery as package


def test_budget_of_a_corpus(refinery):
    """Tables for people, JSON as from Python for machines."""
    code, out, _ = refinery("budget", "--unique", "2B", "--params", "1.3B")
    assert code == 0
    assert "29.1B" in out
    found = json.loads(refinery("budget", "--unique", "2B", "--params", "1.3B", "--json")[1])
    assert found["models"][0]["trained"] == package.budget(2e9, [1.3e9]).models[0].trained


def test_mistakes_are_one_line(refinery):
    """Nothing given, both given, no size, a number that is none: exit code 2."""
    for arguments in (
        ("--params", "1B"),
        ("p.yaml", "--unique", "2B", "--params", "1B"),
        ("--unique", "2B", "--params", "big"),
        ("--unique", "2B", "--params", "3"),
        ("absent.yaml", "--params", "1B"),
    ):
        code, out, err = refinery("budget", *arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1), arguments
