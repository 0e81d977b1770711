"""Cards of models that there are not."""

from typing import Any

from refinery.models.card import Bin, Card, Counts, Point, SourceJudgement

POINT = Point(threshold=0.25, precision=0.9, recall=0.8, f1=0.847, kept=10)


def card(model: str, suggested: Point = POINT, bound: float = 0.9, **more: Any) -> Card:
    counts = Counts(read=100, used=90, held_out=18)
    return Card(
        model=model, labels=("__label__relevant", "__label__other"), positive_label="__label__relevant",
        preparation="words-1", training={"dim": 16}, sources={"positive": ("a.parquet",), "negative": ("b.parquet",)},
        positive=counts, negative=counts, near_duplicate_groups=1, contradictory=0, wanted_precision=0.9,
        suggested=suggested, precision_bound=bound,
        at_half=POINT, average_precision=0.95, false_positive_rate=0.02, curve=(POINT,),
        calibration=(Bin(documents=3, mean_score=0.1, positive_share=0.0),),
    ).model_copy(update=more)  # fmt: skip


def judged(part: str, source: str, left_out: bool = False) -> SourceJudgement:
    """Of 9 documents."""
    return SourceJudgement(
        part=part, source=source, held_out=9, left_out=left_out, reached=0.5, average_precision=0.9
    )
