"""The file that people label."""

import csv

import numpy as np
import pytest

from refinery.errors import DefinitionError, InputError
from refinery.labels.file import LISTED, MOST_CHARS, kind_of, read_labels, score_of, write_rows
from tests.labels.files import labels_of, rows_of, write_file

ROWS = rows_of([(100, [(n / 20, n > 7) for n in range(20)]), (50, [(n, None) for n in range(5)])])


def changed(place: int, **values) -> list[dict]:
    return [row | values if number == place else row for number, row in enumerate(ROWS)]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_what_is_written_is_read(tmp_path, kind):
    """Texts with quotes, line ends and separators stay; labels of either form are read."""
    file = tmp_path / f"labels.{kind}"
    text = 'a "quote", a;b\r\nand\ra line\u2028of 中文'
    rows = [dict.fromkeys(LISTED, 1) | {"row": n, "score": n / 8, "text": text} for n in range(30)]
    words = ["yes", "No", " TRUE ", "0", "1.0"]
    write_rows(
        file, [{**r, "label": words[n % 5], "stratum_documents": 90} for n, r in enumerate(rows)], ["score"]
    )
    labels = read_labels(file)
    assert labels.positive.tolist() == [True, False, True, False, True] * 6
    assert labels.scores["score"].tolist() == [n / 8 for n in range(30)]
    assert labels.weights.tolist() == [3.0]
    if kind == "csv":
        with file.open(encoding="utf-8-sig", newline="") as opened:
            assert {row["text"] for row in csv.DictReader(opened)} == {text}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_of_spreadsheets(tmp_path, delimiter):
    """They write other separators, with or without their mark, and a text may be as long as a cell."""
    file = tmp_path / "labels.csv"
    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.DictWriter(opened, [*ROWS[0], "text"], delimiter=delimiter)
        writer.writeheader()
        writer.writerows({**row, "text": "文" * MOST_CHARS} for row in ROWS)
    assert read_labels(file).positive.sum() == 12


def test_missing_labels_are_counted(tmp_path):
    """Those left stand for their stratum; a stratum without any is left out, and both are told."""
    labels = labels_of(tmp_path, [(100, [(n, n > 7 if n else None) for n in range(30)]), (50, [(1, None)])])
    assert labels.missing == 2
    assert labels.documents.tolist() == [100]
    assert labels.weights.tolist() == [100 / 29]
    assert list(labels.notes()) == [
        "2 of 31 documents have no label",
        "stratum 2 has no label: its 50 documents are left out",
    ]


def test_no_value_lies_below_all(tmp_path):
    """A rule keeps no document without a value."""
    labels = labels_of(tmp_path, [(90, [(n, n > 7) for n in range(30)])], other=[None, *range(29)])
    assert labels.scores["other"][0] == -np.inf


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (changed(3, label="maybe"), r"labels.csv:5: label 'maybe' \(expected yes or no"),
        (changed(3, score="0,43"), r"labels.csv:5: score: '0,43' is no number"),
        (changed(3, score="inf"), r"labels.csv:5: score: 'inf' is no number"),
        (changed(3, stratum="x"), r"labels.csv:5: stratum: 'x' is no number"),
        (changed(3, stratum=1.5), r"labels.csv:5: stratum: expected a number from 1 on"),
        (changed(3, stratum_documents=99), r"labels.csv:5: stratum 1 has 99 documents here, 100 before"),
        (changed(24, row=3), r"labels.csv:26: the same document as .*labels.csv:5"),
        (
            [row | {"stratum_documents": 19} for row in ROWS],
            r"labels.csv:21: stratum 1 has 19 documents, and more",
        ),
        (ROWS[1:], r"labels.csv: 19 rows have a label \(20 are needed"),
        (
            [{"text": "a", "label": 1}],
            r"labels.csv: it has no column stratum, stratum_documents \(give a file",
        ),
        ([{k: v for k, v in r.items() if k != "score"} for r in ROWS], "it has no column of scores"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path, rows, message):
    """What is wrong, where, and what to do."""
    with pytest.raises(InputError, match=message):
        read_labels(write_file(tmp_path / "labels.csv", rows))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has no row"),
        (b"\xff\xfea", "it is not UTF-8"),
        (b"stratum,label\n1\n", "labels.csv:2: 1 cells in place of 2"),
        (b'stratum,label\n1,"a\n', "it has no column"),
        (b"stratum,label\n" + b"a" * 200_000, "labels.csv:2: no CSV"),
    ],
)
def test_what_is_no_label_file(tmp_path, content, message):
    """Files of other programs are told as such."""
    file = tmp_path / "labels.csv"
    file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_labels(file)


def test_what_is_no_json(tmp_path):
    """With the line."""
    file = tmp_path / "labels.jsonl"
    for line, message in (("{", "no JSON"), ("[1]", "no JSON object")):
        file.write_text(f"\n{line}\n")
        with pytest.raises(InputError, match=f"labels.jsonl:2: {message}"):
            read_labels(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "absent.jsonl")
    with pytest.raises(DefinitionError, match=r"ends in \.csv or \.jsonl"):
        kind_of("labels.xlsx")


def test_labels_are_never_written_over(tmp_path):
    """A file that is there stays."""
    file = write_file(tmp_path / "labels.csv", ROWS)
    before = file.read_bytes()
    with pytest.raises(InputError, match="may hold labels"):
        write_rows(file, [], ["score"])
    assert file.read_bytes() == before


def test_an_unknown_score(tmp_path):
    """The nearest is named; by default it is the one that the sample was drawn over."""
    labels = labels_of(tmp_path, [(90, [(n, n > 7) for n in range(30)])], other=range(30))
    assert score_of(labels, None) == "score"
    with pytest.raises(InputError, match='did you mean "other"'):
        score_of(labels, "othr")
