import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.dedup import spill
from refinery.dedup.fates import (
    RESULT,
    CopiesUnit,
    FateUnit,
    GuardUnit,
    RemovedUnit,
    answer_requests,
    too_large,
    write_copies,
    write_removed,
)
from refinery.dedup.layout import Layout, Piece
from refinery.dedup.verify import near_dtype

TOTAL = 24


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 12), min_size=TOTAL, max_size=TOTAL),
    st.integers(0, 6),
    st.integers(1, 10),
    st.randoms(use_true_random=False),
)
def test_copies_share_the_fate_of_what_they_copy(tmp_path_factory, contents, frozen, size, chosen):
    """As a dictionary tells it, wherever stretches are cut: the twin is kept, and frozen documents stay."""
    layout = Layout(tmp_path_factory.mktemp("fates"), TOTAL, frozen, (), 112, size, 1000)
    first = {content: contents.index(content) for content in contents}
    copies = {n: first[content] for n, content in enumerate(contents) if first[content] != n}
    near: dict[int, tuple[int, float]] = {}
    for lead in sorted(first.values()):
        kept = [n for n in first.values() if n < lead and n not in near]
        if lead >= frozen and kept and chosen.random() < 0.5:
            near[lead] = chosen.choice(kept), chosen.choice([0.8, 0.9])
    expected = {n: (twin, True, similarity) for n, (twin, similarity) in near.items()}
    for n, lead in copies.items():
        if n >= frozen:
            expected[n] = (near[lead][0], True, near[lead][1]) if lead in near else (lead, False, 1.0)
    assert removed(layout, copies, near) == {
        n: (twin, is_near, np.float32(similarity)) for n, (twin, is_near, similarity) in expected.items()
    }
    taken = [twin for twin, _ in near.values()]  # the guard counts what a document removes as near itself
    most = max((taken.count(twin) for twin in taken), default=0)
    assert too_large(GuardUnit(layout, 0, 1, (float(most),))) is None
    if most:
        twin, source, count = too_large(GuardUnit(layout, 0, 1, (most - 0.5,)))
        assert (source, count) == (0, most) and taken.count(twin) == most


def removed(layout: Layout, copies: dict[int, int], near: dict[int, tuple[int, float]]) -> dict:
    """Every removed document with its twin, by the units of a dedup with one range of hashes and of components."""
    layout.open(
        "exact-local", "exact-groups", "exact-pairs", "alike-pairs", "exact-requests", "alike-requests"
    )
    layout.open("exact-fates", "resolved", "removed", "clusters")
    numbers = range(layout.stretches)
    for number in numbers:
        spill.save(layout.file("exact-local", number), np.empty(0, spill.PAIR))
    pairs = np.array(list(copies.items()), spill.PAIR)
    stretches = layout.stretch_of(pairs["document"])
    spill.write_cut(layout.file("exact-groups", 0), pairs, stretches, layout.stretches)
    resolved = np.zeros(len(near), near_dtype(layout))
    resolved["document"] = list(near)
    resolved["twin"] = [twin for twin, _ in near.values()]
    resolved["similarity"] = [similarity for _, similarity in near.values()]
    stretches = layout.stretch_of(resolved["document"])
    spill.write_cut(layout.file("resolved", 0), resolved, stretches, layout.stretches)
    kinds = (("resolved", 1),)
    for number in numbers:
        assert write_copies(CopiesUnit(layout, number, ("exact",), 1)) == 0
    for number in numbers:
        answer_requests(FateUnit(layout, number, "exact", kinds))
    found = []
    for number in numbers:
        start = number * layout.stretch_documents
        stop = min(start + layout.stretch_documents, layout.total)
        place = layout.file("removed", number)
        pieces = (Piece(None, 0, start, 0, stop - start),)
        count = write_removed(RemovedUnit(layout, number, pieces, kinds, place, 1))
        found += spill.load(place, RESULT).tolist()
        assert count == len(spill.load(place, RESULT))
    assert [document for document, *_ in found] == sorted({document for document, *_ in found})
    return {document: (twin, is_near, similarity) for document, twin, is_near, similarity in found}
