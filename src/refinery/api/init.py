"""A first definition for the files that lie in a folder, with comments that say what to change."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from refinery.errors import InputError
from refinery.sources.documents import SourceSpec
from refinery.sources.formats import named_format
from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards
from refinery.storage.commit import commit_bytes
from refinery.storage.marks import OWNER, RECORDS, records_of
from refinery.storage.place import exists
from refinery.storage.work_folder import make_work_folder

SCHEMA = ".refinery/schema.json"  # beside the definition, for editors
TEXT_COLUMNS = (
    "text",
    "content",
    "body",
    "raw_content",
    "article",
    "document",
    "abstract",
    "answer",
    "title",
)
_SKIPPED = re.compile(r"[._].*|out|node_modules|venv|__pycache__|README.*|LICEN[CS]E.*|CHANGELOG.*")
_SAMPLE = 200  # documents whose language is looked at
_RULES = {"en": "gopher", "zh": "zh"}


@dataclass(frozen=True)
class FoundSource:
    """Files that are read alike; text: the column of their text; problem: why they cannot be read as they are."""

    name: str
    path: str
    text: str = "text"
    texts: tuple[str, ...] = ()
    problem: str = ""


def init(folder: str | Path = ".") -> Path:
    """Writes `pipeline.yaml` for the files that lie in a folder, and its schema for editors; gives its path.

    Each folder in it with files that can be read is a source, and so are files beside each other with one ending.
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
    found: list[FoundSource] = []
    for name, path in _candidates(base):
        found.append(_looked_at(base, _free(name, [source.name for source in found]), path))
    usable = [source for source in found if not source.problem]
    if not usable:
        problems = "; ".join(f"{source.path}: {source.problem}" for source in found)
        raise InputError(str(base), f"holds nothing that can be read{': ' if problems else ''}{problems}")
    languages = _languages([text for source in usable for text in source.texts])
    content = "\n".join(_lines(_name(base.name), found, languages)) + "\n"
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


def _candidates(base: Path) -> Iterator[tuple[str, str]]:
    """Names and paths of what may be sources: folders, and endings of the files that lie beside each other."""
    endings = Counter[str]()
    for entry in sorted(base.iterdir()):
        if _SKIPPED.fullmatch(entry.name) or entry.name.endswith(RECORDS):
            continue
        if entry.is_dir():
            if not exists(records_of(entry) / OWNER) and _holds_data(entry):
                yield _name(entry.name), entry.name
        elif named_format(entry.name) is not None:
            endings[entry.name.partition(".")[2]] += 1
    taken = len(endings)
    for ending in sorted(endings):
        yield _name(ending.partition(".")[0] if taken > 1 else "data"), f"*.{ending}"


def _holds_data(folder: Path) -> bool:
    return any(named_format(file.name) is not None for file in islice(folder.rglob("*"), 10_000))


def _name(text: str) -> str:
    """A name as definitions want it."""
    found = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_")
    return found if re.match("[A-Za-z]", found) else f"d-{found}".strip("-")


def _free(name: str, taken: list[str]) -> str:
    """The name, or one like it that no source and no stage has."""
    while name in {*taken, "screened", "unique"}:
        name += "-files"
    return name


def _looked_at(base: Path, name: str, path: str) -> FoundSource:
    """The first column of those that texts are called by which gives documents."""
    problem = ""
    for text in TEXT_COLUMNS:
        spec = SourceSpec(name, (str(base / path),), text=(text,))
        try:
            shard = list_shards(spec).shards[0]
            batch = next(iter(read_documents(shard, spec)), None)
        except InputError as error:
            problem = problem or error.problem
            continue
        if batch is not None and len(batch.rows):
            return FoundSource(name, path, text, tuple(batch.text.slice(0, _SAMPLE).to_pylist()))
    return FoundSource(name, path, problem=problem or f"no column of {', '.join(TEXT_COLUMNS)} holds texts")


def _languages(texts: list[str]) -> list[str]:
    """The languages of some texts, the most frequent first."""
    from refinery.api.measure import measure

    measured = measure(texts[: 5 * _SAMPLE], ["language"])
    return [name for name, _ in Counter(measured.column("lang").to_pylist()).most_common() if name != "und"]


def _lines(name: str, found: list[FoundSource], languages: list[str]) -> Iterator[str]:
    usable = [source for source in found if not source.problem]
    yield f"# yaml-language-server: $schema={SCHEMA}"
    yield "# refinery check pipeline.yaml, then: refinery run pipeline.yaml --limit 1000 for a first look"
    yield "refinery: 1"
    yield f"name: {name}"
    yield "transform: [normalize]                 # line ends and Unicode; also: pii, {lines: {repeated: 0.1%}}"
    yield "sources:"
    for source in found:
        text = "" if source.text == "text" else f", text: {source.text}"
        if source.problem:
            yield f'  # {source.name}: {{path: "{source.path}"}}   # {source.problem}'
        else:
            yield f'  {source.name}: {{path: "{source.path}"{text}}}'
    yield "stages:"
    yield "  screened:"
    yield f"    from: [{', '.join(source.name for source in usable)}]         # trusted ones first"
    yield "    measure: [language, signals]"
    if languages:
        most = languages[0]
        yield "    keep:                              # each rule says what is kept; refinery show --dropped-by RULE"
        yield f"      - language: \"lang = '{most}' AND lang_score >= 0.5\"   # of most of the first documents"
        if most in _RULES:
            yield f"      - {_RULES[most]}   # a rule set; look at what it drops of text that you trust"
    yield "  unique:"
    yield "    from: screened"
    yield "    dedup: {exact: true, near: {similarity: 0.8}}"
    yield "  # corpus: {from: unique, select: {tokens: 2B, by: tokens}}   # a budget, by any column"
    yield "outputs:"
    yield f"  {name}: {{from: unique, path: out/{name}}}"
