"""What recall found, for people."""

from pathlib import Path

from refinery.models.binomial import Estimate
from refinery.recall.account import GoldHosts, Moved, MovedDocument, Recalled, RoundAccount
from refinery.report.recall import moved_lines, next_steps, recalled_tables
from tests.recall.test_counts import counts


def interval(value: float) -> Estimate:
    return Estimate(value=value, low=value - 0.05, high=value + 0.05)


def account(number: int, **known: object) -> RoundAccount:
    """A round, with what else is known of it."""
    found = {
        "positives": 90, "negatives": 700, "open": 110, "recalled": 80, "threshold": 0.4,
        "prevalence": interval(0.1), "precision": interval(0.9), "recall": interval(0.8), "similarity": 0.3,
        "seed_similarity": 0.4, "strays": 0.1, "overlap": None, "new_hosts": None, "good": True, "stopped": "",
    }  # fmt: skip
    return RoundAccount.model_validate({"number": number, **found, **known})


RECALLED = Recalled(
    sample=counts(),
    rounds=(
        account(1),
        account(2, recalled=1234, overlap=0.875, new_hosts=3, good=False, stopped="the gain is within"),
    ),
    chosen=1,
    kept=76,
)
CAME = MovedDocument(
    source="crawl", id="x1", host="a.org", language="en", score=0.75, before=0.25, head="Of\nheat.\x1b[1m"
)


def test_a_row_for_each_round_and_why_they_stopped():
    """The one that the model is of has a star; copies of seeds are told apart, and what the model itself keeps."""
    table, copies, why, model = recalled_tables("medical", RECALLED)
    assert table.title == (
        "medical: rounds over 900 of 1,000 documents of the pool, by 50 seeds, with intervals of 95 %"
    )
    assert [row[:4] for row in table.rows] == [
        ("1 *", "80", "110", "10.00%"),
        ("2", "1,234", "110", "10.00%"),
    ]
    assert table.rows[1][4:] == ("0.90\n0.85-0.95", "0.80\n0.75-0.85", "87.5%", "3")
    assert table.rows[0][6:] == ("", "")
    assert copies.startswith("documents of the sample that are copies of seeds: 3,")
    assert why == "round 2 is not taken, and no other follows: the gain is within"
    assert model == (
        "the model is that of round 1 (*): at its threshold 0.4000 it keeps 76 of the sample, which it was fitted "
        "to; `found` is by fits that have not seen the document"
    )


def test_gold_hosts_have_a_column_and_a_sentence():
    """In a table of its own, by round, and of the model's; where the sample has none of them that is told."""
    gold = GoldHosts(hosts=3, documents=40, recalled=(30, 38))
    _, table, *lines = recalled_tables("medical", RECALLED.model_copy(update={"gold": gold}))
    assert [row[-1] for row in table.rows] == ["75.0%", "95.0%"]
    assert lines[0] == "gold hosts: round 1 finds 30 of 40 documents of 3 hosts in the sample, 75.0%"
    one = GoldHosts(hosts=1, documents=1, recalled=(1, 0), absent=("a.org", "b.org"))
    assert one.sentence(2) == (
        "round 2 finds 0 of 1 document of 1 host in the sample, 0.0%; without a document there: a.org, b.org"
    )
    none = GoldHosts(hosts=0, documents=0, recalled=(0, 0))
    _, _, line, *_ = recalled_tables("medical", RECALLED.model_copy(update={"gold": none}))
    assert "none of them has a document in the sample" in line


def test_what_came_by_hosts_has_a_column_where_it_was_asked_for():
    """Empty in the first round, which has nothing to go by."""
    hosts = RECALLED.model_copy(update={"rounds": (account(1), account(2, by_hosts=1234))})
    _, table, *_ = recalled_tables("medical", hosts)
    assert [table.headings[-1], *(row[-1] for row in table.rows)] == ["by hosts", "", "1,234"]


def test_documents_that_came_and_went_with_their_scores():
    """Only those that are asked for, no more than are wanted, control codes as text."""
    moved = Moved(came=(CAME, CAME), went=(CAME,), came_in_all=7, went_in_all=1)
    lines = list(moved_lines(moved, {True}, 1, 400, 80))
    assert lines == [
        "came: 7 documents, here 1, scored by fits that have not seen them",
        "crawl: x1 of a.org",
        "  relevance 0.750, 0.250 in the round before; en",
        "  | Of",
        "  | heat.\\x1b[1m",
    ]
    assert [line for line in moved_lines(moved, {True, False}, 5, 2, 80) if ", here " in line] == [
        "came: 7 documents, here 2, scored by fits that have not seen them",
        "went: 1 document, here 1, scored by fits that have not seen them",
    ]


def test_what_to_do_next_names_commands_that_there_are():
    """With the folder to paste; a round is to be looked at only where it added something, else the output."""
    for chosen, came, shown in ((1, 50, "--kept"), (2, 7, "--round 2 --came"), (2, 0, "--kept")):
        found = RECALLED.model_copy(update={"chosen": chosen})
        lines = list(next_steps(Path("out"), Path("out/recalled"), found, came))
        assert [line.split()[1] for line in lines[1:]] == ["show", "show", "label", "budget"]
        assert all("out" in line for line in lines[1:]) and f"show out {shown}  " in lines[1]
