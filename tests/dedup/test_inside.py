"""Protected texts inside documents: which documents go, or which passages of them."""

from dataclasses import replace

import pytest

from refinery.dedup import corpus as corpora
from refinery.dedup.protect import Protect
from refinery.dedup.protected import leave_out
from refinery.definition.protections import Overlap
from tests.conftest import chinese_document, document
from tests.dedup.corpus import backwards, in_order, records_of, set_partitions, words, write_shard

QUESTION = (
    "A 54-year-old man comes to the clinic with chest pain that began two hours ago while he was shovelling snow."
    " Which of the following is the most likely cause of his pain?"
)
FRAGE = "根据《中华人民共和国宪法》的规定，下列关于公民基本权利和义务的说法，哪一项是正确的？"
SHORT = "What is the capital of the Republic of Palau?"
VERB = Protect({"exams": ("q",), "held": ("h",)}, exact=False, near=None, overlap=Overlap())
CUT = replace(VERB, overlap=Overlap(action="cut"))


def left_out(folder, items, arriving, verb=VERB, map_units=in_order, held=()):
    """Of each document that goes its number, rule, item and share; and the warnings."""
    shards = [
        write_shard(folder / "q", items, earlier=True, source="q"),
        write_shard(folder / "h", list(held), earlier=True, source="h"),
        *(write_shard(folder / source, texts, source=source) for source, texts in arriving.items()),
    ]
    outcome = leave_out(
        shards,
        verb.protected,
        verb.exact,
        verb.lookup,
        verb.overlap,
        map_units=map_units,
        work=folder / "work",
    )
    first = len(items) + len(held)
    gone = {
        number - first: (outcome.rules[rule], kept, round(similarity, 3))
        for number, rule, kept, similarity in records_of(outcome).tolist()
    }
    return gone, outcome


def cut_from(folder, items, arriving, verb=CUT, map_units=in_order):
    """Of each document of which passages are cut, those; the documents that go; and what is left of the others."""
    gone, outcome = left_out(folder, items, {"crawl": arriving}, verb, map_units)
    texts, cut = dict(enumerate(arriving)), {}
    for partition in range(outcome.spans.partitions):
        spans = outcome.spans.read(partition)
        assert (spans["document"] // outcome.partition_documents == partition).all()
        for number, rule, start, end, characters, other in sorted(spans.tolist(), reverse=True):
            document = number - len(items)
            assert outcome.rules[rule] == "protect.exams.overlap"
            passage = arriving[document].encode()[start:end].decode()
            assert len(passage) == characters
            cut.setdefault(document, []).insert(0, (passage, other))
            left = texts[document].encode()
            texts[document] = (left[:start] + left[end:]).decode()
    assert not cut.keys() & gone.keys()
    return cut, gone, texts


def test_an_item_is_found_inside_a_page(tmp_path):
    """Whatever the case and punctuation: a long item by most of it, a short one as a whole, in both scripts."""
    page, seite = document(1), chinese_document(1)
    arriving = {
        "whole": f"{page}\n{QUESTION.upper()}\n{page}",
        "most": f"{page} {' '.join(QUESTION.split()[:20])} {page}",
        "less": f"{page} {' '.join(QUESTION.split()[:14])} {page}",
        "zh": f"{seite}{FRAGE.replace('，', ',')}{seite}",
        "short": f"{page} what is the capital of the republic of palau, {page}",
        "longer word": f"{page} what is the capital of the republic of palauans",
        "part of the short": f"{page} What is the capital of the Republic of {page}",
        "none": page,
    }
    gone, outcome = left_out(tmp_path, [QUESTION, FRAGE, SHORT], {"crawl": list(arriving.values())})
    rule = "protect.exams.overlap"
    names = list(arriving)
    found = {names[number]: (kept, share) for number, (_, kept, share) in gone.items()}
    assert {name for _, (name, *_) in gone.items()} == {rule}
    share = len(" ".join(QUESTION.split()[:20])) / len(QUESTION)
    assert found == {
        "whole": (0, 1),
        "most": (0, pytest.approx(share, abs=0.01)),
        "zh": (1, 1),
        "short": (2, 1),
    }
    assert outcome.warnings == ()


def test_what_is_too_short_is_told(tmp_path):
    """It is not looked for, and neither is anything if all is."""
    gone, outcome = left_out(
        tmp_path, ["yes", "no", "?"], {"crawl": ["yes and no", "yes"]}, held=["a b", QUESTION]
    )
    assert gone == {}
    assert outcome.warnings == tuple(
        f"{count} texts of protect.{name} are below 8 words or 14 characters: not looked for"
        for count, name in ((2, "exams"), (1, "held"))
    )
    for verb in (VERB, CUT):
        gone, outcome = left_out(tmp_path, ["yes"], {"crawl": [QUESTION]}, verb)
        assert (gone, len(outcome.warnings)) == ({}, 1)


def test_a_clause_of_many_statutes_drops_none(tmp_path):
    """N-grams in more than ten documents of a source say nothing, and an item of such alone is told."""
    clause = (
        "This Act may be cited by its short title and comes into force on the day on which it receives assent"
    )
    rest = " ".join(words(8, 3))
    statutes = [f"{document(n)} {clause}" for n in range(12)]
    items = [f"{clause} {rest}", clause]
    gone, outcome = left_out(tmp_path, items, {"law": [*statutes, f"{clause} {rest}"], "web": [document(90)]})
    assert {number: kept for number, (_, kept, _) in gone.items()} == {12: 0}
    assert outcome.warnings == (
        "1 texts of protect.exams are made of n-grams that are common: not looked for",
    )
    gone, _ = left_out(tmp_path, items, {"law": statutes[:10], "web": [document(90)]})
    assert set(gone) == set(range(10))
    every = replace(VERB, overlap=Overlap(common=None))
    assert len(left_out(tmp_path, items, {"law": statutes}, every)[0]) == 12


def test_partitions_and_order_of_units_change_nothing(tmp_path, monkeypatch):
    """The same documents go for the same items."""
    items = [*(document(n)[:200] for n in range(30)), document(3)[:300]]
    arriving = {name: [document(n)[20 * k :] for n in range(k, 40)] for k, name in enumerate("abc")}
    whole, _ = left_out(tmp_path, items, arriving)
    assert len(whole) > 60
    texts = [text for texts in arriving.values() for text in texts]
    cut = cut_from(tmp_path, items, texts)
    assert len(cut[0]) > 60
    set_partitions(monkeypatch, 300)
    monkeypatch.setattr(corpora, "LEAST_DOCUMENTS", 7)
    assert left_out(tmp_path, items, arriving, map_units=backwards)[0] == whole
    assert cut_from(tmp_path, items, texts, map_units=backwards) == cut


def test_copies_come_before_what_has_an_item_inside(tmp_path):
    """A document that is an item is a copy; a protected source goes as such."""
    both = replace(VERB, exact=True)
    gone, _ = left_out(tmp_path, [QUESTION], {"crawl": [QUESTION, f"x {QUESTION}"], "h": [QUESTION]}, both)
    assert [rule for rule, *_ in gone.values()] == ["protect.exams", "protect.exams.overlap", "protect.held"]


def test_the_sentences_that_an_item_stands_in_are_cut(tmp_path):
    """And nothing else, once for each place; a document of which nothing is left goes."""
    before, after = "Here is a first line.\n", " And here the text goes on."
    arriving = [
        f"{before}{QUESTION}{after}",
        f"{before}So: {QUESTION.upper()}{after}\n{'More text. ' * 50}{QUESTION}",
        f"前面的一句话。{FRAGE}后面的一句话。",
        f"{QUESTION} - {FRAGE} ...",
        before,
        f"{before}{' '.join(QUESTION.split()[:14])}{after}",
    ]
    cut, gone, left = cut_from(tmp_path, [QUESTION, FRAGE], arriving)
    assert gone == {3: ("protect.exams.overlap", 0, 1.0)}
    assert {number: [other for _, other in passages] for number, passages in cut.items()} == {
        0: [0],
        1: [0, 0],
        2: [1],
    }
    assert left[0] == f"{before}{after[1:]}"
    assert left[1] == f"{before}{after[1:]}\n{'More text. ' * 50}"
    assert left[2] == "前面的一句话。后面的一句话。"
    assert (left[4], left[5]) == (arriving[4], arriving[5])


def test_what_a_document_has_too_little_of_stays(tmp_path):
    """Though it has an n-gram of it, beside an item that it has enough of; a document that goes is not cut."""
    other = " ".join(words(40, 3))
    part = f"Then {' '.join(words(40, 3)[:14])} too."
    cut, _, left = cut_from(tmp_path, [QUESTION, other], [f"{part} {QUESTION}"])
    assert (left[0], len(cut)) == (f"{part} ", 1)
    gone, outcome = left_out(tmp_path, [QUESTION], {"h": [f"One. {QUESTION}"]}, CUT)
    assert [rule for rule, *_ in gone.values()] == ["protect.held"]
    assert not len(outcome.spans.read(0))
