"""Similarities that are kept between runs."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.dedup import corpus
from refinery.dedup.corpus import DedupShard
from refinery.dedup.settled import SETTLED, similarity_of
from refinery.shuffle.records import Records
from tests.conftest import PIPELINE, document, output_hashes, write_parquet
from tests.dedup.corpus import SETTINGS, Documents, Place, run, set_partitions, write_shard
from tests.dedup.test_split import text_of

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), max_size=20)


@given(PAIRS, PAIRS)
def test_pairs_are_found_by_document_and_text(asked, known):
    """As in a dictionary; NaN where there is none."""
    settled = np.array([(d, (a, b), 0.1 * n) for n, (d, a, b) in enumerate(dict.fromkeys(known))], SETTLED)
    pairs = np.array([(d, (a, b), 0) for d, a, b in asked], SETTLED)
    found = {(d, *text.tolist()): s for d, text, s in zip(*(settled[n] for n in SETTLED.names), strict=True)}
    expected = [found.get(one, np.nan) for one in asked]
    assert np.array_equal(similarity_of(pairs, settled), expected, equal_nan=True)


@dataclass(frozen=True)
class Read(Documents):
    """Documents that note the texts that are read of them."""

    read: list[str] = field(default_factory=list)

    def texts(self, rows: np.ndarray) -> Iterator:
        for batch in super().texts(rows):
            self.read.extend(batch.to_arrow().to_pylist())
            yield batch


def kept_shard(path: Path, texts: list[str]) -> DedupShard:
    """A shard whose hashes and signatures lie in files, as a run has them."""
    shard = write_shard(path, texts)
    read = Read(path, len(texts))
    return replace(shard, documents=read, content=path, signature=path)


def removed(
    folder: Path, names: list[str], texts: dict[str, list[str]]
) -> tuple[dict[Place, object], list[str]]:
    """What a run over these shards removes, and the texts that it reads."""
    shards = [kept_shard(folder / f"{name}.parquet", texts[name]) for name in names]
    found = run(folder, shards, SETTINGS)
    return dict(found), [text for shard in shards for text in shard.documents.read]


TEXTS = st.lists(st.builds(text_of, st.integers(0, 4), st.integers(0, 30)), min_size=1, max_size=12)


@settings(max_examples=15)
@given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS, st.integers(0, 3))
def test_only_pairs_with_a_new_document_have_their_texts_read(shards, added, at):
    """Wherever a shard is added, the run removes what one from nothing does; one like it reads nothing."""
    texts = {str(n): one for n, one in enumerate(shards)} | {"new": added}
    names = [*(str(n) for n in range(len(shards)))]
    with tempfile.TemporaryDirectory() as old, tempfile.TemporaryDirectory() as other:
        removed(Path(old), names, texts)
        more = [*names[:at], "new", *names[at:]]
        found, read = removed(Path(old), more, texts)
        expected, all_read = removed(Path(other), more, texts)
        assert found == expected
        assert len(read) <= len(all_read)
        new = {word for text in added for word in text.split()}
        assert all(new.intersection(text.split()) for text in read)
        assert removed(Path(old), more, texts) == (expected, [])


def test_partitions_that_cut_shards_keep_the_same(tmp_path, monkeypatch):
    """A shard's pairs lie in several partitions of documents, and are kept in one file."""
    texts = {str(n): [text_of(page, 7 * n + v) for page in range(12) for v in range(3)] for n in range(3)}
    expected, all_read = removed(tmp_path / "whole", list(texts), texts)
    monkeypatch.setattr(corpus, "LEAST_DOCUMENTS", 15)
    set_partitions(monkeypatch, 8000)
    found, read = removed(tmp_path / "cut", list(texts), texts)
    assert found == expected and sorted(set(read)) == sorted(set(all_read)) != []
    assert removed(tmp_path / "cut", list(texts), texts) == (expected, [])
    files = [sorted((tmp_path / name).glob("*.kept.parquet")) for name in ("whole", "cut")]
    assert [f.name for f in files[0]] == [f.name for f in files[1]] != []
    for one, other in zip(*files, strict=True):
        assert pq.read_table(one).equals(pq.read_table(other))


def test_a_partition_is_read_once_however_many_shards_are_in_it(tmp_path, monkeypatch):
    """What was settled is read by partition of documents, not by shard: requests must not grow by their product."""
    reads: list[int] = []
    read = Records.read

    def counted(self: Records, partition: int = 0, writers: object = None) -> np.ndarray:
        reads.append(self.folder.name == "fresh")
        return read(self, partition, writers)

    monkeypatch.setattr(Records, "read", counted)
    for shards in (4, 24):
        pages = {str(n): [text_of(n // 2, n), text_of(n // 2, n + 1)] for n in range(shards)}
        reads.clear()
        removed(tmp_path / str(shards), list(pages), pages)
        assert list((tmp_path / str(shards)).glob("*.kept.parquet"))
        assert sum(reads) == 1


def data_repository_with_versions(folder: Path) -> None:
    for number in range(2):
        rows = [
            {"id": f"{n}v{number}", "text": document(n, 40) + f" version {number}" * 3, "year": 2000}
            for n in range(30)
        ]
        write_parquet(folder / "crawl" / f"{number}.parquet", rows)


def test_a_run_keeps_and_mends_them(data_repository, refinery):
    """They lie beside the signatures, are needed there, and one that is damaged is made again."""
    data_repository_with_versions(data_repository)
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    kept = sorted(data_repository.glob(".refinery/shards/*/*/*.kept.parquet"))
    assert len(kept) == 1 and kept[0].with_name(kept[0].name.replace(".kept", "")).exists()
    assert "kept.parquet" not in refinery("clean", data_repository / "pipeline.yaml")[1]
    content = bytearray(kept[0].read_bytes())
    content[20] ^= 255
    kept[0].write_bytes(bytes(content))
    rows = [{"id": f"{n}v9", "text": document(n, 40) + " version 9", "year": 2000} for n in range(30)]
    write_parquet(data_repository / "crawl" / "9.parquet", rows)
    code, _, err = refinery("run", data_repository / "pipeline.yaml")
    assert code == 0 and "made again" in err
    (data_repository / "fresh.yaml").write_text(PIPELINE.replace("path: out", "path: fresh"))
    command = ("run", data_repository / "fresh.yaml", "-q", "--work", data_repository / "other")
    assert refinery(*command)[0] == 0
    assert output_hashes(data_repository / "out") == output_hashes(data_repository / "fresh")
