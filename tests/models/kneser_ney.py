"""Interpolated modified Kneser-Ney smoothing in plain Python, over tuples of words: the oracle of n-gram models."""

import math
from collections import Counter, defaultdict


class KneserNey:
    """Counts documents, lists of words; what is rarer than `least` is left out from three words on."""

    def __init__(self, documents: list[list[str]], order: int, least: int) -> None:
        self.order = order
        self.seen: Counter[tuple[str, ...]] = Counter()
        before = defaultdict(set)
        for words in documents:
            for end in range(1, len(words) + 1):
                for start in range(max(0, end - order), end):
                    gram = tuple(words[start:end])
                    self.seen[gram] += 1
                    before[gram].add(words[start - 1] if start else None)
        self.count = {
            gram: times if len(gram) == order else len(before[gram]) for gram, times in self.seen.items()
        }
        self.kept = {gram for gram, times in self.seen.items() if len(gram) < 3 or times >= least}
        self.following = defaultdict(list)
        for gram in self.seen:
            self.following[gram[:-1]].append(gram)
        self.total = {c: sum(self.count[gram] for gram in grams) for c, grams in self.following.items()}
        self.discounts = [self._discounts(n) for n in range(1, order + 1)]

    def _discounts(self, length: int) -> tuple[float, ...]:
        of = Counter(count for gram, count in self.count.items() if len(gram) == length)
        n1, n2, n3, n4 = (of[n] for n in range(1, 5))
        if not n1 * n2 * n3 * n4:
            return 0.5, 1.0, 1.5
        y = n1 / (n1 + 2 * n2)
        found = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
        return found if all(0 < d < n for n, d in enumerate(found, 1)) else (0.5, 1.0, 1.5)

    def u(self, gram: tuple[str, ...]) -> float:
        """What an n-gram adds to the probability of its last word."""
        if gram not in self.kept:
            return 0.0
        count = self.count[gram]
        return (count - self.discounts[len(gram) - 1][min(count, 3) - 1]) / self.total[gram[:-1]]

    def share(self, context: tuple[str, ...]) -> float:
        """What a context leaves to the shorter one."""
        return 1 - sum(self.u(gram) for gram in self.following[context])

    def probability(self, gram: tuple[str, ...], vocabulary: int) -> float:
        """Of the last word after the others."""
        if not gram:
            return 1 / vocabulary
        return self.u(gram) + self.share(gram[:-1]) * self.probability(gram[1:], vocabulary)

    def bits(self, words: list[str], vocabulary: int) -> float:
        """Bits a word of a document."""
        grams = [tuple(words[max(0, end - self.order) : end]) for end in range(1, len(words) + 1)]
        return -sum(math.log2(self.probability(gram, vocabulary)) for gram in grams) / len(words)
