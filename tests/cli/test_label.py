"""`refinery label`, `refinery threshold` and `refinery compare`."""

import json

from tests.labels.files import rows_of, write_file


def test_a_sample_is_written(tiny_run, tmp_path, refinery):
    """It is told of what, and what to do next."""
    file = tmp_path / "labels.csv"
    code, out, _ = refinery("label", tiny_run, "--column", "words", "-n", 20, "--out", file)
    assert code == 0
    assert out.splitlines() == [
        f"{file}: 20 documents, half of them about 50, of 38 that came to screened and have a value of words",
        f"Write yes or no in the column `label`, then: refinery threshold {file}",
    ]
    assert len(file.read_text("utf-8-sig").splitlines()) > 20
    code, out, err = refinery("label", tiny_run, "--column", "words", "--out", file)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_a_cut_and_a_comparison(tmp_path, refinery):
    """For people the rule is the last line; JSON for machines; exit code 1 where no cut reaches the precision."""
    rows = rows_of([(600, [(n / 200, n > 90) for n in range(200)])], other=[n % 9 for n in range(200)])
    file = write_file(tmp_path / "labels.csv", rows)
    code, out, _ = refinery("threshold", file, "--precision", 1)
    assert (code, out.splitlines()[-1]) == (0, "score >= 0.455")
    assert json.loads(refinery("threshold", file, "--beta", 0.1, "--json")[1])["rule"] == "score >= 0.455"
    code, out, _ = refinery("threshold", file, "--column", "other")
    assert code == 1
    assert "no cut reaches precision 0.9" in out
    assert "score, other" in refinery("compare", file)[1]
    found = json.loads(refinery("compare", file, "--column", "other", "--json")[1])
    assert [score["column"] for score in found["scores"]] == ["other"]


def test_mistakes_are_one_line(tmp_path, refinery):
    """A file that was not labelled, a wrong label, no file, no such column: exit code 2."""
    rows = rows_of([(600, [(n / 200, None) for n in range(200)])])
    unlabelled = write_file(tmp_path / "labels.csv", rows)
    wrong = write_file(tmp_path / "wrong.csv", [{**row, "label": "perhaps"} for row in rows])
    for arguments in (
        ("threshold", unlabelled),
        ("compare", unlabelled),
        ("threshold", wrong),
        ("compare", tmp_path / "absent.csv"),
        ("threshold", tmp_path / "pipeline.yaml"),
    ):
        code, out, err = refinery(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1), arguments
