"""The table of a mix's parts."""

from refinery.filters.verb import VerbTable
from refinery.report.parts import part_tables, verb_tables
from refinery.run.decide import Tally
from refinery.run.manifest import Manifest, PartAccount


def test_a_row_tells_a_part():
    """The share that is reached beside the one that is wanted, counts in three figures, epochs of what is there."""
    books = PartAccount(
        share=0.7, wanted=2_800_000_000, documents=9, tokens=900_000_000, held_out=0, filled=2_799_000_000,
        most_repeats=4, kept=Tally(9, 0, 900_000_000), repeated=Tally(20, 0, 1_899_000_000), largest=4,
    )  # fmt: skip
    web = books.model_copy(
        update={"share": 0.3, "kept": Tally(5, 0, 1_201_000_000), "repeated": Tally(), "largest": 1}
    )
    (table,) = part_tables(Manifest.model_construct(output="all", parts={"books": books, "web": web}))
    assert table.rows == [
        ("books", "70.0%", "70%", "900M", "900M", "1.9B", "3.11", "4 of 4"),
        ("web", "30.0%", "30%", "900M", "1.2B", "0", "1.33", "1 of 4"),
    ]
    assert list(part_tables(Manifest.model_construct(parts={}))) == []


def test_what_verbs_tell_stands_under_their_stage():
    """A table each."""
    told = VerbTable("times", ("bucket", "times"), (("0% to 40%", "0.00"), ("40% to 100%", "1.67")))
    (table,) = verb_tables("best", [told])
    assert (table.title, table.rows) == ("best: times", [*told.rows])
