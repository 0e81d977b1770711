"""Definitions that a command writes, against what people change in them."""

from pathlib import Path

import pytest

from refinery.errors import InputError
from refinery.run.generated import put_back, write_generated


def write(file: Path, content: str) -> None:
    write_generated(file, "refinery recall", content, "give --out another folder")


def test_what_a_command_wrote_is_written_again(tmp_path: Path) -> None:
    """By a call that asks for something else."""
    file = tmp_path / "new" / "pipeline.yaml"
    for content in ("name: a\n", "name: b\n"):
        write(file, content)
        head, rest = file.read_text().split("\n", 1)
        assert head.startswith("# Written by `refinery recall`") and rest == content


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "# more\n",
        lambda text: text.replace("name: a", "name: b"),
        lambda text: text.partition("\n")[2],
        lambda text: text.replace("refinery recall", "refinery train"),
        lambda text: text.replace("\n", "\r\n"),
        lambda _: "",
        lambda _: "name: mine\n",
    ],
)
def test_what_a_person_changed_stays(tmp_path: Path, change) -> None:
    """A line more, a value, no first line, another command's, other line ends, nothing, one of somebody else."""
    file = tmp_path / "pipeline.yaml"
    write(file, "name: a\n")
    file.write_bytes(changed := change(file.read_text()).encode())
    with pytest.raises(InputError) as caught:
        write(file, "name: a\n")
    assert file.read_bytes() == changed
    assert "`refinery run " in str(caught.value) and "give --out another folder" in str(caught.value)


def test_a_call_that_fails_overwrites_nothing(tmp_path: Path) -> None:
    """A file that was not there stays, for its lines are what is told of."""
    file = tmp_path / "pipeline.yaml"
    for content, stays in (("name: a\n", "name: a\n"), ("name: b\n", "name: a\n")):
        with pytest.raises(InputError), put_back(file):
            write(file, content)
            raise InputError("seeds", "too few")
        assert file.read_text().endswith(stays)
    with put_back(file):
        write(file, "name: c\n")
    assert file.read_text().endswith("name: c\n")
