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


def test_a_run_is_compared_without_labels(tmp_path, refinery):
    """Recall on gold hosts and speed; beside labels both; mistakes are one line."""
    rows = [
        {
            "text": f"page {n} " + "word " * (n % 50),
            "url": f"https://{'a.gov' if n % 50 > 40 else 'b.org'}/{n}",
        }
        for n in range(100)
    ]
    (tmp_path / "crawl.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = tmp_path / "pipeline.yaml"
    run.write_text(
        "refinery: 1\nname: tiny\nsources: {crawl: {path: crawl.jsonl}}\nstages:\n  long: {from: crawl, "
        "measure: [signals, url], keep: [long: 'words >= 40']}\noutputs: {long: {from: long, path: out}}\n"
    )
    (tmp_path / "gold.txt").write_text("a.gov\nno.org\nc.gov\n")
    assert refinery("run", run, "--workers", 1, "-q")[0] == 0
    gold = ("--run", run, "--gold-hosts", tmp_path / "gold.txt")
    code, out, _ = refinery("compare", "--column", "words", *gold)
    assert code == 0 and "18 documents of 1 host, among 100 that came to long" in " ".join(out.split())
    assert "note: 2 of 3 hosts and sites have no document: no.org, c.gov" in out.splitlines()
    assert "MB/s" in out and "AUC" not in out
    cuts = json.loads(refinery("compare", "--column", "words", *gold, "--json")[1])["gold"]["cuts"]
    assert {(cut["kept"], cut["recall"]) for cut in cuts if cut["threshold"] == 40} == {(0.24, 1.0)}
    rows = rows_of([(600, [(n / 200, n > 90) for n in range(200)])])
    labels = write_file(
        tmp_path / "labels.csv", [{"words" if k == "score" else k: v for k, v in row.items()} for row in rows]
    )
    code, out, _ = refinery("compare", labels, *gold)
    assert code == 0 and "AUC" in out and "MB/s" in out and "gold hosts" in out
    without_run = (
        (),
        ("--gold-hosts", tmp_path / "gold.txt", "--column", "words"),
        (labels, "--stage", "long"),
    )
    for wrong in (*without_run, ("--run", run)):
        code, out, err = refinery("compare", *wrong)
        assert (code, out, err.count("\n")) == (2, "", 1), wrong
