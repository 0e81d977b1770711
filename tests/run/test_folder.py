"""The output folder."""

import errno
import os

import pytest

from refinery.errors import InputError
from tests.run.planning import plan_of


def test_a_foreign_output_folder_is_refused(data_repository, refinery):
    """A folder with anything else in it is left alone, with exit code 2."""
    (data_repository / "out").mkdir()
    (data_repository / "out" / "thesis.txt").write_text("mine")
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 2
    assert "thesis.txt" in err
    assert [file.name for file in (data_repository / "out").iterdir()] == ["thesis.txt"]


def test_two_runs_at_once_do_not_meet(data_repository, refinery):
    """A run whose folders another run holds says so and leaves them alone; afterwards it goes on."""
    from refinery.storage.lock import hold

    with hold(data_repository / ".refinery" / "pipelines" / "tiny"):
        code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 1
    assert "another run is working here" in err
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0


def test_the_owner_of_a_folder_is_told_in_words(data_repository, refinery):
    """Another output of another pipeline by its name; an owner that cannot be read as unknown."""
    (data_repository / "out.records").mkdir()
    owner = data_repository / "out.records" / ".refinery-output.json"
    for content, whose in (
        ('{"pipeline": "big", "output": "all"}', "belongs to the output 'all' of the pipeline 'big' ("),
        ("{", "belongs to something unknown (see its .refinery-output.json)"),
        ("[1]", "belongs to something unknown (see its .refinery-output.json)"),
    ):
        owner.write_text(content)
        code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
        assert code == 2
        assert whose in err


@pytest.mark.parametrize(
    ("work", "problem"),
    [
        ("out", "the work folder and the output 'unique' are the same folder"),
        ("link/out", "the work folder and the output 'unique' are the same folder"),
        ("out/work", "the work folder would lie in the output 'unique'"),
        ("", "the output 'unique' would lie among the files that the work folder keeps"),
    ],
)
def test_work_folder_and_output_are_kept_apart(data_repository, refinery, work, problem):
    """One in the other is refused where it would do harm, before anything is made."""
    definition = data_repository / "pipeline.yaml"
    (data_repository / "link").symlink_to(data_repository)
    if not work:
        definition.write_text(definition.read_text().replace("path: out", "path: .refinery/shards/out"))
    before = sorted(data_repository.rglob("*"))
    options = ("--work", data_repository / work) if work else ()
    code, _, err = refinery("run", definition, "-q", *options)
    assert (code, err.count("error: ")) == (2, 1)
    assert problem in err
    assert sorted(data_repository.rglob("*")) == before


@pytest.mark.parametrize("own", ["shards", "pipelines", "claims"])
def test_no_output_lies_in_a_folder_that_is_cleaned(data_repository, own):
    """What is old there is removed."""
    definition = data_repository / "pipeline.yaml"
    definition.write_text(definition.read_text().replace("path: out", f"path: .refinery/{own}/out"))
    with pytest.raises(InputError, match="would lie among the files that the work folder keeps"):
        plan_of(definition)


def test_an_output_beside_the_files_of_the_work_folder(data_repository, refinery):
    """A work folder that holds sources and outputs beside its own files does no harm."""
    definition = data_repository / "pipeline.yaml"
    code, _, err = refinery("run", definition, "-q", "--work", data_repository)
    assert code == 0, err


def test_scratch_that_cannot_be_removed_is_no_failure(data_repository, refinery, monkeypatch):
    """As on NFS while a worker has a file open: the output is whole, and so the run and the next one say."""
    rmdir = os.rmdir

    def busy(path, *args, **options):
        if str(path).rpartition("/")[2].startswith((".staging-", "verbs")):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)
        rmdir(path, *args, **options)

    monkeypatch.setattr(os, "rmdir", busy)
    (data_repository / ".refinery" / "pipelines" / "tiny" / "verbs").mkdir(parents=True)
    for _ in range(2):
        code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
        assert code == 0, err
        names = {entry.name for entry in (data_repository / "out.records").iterdir()}
        assert "manifest.json" in names
        assert any(name.startswith(".staging-") for name in names)


def test_a_card_among_the_documents_stays(data_repository, refinery):
    """It was copied there for the hub: the next run replaces documents and nothing else."""
    definition, card = data_repository / "pipeline.yaml", data_repository / "out" / "README.md"
    assert refinery("run", definition, "-q")[0] == 0
    card.write_text("mine")
    definition.write_text(definition.read_text().replace("similarity: 0.8", "similarity: 0.7"))
    assert refinery("run", definition, "-q")[0] == 0
    assert card.read_text() == "mine"
