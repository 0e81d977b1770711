"""A first definition for the files that lie in a folder, with comments that say what to change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from refinery.api.found_source import FoundSource, found_sources, plain_name
from refinery.definition.yaml import yaml_scalar
from refinery.errors import InputError
from refinery.storage.commit import commit_bytes
from refinery.storage.work_folder import make_work_folder

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = ".refinery/schema.json"  # beside the definition, for editors
_RULES = {"en": "gopher"}  # of other languages the set of that name, if there is one
_SHARE = 0.1  # of the documents that were looked at: what has less is no language of a source
_FEW = 3  # documents of a language, below which it has no stage beside those of others
_MUCH = 1 / 3  # of them: a rule set that drops more is left to the user


@dataclass(frozen=True)
class Screening:
    """What is kept of one language: the sources that have it; rules: a rule set, and what it makes of them."""

    language: str
    sources: tuple[str, ...]
    rules: str
    looked_at: int
    dropped: int
    most: str  # the rule that drops most of them


def init(folder: str | Path = ".", *, progress: Callable[[str], object] | None = None) -> Path:
    """Writes `pipeline.yaml` for the files that lie in a folder, and its schema for editors; gives its path.

    Each folder in it with files that can be read is a source, and so are files beside each other with one ending.
    progress: is called with what is looked at, before each source and before the languages, which may take a minute.
    Raises InputError when there is no such folder, a definition already, or nothing that can be read.

    >>> import pathlib, tempfile, refinery
    >>> base = pathlib.Path(tempfile.mkdtemp())
    >>> (base / "crawl").mkdir()
    >>> _ = (base / "crawl" / "a.jsonl").write_text('{"body": "A text of a few words."}')
    >>> definition = refinery.init(base)
    >>> refinery.check(definition).graph.sources["crawl"].text
    ('body',)
    """
    if not Path(folder).is_dir():
        problem = "is a file" if Path(folder).exists() else "there is no such folder"
        raise InputError(str(folder), problem, "give the folder in which your files lie")
    base = Path(folder).absolute()
    file = base / "pipeline.yaml"
    if file.exists():
        raise InputError(str(file), "is there already", "remove it, or write by hand")
    found = found_sources(base, progress)
    usable = [source for source in found if not source.problem]
    if not usable:
        problems = "; ".join(f"{source.path}: {source.problem}" for source in found)
        raise InputError(str(base), f"holds nothing that can be read{': ' if problems else ''}{problems}")
    if progress:
        progress("the languages and rules of the first documents")
    content = "\n".join(_lines(plain_name(base.name, without="pipeline"), found, *_screenings(usable))) + "\n"
    make_work_folder((base / SCHEMA).parent)
    commit_bytes(base / SCHEMA, schema())
    commit_bytes(file, content.encode())
    return file


def schema() -> bytes:
    """The JSON Schema of definitions, with what is installed here."""
    import orjson

    from refinery.definition.models import pipeline_model
    from refinery.definition.registry import VERBS
    from refinery.definition.schema import json_schema
    from refinery.filters.registry import MEASURERS, TRANSFORMS
    from refinery.filters.rules import built_in_rule_sets

    pipeline = pipeline_model(VERBS.settings())
    found = json_schema(pipeline, TRANSFORMS.settings(), MEASURERS.settings(), built_in_rule_sets())
    return orjson.dumps(found, option=orjson.OPT_INDENT_2)


def _screenings(usable: Sequence[FoundSource]) -> tuple[list[Screening], Mapping[str, int]]:
    """The languages that sources have, the most frequent first; and the documents of others by language."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from refinery.api.measure import measure
    from refinery.filters.signals import MOST_LISTS, is_counted_on_demand

    texts = pa.table(
        {
            "text": pa.array([text for source in usable for text in source.texts], pa.large_string()),
            "from": [source.name for source in usable for _ in source.texts],
        }
    )
    measured = measure(texts, ["language"])
    lists = list(filter(is_counted_on_demand, pc.unique(measured["lang"]).to_pylist()))
    measured = measure(measured, [{"signals": {"stop_words": lists[:MOST_LISTS]}}])
    sizes = {source.name: len(source.texts) for source in usable}
    pairs = Counter(zip(measured["lang"].to_pylist(), measured["from"].to_pylist(), strict=True))
    sources: dict[str, list[str]] = {}
    for (language, name), count in pairs.items():
        if language != "und" and count >= _SHARE * sizes[name]:
            sources.setdefault(language, []).append(name)
    total = Counter[str]()
    for (language, _), count in pairs.items():
        total[language] += count
    ordered = [language for language, _ in total.most_common() if language in sources]
    ordered = [language for language in ordered if total[language] >= _FEW] or ordered[:1]
    others = {language: count for language, count in total.most_common() if language not in ordered}
    return [_screening(language, sources[language], measured) for language in ordered], others


def _screening(language: str, sources: Sequence[str], measured: pa.Table) -> Screening:
    """The rule set of the language, if there is one, and what it drops."""
    import pyarrow.compute as pc

    from refinery.api.decide import decide
    from refinery.filters.rules import built_in_rule_sets

    rules = _RULES.get(language, language)
    ours = measured.filter(pc.equal(measured["lang"], language))
    if rules not in built_in_rule_sets():
        return Screening(language, tuple(sources), "", len(ours), 0, "")
    failed = Counter(decide(ours, [rules])["rule"].drop_null().to_pylist())
    most = failed.most_common(1)[0][0] if failed else ""
    return Screening(language, tuple(sources), rules, len(ours), failed.total(), most)


def _lines(
    name: str, found: Sequence[FoundSource], screenings: Sequence[Screening], others: Mapping[str, int]
) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SCHEMA}"
    yield "# refinery check pipeline.yaml, then: refinery run pipeline.yaml --limit 1000 for a first look"
    yield "refinery: 1"
    yield f"name: {name}"
    yield "transform: [normalize]                 # line ends and Unicode; also: pii, {lines: {repeated: 0.1%}}"
    yield "sources:"
    screened = {name for one in screenings for name in one.sources}
    for source in found:
        written = f"  {source.name}: {{{', '.join(_settings(source))}}}"
        problem, note = " ".join(source.problem.split()), source.note
        if screenings and source.name not in screened:
            note = "; ".join(filter(None, [note, "in no stage: few documents of a language"]))
        if problem:
            yield f"  # {written.strip()}   # {problem}"
        else:
            yield f"{written}   # {note}" if note else written
            if source.where:
                condition = json.dumps(source.where, ensure_ascii=False)
                yield f"    # where: {condition}   # within the braces, for whole ones: {source.where_note}"
    yield "stages:"
    stages = [f"screened-{one.language}" for one in screenings] if len(screenings) > 1 else ["screened"]
    if others and screenings:
        told = ", ".join(f"{language} {count}" for language, count in list(others.items())[:12])
        yield f"  # not kept, of the documents that were looked at: {told}"
    for stage, screening in zip(stages, screenings, strict=False):
        yield from _stage(stage, screening)
    if not screenings:
        yield "  screened:"
        yield f"    from: [{', '.join(source.name for source in found if not source.problem)}]"
        yield "    measure: [language, signals]"
    yield "  unique:"
    yield f"    from: [{', '.join(stages)}]"
    yield "    dedup: {exact: true, near: {similarity: 0.8}}"
    yield "  # corpus: {from: unique, select: {tokens: 2B, by: tokens}}   # a budget, by any column"
    yield "outputs:"
    yield f"  {name}: {{from: unique, path: out/{name}}}"


def _settings(source: FoundSource) -> Iterator[str]:
    """The keys of a source."""
    yield f"path: {json.dumps(_literal(source.path), ensure_ascii=False)}"
    yield from reading_keys(source)


def reading_keys(source: FoundSource) -> Iterator[str]:
    """The keys of a source that say how its files are read, each with its value; what are defaults is left out."""
    if source.record:
        yield f"record: {yaml_scalar(source.record)}"
    if source.text != ("text",):
        columns = ", ".join(map(yaml_scalar, source.text))
        yield f"text: [{columns}]" if len(source.text) > 1 else f"text: {columns}"
    if source.encoding:
        yield f"encoding: {source.encoding}"
    if source.html:
        yield "transform: [html, normalize]"
    if source.clashes:
        yield f"columns: {{{', '.join(f'input_{name}: {{from: {name}}}' for name in source.clashes)}}}"


def _literal(path: str) -> str:
    """A path as definitions have it, where braces name roots."""
    return path.replace("{", "{{").replace("}", "}}")


def _stage(name: str, one: Screening) -> Iterator[str]:
    """A stage that keeps a language, with what its rule set makes of the documents that were looked at."""
    from refinery.filters.signals import is_counted_on_demand

    signals = (
        f"{{signals: {{stop_words: [{one.language}]}}}}" if is_counted_on_demand(one.language) else "signals"
    )
    yield f"  {name}:"
    yield f"    from: [{', '.join(one.sources)}]         # trusted ones first"
    yield f"    measure: [language, {signals}]"
    yield "    keep:                              # each rule says what is kept; refinery show --dropped-by RULE"
    yield f"      - language: \"lang = '{one.language}' AND lang_score >= 0.5\""
    if not one.rules:
        yield f'      # there is no rule set for {one.language}; rules are SQL: {{long: "words >= 50"}}'
        return
    worst = f", most by {one.most}" if one.most else ""
    told = f"a rule set: of {one.looked_at} documents that were looked at it drops {one.dropped}{worst}"
    if one.dropped > _MUCH * one.looked_at:
        yield f"      # - {one.rules}   # {told}"
    else:
        yield f"      - {one.rules}   # {told}"
