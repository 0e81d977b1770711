"""Protected texts inside documents, through the verb that leaves them out."""

from dataclasses import replace

import pytest

from refinery.dedup import corpus as corpora
from refinery.dedup.protect import Protect
from refinery.dedup.protected import leave_out
from refinery.definition.models import Overlap
from tests.conftest import chinese_document, document
from tests.dedup.corpus import backwards, in_order, records_of, set_partitions, words, write_shard

QUESTION = (
    "A 54-year-old man comes to the clinic with chest pain that began two hours ago while he was shovelling snow."
    " Which of the following is the most likely cause of his pain?"
)
FRAGE = "根据《中华人民共和国宪法》的规定，下列关于公民基本权利和义务的说法，哪一项是正确的？"
SHORT = "What is the capital of the Republic of Palau?"
VERB = Protect({"exams": ("q",), "held": ("h",)}, exact=False, near=None, overlap=Overlap())


def left_out(folder, items, arriving, verb=VERB, map_units=in_order, held=()):
    """Of each document that goes its number, rule, item and share; and the warnings."""
    shards = [
        write_shard(folder / "q", items, earlier=True, source="q"),
        write_shard(folder / "h", list(held), earlier=True, source="h"),
        *(write_shard(folder / source, texts, source=source) for source, texts in arriving.items()),
    ]
    compared = verb.protected, verb.exact, verb.lookup, verb.overlap
    outcome = leave_out(shards, *compared, map_units=map_units, work=folder / "work")
    first = len(items) + len(held)
    gone = {
        number - first: (outcome.rules[rule], kept, round(similarity, 3))
        for number, rule, kept, similarity in records_of(outcome).tolist()
    }
    return gone, outcome.warnings


def test_an_item_is_found_inside_a_page(tmp_path):
    """Whatever the case and punctuation: a long item by half of it, a short one as a whole, in both scripts."""
    page, seite = document(1), chinese_document(1)
    arriving = {
        "whole": f"{page}\n{QUESTION.upper()}\n{page}",
        "half": f"{page} {' '.join(QUESTION.split()[:18])} {page}",
        "less": f"{page} {' '.join(QUESTION.split()[:14])} {page}",
        "zh": f"{seite}{FRAGE.replace('，', ',')}{seite}",
        "short": f"{page} what is the capital of the republic of palau, {page}",
        "part of the short": f"{page} What is the capital of the Republic of {page}",
        "none": page,
    }
    gone, warnings = left_out(tmp_path, [QUESTION, FRAGE, SHORT], {"crawl": list(arriving.values())})
    rule = "protect.exams.overlap"
    names = list(arriving)
    found = {names[number]: (kept, share) for number, (_, kept, share) in gone.items()}
    assert {name for _, (name, *_) in gone.items()} == {rule}
    share = len(" ".join(QUESTION.split()[:18])) / len(QUESTION)
    assert found == {
        "whole": (0, 1),
        "half": (0, pytest.approx(share, abs=0.01)),
        "zh": (1, 1),
        "short": (2, 1),
    }
    assert warnings == ()


def test_what_is_too_short_is_told(tmp_path):
    """It is not looked for, and neither is anything if all is."""
    gone, warnings = left_out(
        tmp_path, ["yes", "no", "?"], {"crawl": ["yes and no", "yes"]}, held=["a b", QUESTION]
    )
    assert gone == {}
    assert warnings == tuple(
        f"{count} texts of protect.{name} are below 8 words or 13 characters: not looked for"
        for count, name in ((2, "exams"), (1, "held"))
    )
    _, warnings = left_out(tmp_path, ["yes"], {"crawl": [QUESTION]})
    assert len(warnings) == 1


def test_a_clause_of_many_statutes_drops_none(tmp_path):
    """N-grams in more than ten documents of a source say nothing, and an item of such alone is told."""
    clause = (
        "This Act may be cited by its short title and comes into force on the day on which it receives assent"
    )
    rest = " ".join(words(8, 3))
    statutes = [f"{document(n)} {clause}" for n in range(12)]
    items = [f"{clause} {rest}", clause]
    gone, warnings = left_out(
        tmp_path, items, {"law": [*statutes, f"{clause} {rest}"], "web": [document(90)]}
    )
    assert {number: kept for number, (_, kept, _) in gone.items()} == {12: 0}
    assert warnings == ("1 texts of protect.exams are made of n-grams that are common: not looked for",)
    gone, _ = left_out(tmp_path, items, {"law": statutes[:10], "web": [document(90)]})
    assert set(gone) == set(range(10))
    every = replace(VERB, overlap=Overlap(common=None))
    assert len(left_out(tmp_path, items, {"law": statutes}, every)[0]) == 12


def test_commonness_is_of_one_source(tmp_path):
    """Ten documents of each of two sources are not more than ten of one."""
    arriving = {
        name: [f"{document(n + k)} {QUESTION}" for n in range(10)] for name, k in (("a", 0), ("b", 50))
    }
    assert len(left_out(tmp_path, [QUESTION], arriving)[0]) == 20


def test_partitions_and_order_of_units_change_nothing(tmp_path, monkeypatch):
    """The same documents go for the same items."""
    items = [*(document(n)[:200] for n in range(30)), document(3)[:300]]
    arriving = {name: [document(n)[20 * k :] for n in range(k, 40)] for k, name in enumerate("abc")}
    whole = left_out(tmp_path, items, arriving)
    assert len(whole[0]) > 60
    set_partitions(monkeypatch, 300)
    monkeypatch.setattr(corpora, "LEAST_DOCUMENTS", 7)
    assert left_out(tmp_path, items, arriving, map_units=backwards) == whole


def test_copies_come_before_what_has_an_item_inside(tmp_path):
    """A document that is an item is a copy; a protected source goes as such."""
    both = replace(VERB, exact=True)
    gone, _ = left_out(tmp_path, [QUESTION], {"crawl": [QUESTION, f"x {QUESTION}"], "h": [QUESTION]}, both)
    assert [rule for rule, *_ in gone.values()] == ["protect.exams", "protect.exams.overlap", "protect.held"]
