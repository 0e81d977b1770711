"""What the verb `dedup` tells a plan."""

from refinery.dedup.settings import Settings
from refinery.dedup.verb import Dedup
from refinery.plan.fingerprint import fingerprint


def verb(**written: object) -> Dedup:
    return Dedup(Settings.model_validate(written))


def test_columns_are_needed_where_they_are_named():
    """What ranks must be everywhere unless it is said where it comes; keys need not be."""
    found = verb(prefer=["source", "date DESC"], by=["doi"], near={"within": ["court", "year"]}).needed
    assert [(need.column, need.location, need.ranks, need.everywhere) for need in found] == [
        ("source", ("prefer", 0), True, True),
        ("date", ("prefer", 1), True, True),
        ("doi", ("by", 0), False, False),
        ("court", ("near", "within", 0), False, False),
        ("year", ("near", "within", 1), False, False),
    ]
    assert not verb(prefer=["date"], missing="last").needed[0].everywhere


def test_only_what_is_compared_is_measured():
    """Key texts and signatures, each if it is wanted."""
    wanted = [{}, {"near": {}}, {"exact": False, "near": {}}, {"by": "x"}]
    found = [[m.name for m in verb(**one).own_measurers] for one in wanted]
    assert found == [["content"], ["content", "minhash"], ["minhash"], []]


def test_the_settings_are_those_that_the_outcome_depends_on():
    """Not the folder of an earlier run, whose files count; and what is the default has the key of what is written."""
    assert fingerprint(verb(against="a").settings) == fingerprint(verb(against="b").settings)
    assert fingerprint(verb().settings) == fingerprint(verb(exact=True).settings)
    one = {"by": "x"}, {"by": "y"}, {"by": "x", "exact": True}, {"near": {}}, {"near": {"within": "x"}}
    assert len({fingerprint(verb(**written).settings) for written in one}) == len(one)


def test_the_summary_says_what_is_compared():
    """In the order in which it is; with the earlier run."""
    assert verb(by=["a", "b"], near={"within": "c"}).summary == "dedup by a, b + near within c"
    assert verb(against="out").summary == "dedup exact, against out"
    assert verb(near={}).explained()[0].columns[0] == "Jaccard" and verb().explained() == ()
