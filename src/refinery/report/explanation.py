"""An explanation for people, in the terminal's width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import set_cell_size

from refinery.report.explain import CutPassage, Difference, Explanation, StageVerdict
from refinery.report.show import cut_lines, limit_text, lines_of, place_text, text_lines, values_text, wrapped

_MOST = 12  # differences, passages, and cuts of a stage, that are shown


def explanation_lines(explanation: Explanation, characters: int, width: int) -> Iterator[str]:
    """The document, each stage with its rules, what was measured, and the kept document with what differs."""
    yield from lines_of(explanation.document, characters, width)
    for stage in explanation.stages:
        yield ""
        yield from _stage_lines(stage, width)
    for passage in explanation.cut[:_MOST]:
        yield ""
        yield from _cut_lines(passage, characters, width)
    yield from _rest(explanation.cut, "more passages")
    if explanation.measured:
        yield ""
        yield "measured"
        yield from wrapped(values_text(explanation.measured), width, "  ")
    if explanation.duplicate:
        yield ""
        yield "kept instead"
        yield from lines_of(explanation.duplicate, characters, width)
        yield ""
        if explanation.shared:
            yield "passages of it in this one"
            for shared in explanation.shared[:_MOST]:
                yield from text_lines(shared, characters, width)
            yield from _rest(explanation.shared, "more")
        else:
            yield from _difference_lines(explanation.differences, width)


def _stage_lines(stage: StageVerdict, width: int) -> Iterator[str]:
    decided = "kept" if stage.decided else "not decided for a text alone"
    yield f"stage {stage.stage}: {f'dropped by {stage.dropped_by}' if stage.dropped_by else decided}"
    for cut in stage.cuts[:_MOST]:
        yield from wrapped(f"cut by {cut.rule}: {cut.text}".replace("\n", " "), width, "  ")
    yield from _rest(stage.cuts, "more cuts")
    for rule in stage.rules:
        mark = "ok    " if rule.passed else "FAILED"
        values = f"   ({values_text(rule.values)})" if rule.values else ""
        published = f" (calibrated; published: {limit_text(rule.published)})" if rule.published else ""
        yield from wrapped(f"{mark} {rule.rule}: {limit_text(rule.limit)}{published}{values}", width, "  ")
    if stage.verb:
        ranked = f"   ({values_text(stage.ranked)})" if stage.ranked else ""
        yield from wrapped(f"{stage.verb}{ranked}", width, "  ")


def _cut_lines(passage: CutPassage, characters: int, width: int) -> Iterator[str]:
    yield f"cut by {passage.stage}: {passage.rule}, {len(passage.text):,} characters"
    if passage.other:
        yield from wrapped(f"kept in: {place_text(passage.other)}", width, "  ")
    yield from text_lines(passage.text, characters, width)


def _difference_lines(differences: tuple[Difference, ...], width: int) -> Iterator[str]:
    """Both texts side by side, where they differ."""
    if not differences:
        yield "no word differs"
        return
    half = max((width - 7) // 2, 12)
    yield f"differences: {len(differences):,}"
    yield f"  {'this one':<{half}} | the kept one"
    for one in differences[:_MOST]:
        left, right = (
            cut_lines(f"…{one.before}[{words.strip()}] {one.after}…".replace("\n", " "), half)
            for words in (one.ours, one.theirs)
        )
        for row in range(max(len(left), len(right))):
            mine, other = (part[row] if row < len(part) else "" for part in (left, right))
            yield f"  {set_cell_size(mine, half)} | {other}".rstrip()
    yield from _rest(differences, "more")


def _rest(found: Sequence[object], what: str) -> Iterator[str]:
    """That there are more than are shown."""
    if len(found) > _MOST:
        yield f"  and {len(found) - _MOST:,} {what} (--json has them all)"
