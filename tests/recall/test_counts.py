"""What is told of seeds and a pool by which nothing, or little, can be recalled."""

import pytest

from refinery.errors import DefinitionError
from refinery.models.card import SourceCounts
from refinery.recall.counts import POOL, SEEDS, SampleCounts, refuse, warnings

NAMES = {SEEDS: ("seeds", "books"), POOL: ("crawl",)}


def counts(seeds=50, pool=900, copies=3, arrived=(60, 1000), languages=None):
    drawn = zip((SEEDS, POOL), ("seeds", "crawl"), arrived, strict=True)
    return SampleCounts(
        drawn=[SourceCounts(part=part, source=name, documents=n, drawn=n) for part, name, n in drawn],
        seeds=seeds,
        pool=pool,
        copies=copies,
        empty=7,
        entries=1 << 20,
        languages=languages or {SEEDS: {"en": seeds}, POOL: {"en": pool}},
    )


def test_seeds_and_a_pool_of_their_language_are_accepted():
    """Without a word."""
    refuse(counts(), NAMES)
    assert list(warnings(counts())) == []
    assert counts().documents == 950 and counts().arrived(POOL) == 1000


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (counts(seeds=0, arrived=(0, 1000)), "no document comes from seeds, books: without a seed nothing"),
        (counts(seeds=19), "seeds, books: 19 different seeds with a word of 60 documents, at least 20"),
        (counts(pool=0, copies=0, arrived=(60, 0)), "no document comes from crawl"),
        (counts(pool=0, copies=0), "no document of crawl has a word: is another column the text?"),
        (
            counts(pool=10, copies=49),
            "49 of 59 documents of crawl are seeds: the pool must be text that nobody",
        ),
        (
            counts(pool=10, copies=49).model_copy(
                update={
                    "drawn": (
                        SourceCounts(part=SEEDS, source="seeds", documents=60, drawn=50),
                        *counts().drawn[1:],
                    )
                }
            ),
            "at least 49 of 59 documents of crawl are seeds, by the 50 of 60 seeds that were drawn",
        ),
        (counts(pool=40, arrived=(60, 45)), "crawl has 45 documents, fewer than the 60 of seeds, books"),
        (
            counts(languages={SEEDS: {"zh": 48, "en": 2}, POOL: {"en": 800, "de": 99, "zh": 1}}),
            "48 of 50 seeds are in zh, and 1 of 900 documents of crawl, which has en (89%), de (11%); give seeds",
        ),
        (
            counts(languages={SEEDS: {"zh": 25, "en": 20, "fr": 5}, POOL: {"zh": 900}}),
            "25 of 50 seeds are in en, fr, and no document of crawl, which has zh (100%); give seeds in its",
        ),
    ],
)
def test_what_cannot_be_recalled_is_told(found, problem):
    """What is wrong, of which sources, and what to do."""
    with pytest.raises(DefinitionError) as caught:
        refuse(found, NAMES)
    (told,) = caught.value.problems
    assert told.startswith(problem)


def test_all_that_is_wrong_is_told_at_once():
    """Too few seeds and an empty pool."""
    with pytest.raises(DefinitionError) as caught:
        refuse(counts(seeds=3, pool=0, copies=0, arrived=(3, 0)), NAMES)
    assert len(caught.value.problems) == 2


def test_each_language_of_the_seeds_that_the_pool_lacks_is_a_warning():
    """From a twentieth of the seeds on; a hundredth of the pool is enough of one."""
    some = {SEEDS: {"zh": 29, "en": 12, "de": 5, "fr": 2, "it": 2}, POOL: {"zh": 887, "en": 4, "de": 9}}
    refuse(counts(languages=some), NAMES)
    assert [told.partition(";")[0] for told in warnings(counts(languages=some))] == [
        "12 of 50 seeds are in en, and 4 of 900 documents of the pool, which has zh (99%), de (1%)"
    ]
    some[POOL] = {"zh": 896, "en": 4}
    assert [told.partition(",")[0] for told in warnings(counts(languages=some))] == [
        "12 of 50 seeds are in en",
        "5 of 50 seeds are in de",
    ]


def test_a_pool_that_is_mostly_in_other_languages_is_a_warning():
    """Of seeds in two languages both count."""
    mixed = {SEEDS: {"zh": 30, "en": 20}, POOL: {"de": 850, "zh": 40, "en": 10}}
    refuse(counts(languages=mixed), NAMES)
    (told,) = warnings(counts(languages=mixed))
    assert told.startswith(
        "only 5.6% of the pool is in a language of the seeds (zh, en): it is in de (94%), zh"
    )
