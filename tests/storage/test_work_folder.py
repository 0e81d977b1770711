"""The work folder and the folders in it that are a pipeline's own."""

import pytest

from refinery.errors import OutputError
from refinery.storage.commit import commit_bytes
from refinery.storage.place import place_of
from refinery.storage.work_folder import make_work_folder, pipeline_folder, pipelines_in


def test_git_leaves_a_new_one_alone(tmp_path):
    """One that was there keeps what is in it, and files of its own are not hidden from Git."""
    make_work_folder(tmp_path / "a" / "work")
    assert (tmp_path / "a" / "work" / ".gitignore").read_text() == "*\n"
    make_work_folder(tmp_path / "a")
    assert [entry.name for entry in (tmp_path / "a").iterdir()] == ["work"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    """A file in its place; with what to do, as beside a definition in a folder that is read only."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file.*; --work names another folder"):
        make_work_folder(tmp_path / "file" / "work")


def test_pipelines_are_found_by_their_folders(tmp_path, bucket):
    """Here and on a store; none where there is no work folder."""
    for work in (tmp_path / "work", place_of(f"{bucket}/work")):
        assert pipelines_in(work) == []
        make_work_folder(work)
        for name in ("legal", "medical"):
            folder = pipeline_folder(work, name)
            if work == tmp_path / "work":
                folder.mkdir(parents=True)
            commit_bytes(folder / "needs.json", b"{}")
        commit_bytes(work / "pipelines" / "notes.txt", b"mine")
        assert pipelines_in(work) == ["legal", "medical"]
