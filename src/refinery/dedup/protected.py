"""Leaving out of a corpus what is protected, as units over partitions of documents.

1. Protected documents: what they are looked up by, in blocks.                  probe.write_block
2. Documents: copies of protected ones, candidates for near ones.               find_in_partition
3. Candidates that signatures do not settle by their texts.                     verify.settle
4. Documents that have a protected one inside.                                  inside.look_inside
5. Documents: those that go, each with the protected one that it is most like.  write_dropped

Documents are compared with the protected ones alone, never with each other. A document of a protected source goes as
such; there is none that it would be a copy of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from refinery.dedup.bands import bands_of
from refinery.dedup.candidates import edge_dtype
from refinery.dedup.copies import COPY
from refinery.dedup.corpus import Corpus, DedupShard, Partition, make_corpus, partition_rows, read_entries
from refinery.dedup.inside import Inside, look_inside
from refinery.dedup.minhash import minhash_of
from refinery.dedup.probe import BLOCK_DOCUMENTS, Probe, find_matches, write_block
from refinery.dedup.protect_rules import Rules, rules_of
from refinery.dedup.sorting import starts_of
from refinery.dedup.verify import Search, settle
from refinery.filters.verb import DROPPED_RECORD, NONE, Outcome
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place, remove_tree

if TYPE_CHECKING:
    from refinery.dedup.settings import Near
    from refinery.definition.protections import Overlap

UNIT_PARTITIONS, UNIT_BLOCKS = 5, 3  # whose bytes a unit holds


def leave_out(
    shards: Sequence[DedupShard],
    protected: Mapping[str, tuple[str, ...]],
    exact: bool,
    near: Near | None,
    overlap: Overlap | None,
    *,
    map_units: MapUnits,
    work: Place,
) -> Outcome:
    """Drops the documents that are protected, copies of protected ones or have one inside.

    By key text if `exact`, by shingles if `near`, by n-grams if `overlap` says how.
    shards: those with protected documents first, which are `earlier`; protected: by name the sources of those, of
    which a document that comes goes as such. map_units runs a picklable function over units and gives the results in
    their order; `work` is a folder of its own for records between units: what an earlier call left there is removed,
    and at the end all but the result.
    """
    remove_tree(work)
    keys = bands_of(near).count if near else 2  # exact: a hash takes the place of two keys
    corpus = make_corpus(shards, near.num_perm if near else 0, keys, work)
    probe = Probe(corpus, exact, near)
    partitions = partition_rows(shards, corpus)
    earlier = [shard for shard in shards if shard.documents.earlier]
    blocks = partition_rows(
        earlier, replace(corpus, documents=corpus.earlier, partition_documents=BLOCK_DOCUMENTS)
    )
    rules = rules_of(earlier, protected)
    blocks_bytes = UNIT_BLOCKS * min(corpus.earlier, BLOCK_DOCUMENTS) * probe.form.itemsize
    map_units = partial(map_units, memory=UNIT_PARTITIONS * corpus.partition_bytes + blocks_bytes)
    copies = corpus.records("copies", COPY)
    edges = corpus.records("edges", edge_dtype(corpus), partitions=corpus.partitions)
    with corpus.records("index", probe.form, writers=len(blocks)) as index:
        map_units("protect index", partial(write_block, probe, index), blocks)
        compare = partial(find_in_partition, probe, index, copies, edges, rules)
        candidates = sum(map_units("protect compare", compare, partitions))
    settled = None
    if near and candidates:
        settled = settle(
            Search(corpus, partitions, near, minhash_of(near), map_units), edges, "protect pairs:"
        )
        settled.far.remove()
    edges.remove()
    inside = look_inside(overlap, corpus, shards, rules, map_units) if overlap else Inside()
    result = corpus.records("dropped", DROPPED_RECORD, partitions=corpus.partitions)
    with copies:
        found = settled.near if settled else None
        write = partial(write_dropped, corpus, copies, found, inside.gone, rules, result)
        map_units("protect dropped", write, partitions)
    for records in (settled and settled.near, inside.gone):
        if records:
            records.remove()
    names = [f"protect.{name}" for name in protected]
    if overlap:
        names += [f"{name}.overlap" for name in names]
    outcome = Outcome(tuple(names), result, corpus.partition_documents)
    return replace(outcome, spans=inside.spans, warnings=inside.warnings)


def find_in_partition(
    probe: Probe, index: Records, copies: Records, edges: Records, rules: Rules, partition: Partition
) -> int:
    """Writes a partition's copies and candidates, see probe.find_matches; gives the number of the latter."""
    looked_up, _ = _arriving(probe.corpus, rules, partition)
    return find_matches(probe, index, copies, edges, partition, looked_up)


def _arriving(
    corpus: Corpus, rules: Rules, partition: Partition
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of a partition's documents are looked up; the rule of those that come of protected sources, NONE else."""
    arrives, _ = read_entries(corpus, partition)
    rule = np.full(len(arrives), NONE)
    for rows in partition.rows:
        documents = rows.shard.documents
        here = slice(
            rows.document - partition.first, rows.document - partition.first + rows.stop - rows.start
        )
        if documents.source in rules.sources:
            if not documents.earlier:
                rule[here][arrives[here]] = rules.sources[documents.source]
            arrives[here] = False
    return arrives, rule


def write_dropped(
    corpus: Corpus,
    copies: Records,
    near: Records | None,
    inside: Records | None,
    rules: Rules,
    result: Records,
    partition: Partition,
) -> None:
    """Writes the documents of a partition that go, ascending.

    Those are copies, near ones, those of protected sources, then those that have a protected one inside (COVERED).
    """
    exact = copies.read_written(partition.number)
    found = [_dropped(exact["document"], rules.of(exact["preferred"]), exact["preferred"], 1.0)]
    if near:
        most = _most_similar(near.read(partition.number))
        found.append(
            _dropped(most["document"], rules.of(most["preferred"]), most["preferred"], most["similarity"])
        )
    _, rule = _arriving(corpus, rules, partition)
    own = np.flatnonzero(rule != NONE)
    found.append(_dropped(partition.first + own, rule[own], NONE, np.nan))
    if inside:
        covered = inside.read(partition.number)
        covered = covered[~np.isin(covered["document"], np.concatenate(found)["document"])]
        covered = covered[np.argsort(covered["document"], kind="stable")]
        covered = covered[starts_of(covered["document"])]
        number = rules.inside(covered["protected"])
        found.append(_dropped(covered["document"], number, covered["protected"], covered["share"]))
    dropped = np.concatenate(found)
    dropped = dropped[np.argsort(dropped["document"])]
    result.write(partition.number, dropped, corpus.partition_of(dropped["document"]))


def _most_similar(edges: NDArray[Any]) -> NDArray[Any]:
    """Of each document the edge to the most similar protected one, the first such."""
    edges = edges[np.lexsort((edges["preferred"], -edges["similarity"], edges["document"]))]
    return edges[starts_of(edges["document"])]


def _dropped(documents: NDArray[np.int64], rule: Any, duplicate_of: Any, similarity: Any) -> NDArray[Any]:
    found = np.empty(len(documents), DROPPED_RECORD)
    found["document"], found["rule"] = documents, rule
    found["duplicate_of"], found["similarity"] = duplicate_of, similarity
    return found
