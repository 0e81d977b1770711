import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.dedup import spill
from refinery.dedup.components import ForestUnit, MergeUnit, merge_forests, write_forest
from refinery.dedup.layout import Layout
from refinery.dedup.resolve import chosen_edges
from refinery.dedup.verify import near_dtype

PAIRS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30)).filter(lambda p: p[0] != p[1]), max_size=40
)


def edges_of(layout: Layout, pairs: list[tuple[int, int]]) -> np.ndarray:
    edges = np.zeros(len(pairs), near_dtype(layout))
    edges["document"], edges["twin"] = [max(p) for p in pairs], [min(p) for p in pairs]
    edges["similarity"] = 0.9
    return edges


def components(pairs: list[tuple[int, int]]) -> dict[int, int]:
    """The least number that can be reached from each."""
    root = {n: n for pair in pairs for n in pair}
    for _ in root:
        for one, other in pairs:
            root[one] = root[other] = min(root[one], root[other])
    return root


@given(st.lists(PAIRS, min_size=2, max_size=5))
def test_merged_forests_label_the_components_of_all_edges(tmp_path_factory, files):
    """Merging forests of parts of the edges, two by two, gives every document its component's least one."""
    folder = tmp_path_factory.mktemp("forests")
    layout = Layout(folder, 31, 0, (), 112, 100, 1000)
    layout.open("near", "forest")
    for number, pairs in enumerate(files):
        edges = edges_of(layout, pairs)
        spill.write_cut(
            layout.file("near", number), edges, layout.stretch_of(edges["document"]), layout.stretches
        )
        write_forest(ForestUnit(layout, "near", number, number, number + 1))
    left, made = layout.files("forest", len(files)), len(files)
    while len(left) > 1:
        target = layout.file("forest", made)
        merge_forests(MergeUnit(left[0], left[1], target))
        left, made = [*left[2:], target], made + 1
    found = spill.read_cut(left, spill.PAIR, 1, 0).tolist()
    assert found == sorted(components([pair for pairs in files for pair in pairs]).items())


@given(PAIRS, st.randoms())
def test_resolving_components_alone_or_together_is_the_same(pairs, random):
    """Who is removed depends on the component only, and every removed one has a kept twin."""
    layout = Layout(None, 31, 0, (), 112, 100, 1000)
    edges = edges_of(layout, list({(max(p), min(p)) for p in pairs}))
    edges["similarity"] = [random.choice([0.8, 0.9, 1.0]) for _ in edges]
    whole = [(e["document"], e["twin"]) for e in chosen_edges(edges)]
    root = components(pairs)
    labels = np.array([root[n] for n in edges["document"].tolist()], np.int64)
    alone = [
        (e["document"], e["twin"])
        for r in sorted(set(root.values()))
        for e in chosen_edges(edges[labels == r])
    ]
    assert sorted(alone) == whole
    removed = {document for document, _ in whole}
    assert not {twin for _, twin in whole} & removed
    kept = set(root) - removed
    assert not any(a in kept and b in kept for a, b in pairs)
