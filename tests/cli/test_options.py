"""Options that several commands have."""

import pytest

from tests.conftest import PIPELINE


def test_roots_count_from_the_current_directory(data_repository, refinery, monkeypatch, tmp_path_factory):
    """As every path of a command line does; a root of the definition counts from its folder."""
    file = data_repository / "pipeline.yaml"
    file.write_text(
        PIPELINE.replace("crawl/*", "{data}/*").replace("name: tiny", "name: tiny\nroots: {data: crawl}")
    )
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "few").mkdir()
    (elsewhere / "few" / "0.parquet").write_bytes((data_repository / "crawl" / "0.parquet").read_bytes())
    monkeypatch.chdir(elsewhere)
    for arguments, shards in (
        ((), 3),
        (("--root", "data=few"), 1),
        (("--root", f"data={data_repository}/crawl"), 3),
    ):
        code, out, err = refinery("check", file, *arguments)
        assert (code, f"crawl ({shards} shards)" in out) == (0, True), err
    assert "signals on 1" in refinery("plan", file, "--root", "data=few")[1]
    assert refinery("run", file, "-q", "--root", "data=few")[0] == 0


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("dta=x", "error: --root dta: the definition has no root 'dta'; did you mean \"data\"?"),
        ("data", "error: --root data: expected NAME=PATH, such as data=s3://bucket"),
        ("data=", "error: --root data=: expected NAME=PATH, such as data=s3://bucket"),
    ],
)
def test_wrong_roots(data_repository, refinery, given, problem):
    """An unknown name with the nearest, and what is no NAME=PATH."""
    file = data_repository / "pipeline.yaml"
    file.write_text(PIPELINE.replace("name: tiny", "name: tiny\nroots: {data: crawl}"))
    for command in ("check", "plan", "run"):
        code, _, err = refinery(command, file, "--root", given)
        assert (code, err) == (2, problem + "\n")
