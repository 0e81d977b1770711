"""What lies in a work folder, told by names."""

import pytest

from refinery.plan.contents import OTHER, contents_of, kind_of, sizes_by_kind

KEY = "0123456789abcdef" * 2
SHARD = f"shards/01/{KEY}"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"{SHARD}/record.json", "documents"),
        (f"{SHARD}/rejects.parquet", "documents"),
        (f"{SHARD}/files.parquet", "documents"),
        (f"{SHARD}/lineage.parquet", "documents"),
        (f"{SHARD}/measured-language-{KEY}.parquet", "measurements"),
        (f"{SHARD}/decided-{KEY}.json", "decisions"),
        (f"{SHARD}/dropped-{KEY}.parquet", "decisions"),
        (f"{SHARD}/repeats-{KEY}.parquet", "decisions"),
        (f"{SHARD}/.record.json.01234567-7-1-01234567.tmp", "leftovers"),
        (f"made/{KEY}/model.bin", "models and counts"),
        ("pipelines/medical/logs/run-20260102T030405000006Z-00001.jsonl", "logs"),
        (f"pipelines/medical/verbs/{KEY}/dedup/spilled", "scratch"),
        ("pipelines/medical/units/measure.bin", "scratch"),
        (f"pipelines/medical/models/{KEY}/deep/model.onnx", "copies of models"),
        (f"claims/{KEY}", "claims"),
        ("pipelines/medical/needs.json", "notes"),
        (f"{SHARD}/notes.txt", OTHER),
        (f"claims/{KEY}.txt", OTHER),
        ("pipelines/medical/logs/mine.jsonl", OTHER),
        ("notes.tmp", OTHER),
    ],
)
def test_a_file_is_known_by_its_name(name, kind):
    """Whatever refinery did not name itself is another file."""
    assert kind_of(name) == kind


def test_sizes_are_added_up():
    """The kind with the most bytes comes first."""
    sizes = {f"{SHARD}/record.json": 1, f"{SHARD}/documents.parquet": 2, f"made/{KEY}/a": 9, "x": 4}
    assert list(sizes_by_kind(sizes.items()).items()) == [
        ("models and counts", 9),
        (OTHER, 4),
        ("documents", 3),
    ]


def test_what_lies_in_a_work_folder_is_told_by_one_listing(tmp_path):
    """Bytes by kind; of files in the folders of shards which are there, but for what a lost disk has left empty."""
    sizes = {f"{SHARD}/record.json": 3, f"{SHARD}/documents.parquet": 0, "pipelines/x/a": 1}
    for name, size in sizes.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    found = contents_of(tmp_path)
    assert dict(found.sizes) == {"documents": 3, OTHER: 1}
    assert [str(tmp_path / name) in found.present for name in sizes] == [True, False, False]
