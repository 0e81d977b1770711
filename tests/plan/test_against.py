"""The earlier run that `dedup.against` names."""

import orjson
import pytest

from refinery.definition.load import load
from refinery.definition.paths import Paths
from refinery.errors import DefinitionError, InputError, StorageError
from refinery.plan.against import earlier_folder, earlier_spec
from refinery.plan.resolve import resolve
from refinery.storage import retry
from refinery.storage.marks import records_of
from tests.conftest import PIPELINE


@pytest.fixture
def stage(data_repository):
    """A dedup stage that compares with the folder `earlier`."""

    def of(folder="earlier"):
        text = PIPELINE.replace("exact: true,", f"exact: true, against: '{folder}',")
        (data_repository / "pipeline.yaml").write_text(text)
        return resolve(load(data_repository / "pipeline.yaml")).stages["unique"]

    return of


def write_manifest(folder, content):
    folder.mkdir(exist_ok=True)
    records_of(folder).mkdir(exist_ok=True)
    (records_of(folder) / "manifest.json").write_bytes(content)


def listing(*names):
    return orjson.dumps({"files": [{"path": name} for name in names]})


def test_the_files_are_those_of_the_manifest(stage, data_repository):
    """In its order, whatever else lies in the folder."""
    folder = data_repository / "earlier"
    write_manifest(folder, listing("data-00001.parquet", "data-00000.jsonl.zst"))
    (folder / "data-00002.parquet").write_bytes(b"of another run")
    paths = (str(folder / "data-00001.parquet"), str(folder / "data-00000.jsonl.zst"))
    assert earlier_spec(stage(), Paths(data_repository)).path == paths


@pytest.mark.parametrize(
    "name",
    ["..", ".", "../secret.jsonl", "/etc/passwd", "*.parquet", "data-0?.parquet", "sub/data-1.parquet", ""],
)
def test_a_manifest_names_data_files_beside_it_alone(name, stage, data_repository):
    """A name that leads elsewhere, or is a pattern, is refused: the manifest may be another's."""
    (data_repository / "secret.jsonl").write_text('{"text": "secret"}\n')
    write_manifest(data_repository / "earlier", listing("data-00000.parquet", name))
    with pytest.raises(InputError, match="which is no data file of an output") as told:
        earlier_spec(stage(), Paths(data_repository))
    assert repr(name) in str(told.value)


def test_token_ids_are_no_documents_to_compare_with(stage, data_repository):
    """An output of them is told, and what to give in its place."""
    content = {"files": [{"path": "data-00000.bin"}, {"path": "data-00000.idx"}], "tokenised": {"tokens": 3}}
    write_manifest(data_repository / "earlier", orjson.dumps(content))
    with pytest.raises(InputError, match=r"holds token ids, no texts.*give an output of texts"):
        earlier_spec(stage(), Paths(data_repository))


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"files": [1]}', b'{"files": [{"path": 1}]}'])
def test_what_is_no_manifest_is_told(content, stage, data_repository):
    """With the file's name, not with a traceback."""
    write_manifest(data_repository / "earlier", content)
    with pytest.raises(InputError, match=r"earlier\.records/manifest\.json: not a run's manifest: "):
        earlier_spec(stage(), Paths(data_repository))


def test_a_folder_without_a_manifest_is_told(stage, data_repository):
    """As the hint says, it wants a finished run."""
    with pytest.raises(
        InputError,
        match=r"no earlier.records/manifest.json beside it \(dedup.against wants",
    ):
        earlier_spec(stage(), Paths(data_repository))


@pytest.mark.parametrize(
    "url", ["s3://KEY:SECRET@bucket/x", "https://me:SECRET@host/x", "https://host/x?sig=SECRET"]
)
def test_a_login_is_refused_and_not_repeated(url, stage):
    """The setting is shown and stored as it is written, so no secret may stand in it; as for outputs."""
    with pytest.raises(DefinitionError, match="credentials and queries do not belong in a path") as told:
        stage(url)
    assert "against" in str(told.value) and "SECRET" not in str(told.value)


def test_others_outputs_may_be_read_over_http(data_repository):
    """What cannot be written to can be compared with."""
    assert str(earlier_folder("https://host/out", Paths(data_repository))) == "https://host/out"


def test_on_an_object_store_too(stage, data_repository, bucket, s3_server, proxied, monkeypatch):
    """Read through passing faults; a store that does not answer, and a manifest that is not there, are told."""
    monkeypatch.setattr(retry, "ATTEMPTS", 3)
    client, name = s3_server.client(), bucket.removeprefix("s3://")
    client.put_object(Bucket=name, Key="out.records/manifest.json", Body=listing("data-00000.parquet"))
    written = stage(f"{bucket}/out")
    assert str(earlier_folder(f"{bucket}/out", Paths(data_repository))) == f"{bucket}/out"
    proxy = proxied(every=2, kinds=("reset",))
    assert earlier_spec(written, Paths(data_repository)).path == (f"{bucket}/out/data-00000.parquet",)
    proxy.every = 1
    with pytest.raises(
        StorageError, match=rf"^{bucket}/out.records/manifest.json: cannot be read: .*tried 3 times"
    ):
        earlier_spec(written, Paths(data_repository))
    proxy.every = 0
    with pytest.raises(InputError, match=rf"^{bucket}/none: there is no none.records/manifest.json"):
        earlier_spec(stage(f"{bucket}/none"), Paths(data_repository))
