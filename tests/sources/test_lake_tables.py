"""Tables that are read by their log: rows that were deleted never come back."""

import json
import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from refinery.errors import InputError
from refinery.sources.find import find
from refinery.sources.shards import list_shards
from tests.sources.reading import read_all, spec

ROWS = pa.table({"id": [1, 2, 3], "text": ["one", "two", "three"], "year": ["2020", "a b", "ü/%"]})


def delta(folder: Path, **options) -> Path:
    """A Delta table of which a row was deleted and others were added."""
    write_deltalake(folder, ROWS, **options)
    DeltaTable(folder).delete("id = 1")
    write_deltalake(folder, ROWS.slice(0, 1).set_column(0, "id", [[4]]), mode="append")
    return folder


@pytest.fixture(scope="module")
def iceberg(tmp_path_factory) -> Path:
    """The same as an Iceberg table."""
    from pyiceberg.catalog.sql import SqlCatalog

    folder = tmp_path_factory.mktemp("iceberg")
    catalog = SqlCatalog("c", uri="sqlite://", warehouse=str(folder))
    catalog.create_namespace("n")
    table = catalog.create_table("n.t", schema=ROWS.schema)
    table.append(ROWS)
    table.delete("id = 1")
    table.append(ROWS.slice(0, 1).set_column(0, "id", [[4]]))
    catalog.engine.dispose()
    return folder / "n" / "t"


@pytest.mark.parametrize("options", [{}, {"partition_by": ["year"]}])
@pytest.mark.parametrize("pattern", ["", "/**/*.parquet", "/.."])
def test_a_delta_table_has_the_rows_of_its_log(tmp_path, options, pattern):
    """By its folder, by a glob that does not name the log, as one of several below a folder; partitioned or not."""
    folder = delta(tmp_path / "all" / "a table", **options)
    assert sorted(read_all(spec(f"{folder}{pattern}")).ids) == [2, 3, 4]
    gone = find([f"{folder}{pattern}"]).not_live
    assert sum(file.path.endswith(".parquet") and "_delta_log" not in file.path for file in gone) >= 1
    groups = list_shards(spec(f"{folder}{pattern}")).passed_over
    assert {group.why for group in groups} == {"not in the table"}


def test_files_beside_a_table_are_read(tmp_path):
    """Only what lies in its folder is asked of its log."""
    delta(tmp_path / "t")
    pq.write_table(pa.table({"id": [9], "text": ["nine"]}), tmp_path / "t.parquet")
    assert sorted(read_all(spec(tmp_path)).ids) == [2, 3, 4, 9]


def test_one_file_of_a_table_is_asked_of_its_log_too(tmp_path):
    """Though it is named by itself: the reason is told."""
    folder = delta(tmp_path / "t")
    (old,) = [file for file in find([str(folder)]).not_live if file.path.endswith(".parquet")]
    with pytest.raises(InputError, match=r"no data among 1 files: 1 \.parquet file \(not in the table\)"):
        list_shards(spec(old.path))


def test_a_table_that_has_lost_a_file_is_told(tmp_path):
    """Nothing is read in silence of what is left."""
    folder = delta(tmp_path / "t")
    Path(find([str(folder)]).files[0].path).unlink()
    with pytest.raises(InputError, match="which its log names, is not there"):
        find([str(folder)])


def _edit(folder: Path, log: int, change) -> None:
    file = folder / "_delta_log" / f"{log:020}.json"
    actions = [json.loads(line) for line in file.read_text().splitlines()]
    for action in actions:
        change(action)
    file.write_text("\n".join(map(json.dumps, actions)))


def _with_vectors(action) -> None:
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    if "protocol" in action:
        action["protocol"] = {"minReaderVersion": 3, "minWriterVersion": 7, **features}


def _with_a_vector(action) -> None:
    inline = "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L"  # the protocol's own example: six rows
    vector = {"storageType": "i", "pathOrInlineDv": inline, "sizeInBytes": 40, "cardinality": 6}
    if "add" in action:
        action["add"]["deletionVector"] = vector


def _mapped(action) -> None:
    if "metaData" in action:
        action["metaData"]["configuration"]["delta.columnMapping.mode"] = "name"


def test_deletion_vectors_are_refused(tmp_path):
    """A table that may have them is read as long as it has none."""
    folder = delta(tmp_path / "t")
    _edit(folder, 0, _with_vectors)
    assert sorted(read_all(spec(folder)).ids) == [2, 3, 4]
    _edit(folder, 2, _with_a_vector)
    with pytest.raises(InputError, match=r"deletion vectors|log of this table cannot be read"):
        find([str(folder)])


def test_mapped_columns_are_refused(tmp_path):
    """The files have other names for them."""
    folder = delta(tmp_path / "t")
    _edit(folder, 0, _mapped)
    with pytest.raises(InputError, match="other names for its columns"):
        find([str(folder)])


def test_a_damaged_log_is_told(tmp_path):
    """Not read as if there were none."""
    folder = delta(tmp_path / "t")
    (folder / "_delta_log" / f"{1:020}.json").write_text("{")
    with pytest.raises(InputError, match="log of this table cannot be read"):
        find([str(folder)])


def test_an_iceberg_table_has_the_rows_of_its_metadata(iceberg):
    """The metadata with the highest number tells."""
    assert sorted(read_all(spec(iceberg)).ids) == [2, 3, 4]
    assert sorted(read_all(spec(f"{iceberg}/data/*.parquet")).ids) == [2, 3, 4]
    assert any(file.path.endswith(".parquet") for file in find([str(iceberg)]).not_live)


def test_an_iceberg_table_with_two_newest_versions_is_refused(iceberg, tmp_path):
    """Which one a catalog names, nobody knows here."""
    shutil.copytree(iceberg, tmp_path / "t")
    newest = max((tmp_path / "t" / "metadata").glob("*.metadata.json"))
    shutil.copy(newest, newest.with_name(newest.name.replace("-", "-0", 1)))
    with pytest.raises(InputError, match="two metadata files"):
        find([str(tmp_path / "t")])


def test_an_iceberg_table_that_was_copied_is_read(iceberg, tmp_path):
    """Its metadata names files by where they were: those with the same paths below its folder are meant."""
    shutil.copytree(iceberg, tmp_path / "t")
    assert sorted(read_all(spec(tmp_path / "t")).ids) == [2, 3, 4]


def test_a_folder_called_metadata_is_no_table(tmp_path):
    """Descriptions beside data are called so too."""
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "1.metadata.json").write_text('{"title": "a film"}')
    pq.write_table(pa.table({"text": ["x"]}), tmp_path / "a.parquet")
    assert read_all(spec(tmp_path)).texts == ["x"]


def test_hudi_is_refused_by_name(tmp_path):
    """By its folder or by a glob."""
    (tmp_path / ".hoodie").mkdir()
    (tmp_path / ".hoodie" / "hoodie.properties").write_text("")
    pq.write_table(pa.table({"text": ["x"]}), tmp_path / "a.parquet")
    for pattern in (tmp_path, tmp_path / "*.parquet"):
        with pytest.raises(InputError, match="Apache Hudi"):
            find([str(pattern)])


@pytest.mark.parametrize(("package", "extra"), [("deltalake", "delta"), ("pyiceberg.table", "iceberg")])
def test_without_the_package_a_table_is_refused(tmp_path, iceberg, monkeypatch, package, extra):
    """With what to install."""
    folder = iceberg if extra == "iceberg" else delta(tmp_path / "t")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"pip install 'refinery\[{extra}\]'"):
        find([str(folder)])
