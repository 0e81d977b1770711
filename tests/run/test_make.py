"""Counts that a run makes before what depends on them, and what happens to their files."""

import json

import pyarrow.parquet as pq
import pytest

from refinery.errors import DamagedFile
from refinery.filters import registry
from refinery.run.make import find_made
from tests.conftest import PIPELINE, output_hashes, read_files
from tests.run.word_maker import FILE


@pytest.fixture
def repository(data_repository, monkeypatch):
    """Its definition removes frequent first words, which are counted by the run."""
    monkeypatch.setitem(registry.TRANSFORMS.built_in, "without_first", "tests.run.word_maker")
    text = PIPELINE.replace("transform: [normalize]", "transform: [{without_first: {least: 2}}]")
    (data_repository / "pipeline.yaml").write_text(text)
    return data_repository


def made_folder(repository):
    """The only folder of a count."""
    (folder,) = (repository / ".refinery" / "made").iterdir()
    return folder


def test_what_depends_on_a_count_sees_all_documents_of_its_source(repository, refinery):
    """The texts that are written are those of a plain count over the source."""
    code, _, err = refinery("run", repository / "pipeline.yaml", "-q")
    assert code == 0, err
    counts = json.loads((made_folder(repository) / FILE).read_bytes())
    texts = [
        text
        for file in (repository / "crawl").glob("*.parquet")
        for text in pq.read_table(file).column("text").to_pylist()
        if text
    ]
    firsts = [text.split()[0] for text in texts if text.split()]
    assert counts == {word: firsts.count(word) for word in sorted(set(firsts))}
    frequent = {word for word, number in counts.items() if number >= 2}
    written = read_files(repository / "out", "data").column("text").to_pylist()
    assert written
    assert frequent
    expected = {text.partition(" ")[2] if text.partition(" ")[0] in frequent else text for text in texts}
    assert set(written) <= expected


def test_a_count_is_made_once(repository, refinery):
    """Another threshold on it counts nothing again; another setting of it does."""
    assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
    folder = made_folder(repository)
    before = (folder / FILE).stat().st_mtime_ns
    text = (repository / "pipeline.yaml").read_text()
    (repository / "pipeline.yaml").write_text(text.replace("least: 2", "least: 3"))
    assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
    assert made_folder(repository) == folder
    assert (folder / FILE).stat().st_mtime_ns == before
    (repository / "pipeline.yaml").write_text(text.replace("least: 2", "least: 2, letters: 3"))
    assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
    assert len(list((repository / ".refinery" / "made").iterdir())) == 2


def test_shards_are_described_once(repository, refinery):
    """Before the count: what is measured of the texts after it asks for no more than that."""
    assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
    counted = (made_folder(repository) / FILE).stat().st_mtime_ns
    folders = [record.parent for record in (repository / ".refinery" / "shards").rglob("record.json")]
    assert len(folders) == 3
    for folder in folders:
        assert (folder / "record.json").stat().st_mtime_ns < counted
        (signals,) = folder.glob("measured-signals-*")
        assert signals.stat().st_mtime_ns > counted


def test_what_is_needed_of_all_counts_stays_noted(repository, refinery):
    """While a run comes to one after the other that are there: `refinery clean` may read the note at any time."""
    definition = repository / "pipeline.yaml"
    once = "{without_first: {least: 2}}"
    definition.write_text(definition.read_text().replace(once, f"{once}, {once}"))
    assert refinery("run", definition, "-q")[0] == 0
    assert len(list((repository / ".refinery" / "made").iterdir())) == 2
    note = repository / ".refinery" / "pipelines" / "tiny" / "needs.json"
    before = note.stat().st_mtime_ns
    (repository / "out.records" / "manifest.json").unlink()
    assert refinery("run", definition, "-q")[0] == 0
    assert note.stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["changed", "gone", "record"])
def test_damaged_files_are_made_again(repository, refinery, damage):
    """Whatever of them is not as it was written; the output has the same bytes."""
    assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
    expected, folder = output_hashes(repository / "out"), made_folder(repository)
    file = folder / ("record.json" if damage == "record" else FILE)
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes().replace(b"e", b"f"))
    with pytest.raises(DamagedFile):
        find_made(folder)
    (repository / "out.records" / "manifest.json").unlink()
    code, _, err = refinery("run", repository / "pipeline.yaml")
    assert code == 0, err
    assert "made again" in " ".join(err.split())
    assert find_made(folder)
    assert output_hashes(repository / "out") == expected


def test_nothing_is_there_without_a_record(tmp_path):
    """A folder that a killed run left is made anew."""
    (tmp_path / FILE).write_text("{}")
    assert find_made(tmp_path) is None


def test_a_damaged_count_stops_no_cleaning(repository, refinery):
    """It is told that the run makes it again; what else is not needed goes."""
    assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
    file = made_folder(repository) / FILE
    file.write_bytes(file.read_bytes()[:-1])
    code, _, err = refinery("clean", repository / "pipeline.yaml", "--force")
    assert (code, err) == (0, "")
