"""The document that is there already, or protected, beside one that goes for it."""

import json

import pytest

import refinery
from tests.conftest import document


@pytest.fixture
def repository(tmp_path):
    """A first run over one text; a second source with nearly the same, and one like what is held out."""

    def write(name, rows):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    first, held = document(1), document(2)
    write("first.jsonl", [{"id": "old", "text": first}])
    write("held.jsonl", [{"id": "exam", "text": held}])
    more = [first.replace(" the ", " that ", 1), held.replace(" the ", " that ", 1), document(3)]
    write("more.jsonl", [{"id": f"new{n}", "text": text} for n, text in enumerate(more)])
    head = "refinery: 1\nname: {name}\nsources:\n  crawl: {{path: {path}}}\n"
    (tmp_path / "first.yaml").write_text(
        head.format(name="first", path="first.jsonl")
        + "stages: {all: {from: crawl, dedup: {exact: true}}}\noutputs: {all: {from: all, path: first}}\n"
    )
    (tmp_path / "more.yaml").write_text(
        head.format(name="more", path="more.jsonl")
        + "  held: {path: held.jsonl}\nprotect: {held: {from: held}}\n"
        + "stages: {all: {from: crawl, dedup: {near: {similarity: 0.8}, against: first}}}\n"
        + "outputs: {all: {from: all, path: more}}\n"
        + "guards: {dedup_loss: off, duplicates_of_one: off}\n"
    )
    for name in ("first", "more"):
        refinery.run(tmp_path / f"{name}.yaml", workers=1, progress=False)
    return tmp_path


def test_what_is_protected_and_what_an_earlier_run_kept_stand_beside_what_goes(repository, refinery):
    """With its text as it is compared, and the words that differ; it says which of the two it is."""
    for name, kept, outcome in (("new0", "old", "earlier"), ("new1", "exam", "protected")):
        code, out, _ = refinery("explain", repository / "more.yaml", name, "--json")
        found = json.loads(out)
        assert code == 0
        assert (found["duplicate"]["id"], found["duplicate"]["outcome"]) == (kept, outcome)
        assert [(one["ours"].strip(), one["theirs"].strip()) for one in found["differences"]] == [
            ("that", "the")
        ]
        _, shown, _ = refinery("explain", repository / "more.yaml", name)
        assert "kept instead" in shown and "differences: 1" in shown
    assert "protected: kept out of outputs" in shown
