"""The decisions on every document."""

import json

import pyarrow.parquet as pq

from tests.conftest import PIPELINE, decisions, document


def test_every_document_is_kept_or_dropped_with_its_reason(data_repository, refinery):
    """The decisions name stage and rule for each document, and the output holds just the kept ones."""
    code, out, err = refinery("run", data_repository / "pipeline.yaml", "--workers", 1)
    assert (code, err.count("Traceback")) == (0, 0), err
    found = decisions(data_repository / "out")
    assert len(found) == 61
    outcome = {name: (row["outcome"], row["stage"], row["rule"]) for name, row in found.items()}
    assert outcome["en3"] == ("kept", None, None)
    assert outcome["zh1"] == ("dropped", "screened", "english")
    assert outcome["short2"] == ("dropped", "screened", "long_enough")
    copies = [outcome[f"copy{n}"] for n in range(6)] + [outcome[f"en{n}"] for n in range(6)]
    assert sorted(c[2] or "" for c in copies) == [""] * 6 + ["dedup.exact"] * 6
    written = pq.read_table(data_repository / "out" / "data-00000.parquet")
    assert sorted(written.column("id").to_pylist()) == sorted(n for n, o in outcome.items() if o[0] == "kept")
    assert written.schema.field("year").type == "int64"
    assert "screened" in out


def test_what_a_duplicate_is_a_duplicate_of_is_recorded(data_repository, refinery):
    """A dropped duplicate names the document that was kept in its place, by id and by place."""
    refinery("run", data_repository / "pipeline.yaml", "--quiet")
    found = decisions(data_repository / "out")
    for row in found.values():
        if row["rule"] == "dedup.exact":
            kept = found[row["duplicate_of_id"]]
            assert kept["outcome"] == "kept"
            assert (kept["path"], kept["row"]) == (row["duplicate_of_path"], row["duplicate_of_row"])
            assert row["id"].removeprefix("copy").removeprefix("en") == kept["id"].removeprefix(
                "copy"
            ).removeprefix("en")


def test_branches_and_unions(data_repository, refinery):
    """A stage may feed several, a union takes each document once, and two outputs have decisions of their own."""
    sizes = sorted(len(document(n).encode()) for n in range(40))
    text = PIPELINE.replace(
        "  unique:\n    from: screened\n",
        f"  short:\n    from: screened\n    keep: [{{fewer: 'bytes < {sizes[25]}'}}]\n"
        f"  long:\n    from: screened\n    keep: [{{more: 'bytes >= {sizes[15]}'}}]\n"
        "  unique:\n    from: [long, short]\n",
    ).replace("outputs:\n", "outputs:\n  short: {from: short, path: out-short}\n")
    (data_repository / "pipeline.yaml").write_text(text)
    code, _, err = refinery("run", data_repository / "pipeline.yaml", "-q")
    assert code == 0, err
    stages = json.loads((data_repository / "out" / "manifest.json").read_bytes())["stages"]
    both = stages["short"]["kept"]["documents"] + stages["long"]["kept"]["documents"]
    assert both > stages["unique"]["arrived"]["documents"] == stages["screened"]["kept"]["documents"]
    short = decisions(data_repository / "out-short")
    assert {row["rule"] for row in short.values() if row["stage"] == "short"} == {"fewer"}
