"""What of the documents went into a sample, and what is told of samples by which nothing can be recalled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from refinery.definition.values import Model
from refinery.errors import DefinitionError
from refinery.models.card import SourceCounts
from refinery.models.draw import LEAST_SEEDS, few_seeds

COUNTS = "sample.json"  # the file
SEEDS, POOL = "seeds", "pool"  # the parts
_COMMON = 0.1  # share of the seeds from which on a language is one of theirs
_TOLD = 0.05  # of the seeds, from which on a language is told that the pool lacks
_LEAST_SHARE = 0.01  # of a pool's documents, below which it lacks a language
_MOST_ABSENT = 0.5  # of the seeds, in languages that the pool lacks
_FEW_SHARE = 0.1  # below which a person is told


class SampleCounts(Model):
    """Of the documents of seeds and pool, how many went into a sample.

    drawn: by part and source; seeds: different ones; pool: documents beside the copies of seeds; copies: documents of
    the pool with the words of a seed; empty: documents without a word, of both; entries: features of all
    documents of the sample; languages: documents by part and language.
    """

    drawn: tuple[SourceCounts, ...]
    seeds: int
    pool: int
    copies: int
    empty: int
    languages: dict[str, dict[str, int]]
    entries: int = 0  # of earlier versions

    @property
    def documents(self) -> int:
        """Of the sample."""
        return self.seeds + self.pool

    def arrived(self, part: str) -> int:
        """Documents of a part, drawn or not."""
        return sum(one.documents for one in self.drawn if one.part == part)

    def shared_language(self) -> tuple[list[str], float]:
        """The languages of the seeds, the most common first, and the share of the pool that is in one of them."""
        seeds = self.languages.get(SEEDS, {})
        common = sorted(
            (name for name, count in seeds.items() if count >= _COMMON * self.seeds), key=lambda n: -seeds[n]
        )
        return common, self.spoken(POOL, common) / max(self.pool, 1)

    def absent_languages(self) -> list[str]:
        """Languages of the seeds that the pool lacks, the most common first."""
        seeds, pool = (self.languages.get(part, {}) for part in (SEEDS, POOL))
        lacking = [
            name
            for name, count in seeds.items()
            if count >= _TOLD * self.seeds and pool.get(name, 0) < _LEAST_SHARE * self.pool
        ]
        return sorted(lacking, key=lambda n: (-seeds[n], n))

    def spoken(self, part: str, languages: Iterable[str]) -> int:
        """Documents of a part in these languages."""
        return sum(self.languages.get(part, {}).get(name, 0) for name in languages)


def refuse(counts: SampleCounts, names: Mapping[str, Sequence[str]]) -> None:
    """Raises DefinitionError for seeds and a pool by which nothing can be recalled; names: of both by part."""
    if problems := list(_problems(counts, *(", ".join(names[part]) for part in (SEEDS, POOL)))):
        raise DefinitionError(*problems)


def _problems(counts: SampleCounts, seeds: str, pool: str) -> Iterator[str]:
    arrived, absent = {part: counts.arrived(part) for part in (SEEDS, POOL)}, counts.absent_languages()
    if not arrived[SEEDS]:
        yield f"no document comes from {seeds}: without a seed nothing can be recalled"
    elif counts.seeds < LEAST_SEEDS:
        found = f"{counts.seeds} different seeds with a word of {arrived[SEEDS]:,} documents"
        yield f"{seeds}: {few_seeds(found)}"
    if not arrived[POOL]:
        yield f"no document comes from {pool}: there is nothing to recall from"
    elif counts.copies > counts.pool:
        yield (
            f"{_copies(counts, pool)}: the pool must be text that nobody has chosen, in which the domain is a part"
        )
    elif not counts.pool:
        yield f"no document of {pool} has a word: is another column the text?"
    elif arrived[POOL] < arrived[SEEDS]:
        yield (
            f"{pool} has {arrived[POOL]:,} documents, fewer than the {arrived[SEEDS]:,} of {seeds}: recall finds "
            "more of what seeds show, in a pool that is larger"
        )
    elif counts.seeds >= LEAST_SEEDS and counts.spoken(SEEDS, absent) >= _MOST_ABSENT * counts.seeds:
        yield f"{_absent(counts, absent, pool)}; give seeds in its languages"


def _copies(counts: SampleCounts, pool: str) -> str:
    """How many documents of the pool are seeds: only seeds that were drawn can be told."""
    found = f"{counts.copies:,} of {counts.copies + counts.pool:,} documents of {pool} are seeds"
    arrived, drawn = counts.arrived(SEEDS), sum(one.drawn for one in counts.drawn if one.part == SEEDS)
    if drawn == arrived:
        return found
    return f"at least {found}, by the {drawn:,} of {arrived:,} seeds that were drawn (`seed_documents`)"


def warnings(counts: SampleCounts) -> Iterator[str]:
    """What a person should know of a sample, a sentence each."""
    for name in counts.absent_languages():
        yield f"{_absent(counts, [name], 'the pool')}; what such seeds show is hardly found, leave them out"
    languages, share = counts.shared_language()
    if share < _FEW_SHARE:
        yield (
            f"only {share:.1%} of the pool is in a language of the seeds ({', '.join(languages)}): it is in "
            f"{_languages(counts)}"
        )


def _absent(counts: SampleCounts, languages: Sequence[str], pool: str) -> str:
    """How many seeds are in languages that the pool lacks, and in which it is."""
    of_seeds, of_pool = (counts.spoken(part, languages) for part in (SEEDS, POOL))
    found = f"{of_pool:,} of {counts.pool:,} documents" if of_pool else "no document"
    return (
        f"{of_seeds:,} of {counts.seeds:,} seeds are in {', '.join(languages)}, and {found} of {pool}, which has "
        f"{_languages(counts)}"
    )


def _languages(counts: SampleCounts) -> str:
    """The most common languages of the pool, with their shares, but for what is no whole percent."""
    found = sorted(counts.languages.get(POOL, {}).items(), key=lambda one: (-one[1], one[0]))
    told = [one for one in found[:3] if one[1] >= _LEAST_SHARE * counts.pool] or found[:1]
    return ", ".join(f"{name} ({count / counts.pool:.0%})" for name, count in told)
