"""Documents with what decided on them."""

import polars as pl
import pytest

import refinery


def test_a_dropped_document_has_its_limits_and_values(tiny_run):
    """The rules of the stage that failed, as SQL, and the columns that they read."""
    (found,) = refinery.show(tiny_run, where="id = 'short2'")
    assert (found.outcome, found.stage, found.rule) == ("dropped", "screened", "long_enough")
    assert found.failed == ("long_enough",)
    assert found.limits == {"long_enough": "words >= 50"}
    assert found.values["words"] == 9


def test_the_text_is_as_the_stage_got_it(tiny_run):
    """After its transforms; raw where a stage has none."""
    (found,) = refinery.show(tiny_run, where="id = 'copy0'")
    raw = pl.read_parquet(tiny_run.parent / "crawl" / "*.parquet").filter(pl.col("id") == "copy0")["text"][0]
    assert raw.endswith("\r\n\r\n")
    assert found.text is not None
    assert "\r" not in found.text
    assert raw.startswith(found.text[:80])


def test_a_duplicate_names_what_was_kept(tiny_run):
    """Its place, id and similarity, as in the decisions."""
    (found,) = refinery.show(tiny_run, where="id = 'near3'")
    assert found.duplicate_of is not None
    assert found.duplicate_of["id"] == "en3"
    assert found.similarity is not None
    assert 0.8 <= found.similarity < 1


def test_texts_are_read_by_row(tiny_run, monkeypatch):
    """The readers are asked for the rows that are shown, no others."""
    from refinery.report import document

    asked = []
    read = document.read_documents

    def noting(shard, spec, *, wanted):
        asked.append(len(wanted))
        return read(shard, spec, wanted=wanted)

    monkeypatch.setattr(document, "read_documents", noting)
    assert len(refinery.show(tiny_run, n=4)) == 4
    assert sum(asked) <= 4


def test_a_rejected_row_says_why(tiny_run):
    """Without a text, with what was found."""
    found = refinery.show(tiny_run, where="outcome = 'rejected'")
    assert [(one.row, one.rule, one.text) for one in found] == [
        (1, "null_text", None),
        (2, "missing_text", None),
        (3, "not_json", None),
    ]
    assert found[2].detail


@pytest.mark.parametrize("seed", range(3))
def test_each_document_is_told_as_in_the_decisions(tiny_run, seed):
    """Whatever is drawn: outcome, stage and rule are those of the output's record."""
    known = pl.read_parquet(tiny_run.parent / "out.records" / "decisions-*.parquet")
    for one in refinery.show(tiny_run, n=10, seed=seed):
        row = known.filter(
            (pl.col("source") == one.source) & (pl.col("path") == one.path) & (pl.col("row") == one.row)
        ).row(0, named=True)
        assert (one.id, one.outcome, one.stage, one.rule) == tuple(
            row[name] for name in ("id", "outcome", "stage", "rule")
        )
        assert list(one.failed) == (row["failed"] or [])
