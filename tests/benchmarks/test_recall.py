"""The benchmark of recall."""

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recall import METHODS, Draw, Topic, all_labels, draws_of, interval, judge, measure, read_topic, tables

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "recall.py"


def test_intervals_are_those_of_student():
    """Of 95 %, as tables have them; a little narrow with the fewest draws."""
    for values, t in (([0.0, 1.0, 2.0, 3.0, 4.0], 2.776), (list(map(float, range(10))), 2.262)):
        mean, half = interval(values)
        assert mean == np.mean(values)
        assert half == pytest.approx(t * np.std(values, ddof=1) / len(values) ** 0.5, rel=4e-3)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """160 documents, of which 60 have words of a topic; labels that say so or are by chance; pages of two hosts."""
    rng, rows = np.random.default_rng(1), []
    for number in range(160):
        of_topic = number < 60
        words = [f"common{n}" for n in rng.integers(0, 60, 25)]
        words += [f"{'topic' if of_topic else 'other'}{n}" for n in rng.integers(0, 30, 8)]
        label = f"{'topic' if of_topic else 'other'} {rng.choice(['heads', 'tails'])}"
        rows.append(
            {"text": " ".join(rng.permutation(words)), "label": label, "host": f"{number % 2}.example"}
        )
    found = tmp_path_factory.mktemp("recall") / "documents.parquet"
    pl.DataFrame(rows).write_parquet(found)
    return found


def _options(**changed: object) -> Namespace:
    return Namespace(
        **{"seeds": [20], "shares": ["natural"], "draws": 2, "documents": 1000, "least": 5, **changed}
    )


def test_draws_hide_what_the_share_takes(file, capsys):
    """All that is left or as many as make the share; too few are left out and told."""
    told = f"topic={file}:topic"
    table = read_topic(told, 1000)
    found = list(draws_of(told, table, _options(shares=["natural", "10%", "1%", "50%"])))
    assert [(one.share, one.number, one.hidden) for one in found] == [
        ("natural", 0, 40),
        ("natural", 1, 40),
        ("10%", 0, 11),
        ("10%", 1, 11),
    ]
    left_out = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0].rpartition(" ")[2] for line in left_out] == ["1%", "50%"]
    truth = table["hit"].to_numpy()
    chosen = [one.chosen(truth) for one in found]
    assert all(truth[numbers[:20]].all() and len(set(numbers)) == len(numbers) for numbers in chosen)
    assert [int(truth[numbers[20:]].sum()) for numbers in chosen] == [40, 40, 11, 11]
    assert all((~truth[numbers]).sum() == 100 for numbers in chosen)
    assert set(chosen[0][:20]) != set(chosen[1][:20])


@pytest.mark.parametrize(("label", "least", "most"), [("topic", 0.95, 1.0), ("heads", 0.3, 0.75)])
def test_all_labels_have_not_seen_what_they_score(file, label, least, most):
    """Words that tell a label rank nearly all of it first; labels by chance are ranked by chance."""
    topic = Topic.of(read_topic(f"{label}={file}:{label}", 1000))
    assert least <= judge(all_labels(topic), topic.truth)["ap"] <= most


def test_hosts_are_a_method_where_documents_have_some(file, tmp_path):
    """The column is given to the sample; a file without it has no such number, and a dash in the table."""
    pl.read_parquet(file).drop("host").write_parquet(tmp_path / "bare.parquet")
    found = {}
    for where in (file, tmp_path / "bare.parquet"):
        told = f"{where.stem}={where}:topic"
        table = read_topic(told, 1000)
        (draw,) = draws_of(told, table, _options(draws=1))
        found[draw] = {**measure(Topic.of(table), draw, 3), "all labels": {"ap": 1.0}}
    with_hosts, without = found.values()
    assert with_hosts.keys() - without.keys() == {"hosts"}
    precision, difference, *_ = tables(found)
    place = precision.columns.index("hosts")
    assert [row[place] == "–" for row in precision.rows] == [False, True]
    place = difference.columns.index("hosts")
    assert [row[place] == "–" for row in difference.rows] == [False, True]


def test_means_over_topics_vary_by_draw_and_not_by_topic():
    """Topics that differ much and draws that differ little: the interval is that of draws."""
    found = {}
    for topic, hidden, base in (("hard", 50, 0.2), ("easy", 300, 0.8)):
        for number in range(10):
            each = {"ap": base + 0.01 * number, "p90": 0.0, "precision": 0.0, "recall": 0.0, "seconds": 0.0}
            each |= {"told_precision": 0.0, "told_recall": 0.0, "told_prevalence": 0.0}
            values = {name: {**each, "ap": each["ap"] + 0.1 * (name == "recall")} for name in METHODS}
            found[Draw(f"{topic}=file", 1000, "natural", 50, number, hidden)] = values
    sheets = {sheet.title: sheet for sheet in tables(found)}
    every = {row[0]: row[1:] for row in sheets["Means over topics, 50 seeds, share natural"].rows}
    assert every["direct"] == (2, "0.545 ± 0.022", "+0.000 ± 0.000")
    assert every["recall"] == (2, "0.645 ± 0.022", "+0.100 ± 0.000")
    many = {
        row[0]: row[1:] for row in sheets["Means over topics with 200 hidden, 50 seeds, share natural"].rows
    }
    assert many["direct"][:2] == (1, "0.845 ± 0.022")


def test_a_run_goes_on_from_its_records(file, tmp_path):
    """Draws that are there are read and not made again; a further one is added."""
    records, out = tmp_path / "records.jsonl", tmp_path / "found.json"
    command = [sys.executable, SCRIPT, f"topic={file}:topic", "--seeds", "20", "--workers", "1"]
    command += ["--records", records, "--json", out, "--draws"]
    subprocess.run([*command, "1"], check=True, capture_output=True)
    line = json.loads(records.read_text())
    line["found"]["direct"]["ap"] = -1.0
    records.write_text(json.dumps(line) + "\n")
    subprocess.run([*command, "2"], check=True, capture_output=True)
    first, second = map(json.loads, records.read_text().splitlines())
    assert first == line
    assert (second["draw"], second["found"].keys()) == ({**first["draw"], "number": 1}, set(METHODS))
    (row,) = json.loads(out.read_text())["tables"][0]["rows"]
    assert row[1] == 2
    assert float(row[3 + METHODS.index("direct")]) == pytest.approx(
        (second["found"]["direct"]["ap"] - 1) / 2, abs=1e-3
    )
