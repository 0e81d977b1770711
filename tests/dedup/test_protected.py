"""Leaving out what is protected, against comparing every document with every protected one."""

from dataclasses import replace

import numpy as np
import pytest

from refinery.dedup import corpus as corpora
from refinery.dedup import probe, protected
from refinery.dedup.protect import Protect
from refinery.dedup.protected import leave_out
from refinery.definition.protections import NearCopies
from refinery.filters.verb import NONE
from tests.conftest import chinese_document, document
from tests.dedup.corpus import (
    backwards,
    in_order,
    jaccard,
    pair,
    records_of,
    set_partitions,
    words,
    write_shard,
)

VERB = Protect({"heldout": ("heldout",), "exams": ("q", "a")}, exact=True, near=NearCopies())


def left_out(folder, shards, verb=VERB, map_units=in_order):
    """Every dropped document by its number: rule, the protected one, similarity; protected ones come first."""
    compared = verb.protected, verb.exact, verb.lookup, verb.overlap
    outcome = leave_out(shards, *compared, map_units=map_units, work=folder / "work")
    return {
        number: (outcome.rules[rule], kept, similarity)
        for number, rule, kept, similarity in records_of(outcome).tolist()
    }


def corpus(folder, held, arriving, source="crawl"):
    """Protected texts of the source `heldout`, and others."""
    return [
        write_shard(folder / "held.parquet", held, earlier=True, source="heldout"),
        write_shard(folder / "crawl.parquet", arriving, source=source),
    ]


def test_copies_and_near_copies_go_and_near_misses_stay(tmp_path):
    """Of pairs on both sides of the threshold exactly those at it or above go, each for its own original."""
    levels = (0.6, 0.7, 0.76, 0.79, 0.81, 0.84, 0.9, 0.97)
    pairs = [pair(level, 100 * n + k) for k, level in enumerate(levels) for n in range(1, 30)]
    held, arriving = zip(*pairs, strict=True)
    found = left_out(tmp_path, corpus(tmp_path, held, arriving))
    exact = [jaccard(*texts) for texts in pairs]
    due = {len(held) + n: n for n, similarity in enumerate(exact) if similarity >= 0.8}
    assert {number: kept for number, (_, kept, _) in found.items()}.items() <= due.items()
    assert len(found) >= 0.99 * len(due) > 50
    for number, (rule, kept, similarity) in found.items():
        assert rule == "protect.heldout"
        assert similarity == pytest.approx(exact[kept], abs=0.03)  # the closest are not read but estimated
        assert number == len(held) + kept


@pytest.mark.parametrize("write", [document, chinese_document])
def test_what_arrives_is_never_compared_with_itself(write, tmp_path):
    """Copies of one another stay, all of them; copies of a protected document go, all of them."""
    arriving = [write(1)] * 5 + [write(2)] * 5
    found = left_out(tmp_path, corpus(tmp_path, [write(2), write(3), write(3)], arriving))
    assert found == {3 + n: ("protect.heldout", 0, 1.0) for n in range(5, 10)}


def test_short_items_are_compared_by_their_words(tmp_path):
    """Case, width and punctuation apart; a text without words is a copy of nothing."""
    arriving = ["what is the CAPITAL of France", "what is the capital of Spain", "?!", ""]
    assert left_out(tmp_path, corpus(tmp_path, ["What is the capital of France?", "?!", ""], arriving)) == {
        3: ("protect.heldout", 0, 1.0)
    }


def test_by_containment_goes_what_has_a_protected_document_in_it(tmp_path):
    """A document half as long again, which is no near copy by Jaccard; the similarity is the exact one."""
    item, more = words(200, 1), words(100, 2)
    shards = corpus(
        tmp_path, [" ".join(item)], [" ".join(more[:50] + item + more[50:]), " ".join(more + more)]
    )
    assert left_out(tmp_path, shards) == {}
    verb = replace(VERB, near=NearCopies(measure="containment"))
    assert left_out(tmp_path, shards, verb) == {1: ("protect.heldout", 0, pytest.approx(0.9999))}


def test_the_rule_is_that_of_the_protected_document(tmp_path):
    """Of a document that is like several, the most similar, then the first, is on record."""
    long = words(300, 1)
    shards = [
        write_shard(tmp_path / "h", [" ".join(long[:280])], earlier=True, source="heldout"),
        write_shard(tmp_path / "q", [" ".join(long[:295])], earlier=True, source="q"),
        write_shard(tmp_path / "none", [], earlier=True, source="q"),
        write_shard(tmp_path / "a", ["yes", document(4)], earlier=True, source="a"),
        write_shard(tmp_path / "c", [" ".join(long), "Yes.", document(4), document(5)]),
    ]
    found = left_out(tmp_path, shards)
    assert {number: (rule, kept) for number, (rule, kept, _) in found.items()} == {
        4: ("protect.exams", 1),
        5: ("protect.exams", 2),
        6: ("protect.exams", 3),
    }


def test_a_protected_source_goes_as_a_whole(tmp_path):
    """Its documents are no copies of others but protected themselves, with words or without."""
    shards = corpus(tmp_path, [document(1), ""], [document(1), "", document(2)], source="heldout")
    found = left_out(tmp_path, shards)
    assert {number: found[number][:2] for number in found} == dict.fromkeys(
        (2, 3, 4), ("protect.heldout", NONE)
    )
    assert all(np.isnan(similarity) for _, _, similarity in found.values())


@pytest.mark.parametrize(
    ("settings", "gone"), [({"exact": True, "near": None}, {2}), ({"exact": False}, {2, 3})]
)
def test_each_comparison_alone(settings, gone, tmp_path):
    """Key texts alone leave near copies; shingles alone find copies too."""
    held = [document(1), document(2)]
    shards = corpus(tmp_path, held, [document(1), f"{document(2)} and more", document(3)])
    assert set(left_out(tmp_path, shards, replace(VERB, **settings))) == gone


def test_partitions_blocks_and_order_of_units_change_nothing(tmp_path, monkeypatch):
    """The same documents go for the same ones, those too that are copies or like ones of several blocks."""
    held = [
        f"{document(20)} once",
        *(document(n) for n in range(40)),
        document(20),
        document(21),
        document(20),
    ]
    arriving = [f"{document(n)} {n % 3 * 'and so on '}" for n in range(20, 60)]
    shards = corpus(tmp_path, held, arriving)
    whole = left_out(tmp_path, shards)
    assert len(whole) == 20
    set_partitions(monkeypatch, 300)
    monkeypatch.setattr(corpora, "LEAST_DOCUMENTS", 7)
    monkeypatch.setattr(protected, "BLOCK_DOCUMENTS", 11)
    assert probe.BLOCK_DOCUMENTS > 11
    assert left_out(tmp_path, shards, map_units=backwards) == whole
