"""More of a domain out of a pool, by some of its documents: a definition that does it, written and run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from refinery.errors import InputError, nearest

if TYPE_CHECKING:
    from refinery.api.look import Runs
    from refinery.api.output import Output
    from refinery.api.runs import Roots
    from refinery.recall.account import Moved
    from refinery.watch.events import Listener

DEFINITION = "pipeline.yaml"
MODEL, OUTPUT = "recalled", "recalled"
Files = str | Path | Sequence[str | Path]


def recall(
    pool: Files,
    seeds: Files,
    out: str | Path,
    *,
    rounds: int = 1,
    tokens: int | str | None = None,
    text: str | None = None,
    lang: str | None = None,
    rules: Sequence[str] = (),
    gold_hosts: str | Path | Sequence[str] = (),
    workers: int | None = None,
    executor: Literal["auto", "local", "ray"] = "auto",
    address: str | None = None,
    progress: bool | Listener = True,
) -> Output:
    """Finds more documents like the seeds in a pool and gives the output, with the rounds in `manifest.recalled`.

    pool, seeds: files, folders, globs or URLs; out: a folder for the definition that does it, to change and to
    run again, and for its output; tokens: a budget for what is found, such as "2B", beside which the seeds are
    written; text: the text column of both, by default found by the first documents; lang: only the pool's
    documents in this language; rules: rule sets that they must satisfy; gold_hosts: hosts or sites whose pages
    are all of the domain, or a file of them, of which each round's recall is told; workers, executor, address,
    progress: as of `run`. Raises InputError for what cannot be read and for a definition in `out` that was changed
    or is of somebody else, DefinitionError for seeds and a pool by which nothing can be recalled.

    >>> import json, pathlib, random, tempfile, refinery
    >>> base = pathlib.Path(tempfile.mkdtemp())
    >>> def documents(words, number, seed):
    ...     drawn = random.Random(seed)
    ...     return [json.dumps({"text": " ".join(drawn.choices(words.split(), k=30))}) for _ in range(number)]
    >>> medical, other = "patient doctor dose blood fever heart nurse trial", "market price profit trade bank tax"
    >>> lines = documents(medical, 40, 1)
    >>> _ = (base / "seeds.jsonl").write_text("\\n".join(lines))
    >>> lines = documents(medical, 60, 2) + documents(other, 300, 3)
    >>> _ = (base / "pool.jsonl").write_text("\\n".join(lines))
    >>> found = refinery.recall(base / "pool.jsonl", base / "seeds.jsonl", base / "out", workers=1, progress=False)
    >>> found.manifest.kept.documents > 40  # the seeds are in it
    True
    """
    from refinery.api.runs import run
    from refinery.run.generated import put_back

    with put_back(Path(out) / DEFINITION):
        file = write_recall(
            pool,
            seeds,
            out,
            rounds=rounds,
            tokens=tokens,
            text=text,
            lang=lang,
            rules=rules,
            gold_hosts=gold_hosts,
        )
        return run(file, workers=workers, executor=executor, address=address, progress=progress)[OUTPUT]


def moved(
    run: Runs,
    round: int,
    *,
    model: str | None = None,
    limit: int | None = None,
    work: str | Path | None = None,
    roots: Roots | None = None,
) -> Moved:
    """Documents that a round of recall found and those that it lost, with scores and the beginnings of their texts.

    run, limit, work, roots: as of `show`; model: by default the first that recall made. Raises InputError for a model
    or a round that there is not.
    """
    from refinery.api.look import planned_run
    from refinery.definition.trainings import RecallTraining
    from refinery.run.recalled import moved_in

    plan, _ = planned_run(run, work, roots, limit)
    made = {name: m.training for name, m in plan.graph.definition.pipeline.models.items()}
    known = {name: one for name, one in made.items() if isinstance(one, RecallTraining)}
    name = model or next(iter(known), None)
    if name is None or name not in known:
        problem = f"no model {name!r} is made by `recall`" if name else "no model is made by `recall`"
        raise InputError(plan.graph.name, f"{problem}{nearest(name or '', known)}")
    if not 1 <= round <= known[name].rounds:
        raise InputError(name, f"there is no round {round}, but {known[name].rounds}")
    found = moved_in(plan, name, round)
    if found is None:
        raise InputError(name, f"round {round} is not made yet", "run its definition")
    return found


def write_recall(
    pool: Files,
    seeds: Files,
    out: str | Path,
    *,
    rounds: int,
    tokens: int | str | None,
    text: str | None,
    lang: str | None,
    rules: Sequence[str],
    gold_hosts: str | Path | Sequence[str] = (),
) -> Path:
    """Writes the definition and gives its file; raises InputError, see `recall`."""
    from refinery.api.found_source import plain_name
    from refinery.labels.gold_hosts import gold_hosts_of
    from refinery.run.generated import write_generated

    folder = Path(out).absolute()
    file = folder / DEFINITION
    sources = [_source("seeds", seeds, text), _source("pool", pool, text)]
    name = plain_name(folder.name, without="recall")
    lines = _lines(name, sources, rounds, tokens, lang, rules, gold_hosts_of(gold_hosts))
    write_generated(file, "refinery recall", "\n".join(lines) + "\n", "give --out another folder")
    return file


def _source(name: str, files: Files, text: str | None) -> str:
    """A source of a definition in a line; raises InputError for files that are not there or have no texts."""
    from refinery.api.found_source import FoundSource, look_at
    from refinery.api.init import reading_keys
    from refinery.run.training import written_path

    given = [files] if isinstance(files, str | Path) else [*files]
    written = [written_path(str(path)) for path in given]
    if text is None:
        found = look_at(tuple(path.replace("{{", "{").replace("}}", "}") for path in written), name, "")
        if found.problem:
            raise InputError(", ".join(map(str, given)), found.problem)
    else:
        found = FoundSource(name, "", tuple(text.split(",")))
    paths = json.dumps(written if len(written) > 1 else written[0], ensure_ascii=False)
    return f"  {name}: {{{', '.join([f'path: {paths}', *reading_keys(found)])}}}"


def _lines(
    name: str,
    sources: Sequence[str],
    rounds: int,
    tokens: int | str | None,
    lang: str | None,
    rules: Sequence[str],
    gold_hosts: Sequence[str],
) -> Iterator[str]:
    """The definition, with comments that say what may be changed."""
    from refinery.definition.yaml import yaml_scalar

    screened = "screened" if lang or rules else "pool"
    last = "corpus" if tokens else "unique"
    yield "# Change it and go on with: refinery run pipeline.yaml"
    yield "refinery: 1"
    yield f"name: {name}"
    yield "transform: [normalize]               # line ends and Unicode, of seeds and pool alike"
    yield '# protect: {exams: {benchmark: "eval/*.jsonl", columns: [question, answer]}}   # kept out of all of it'
    yield "sources:"
    yield from sources
    yield "models:"
    gold = f", gold_hosts: [{', '.join(map(yaml_scalar, gold_hosts))}]" if gold_hosts else ""
    keys = f"seeds: seeds, pool: {screened}, rounds: {rounds}{gold}"
    yield f"  {MODEL}: {{recall: {{{keys}}}}}   # also: precision, beta, seed"
    yield "stages:"
    if lang or rules:
        yield "  screened:"
        yield "    from: pool"
        yield "    measure: [language, signals]"
        yield "    keep:"
        if lang:
            literal = lang.replace("'", "''")
            language = f"lang = '{literal}' AND lang_score >= 0.5"
            yield f"      - language: {yaml_scalar(language)}"
        yield from (f"      - {yaml_scalar(one)}" for one in rules)
    yield "  relevant:"
    yield f"    from: {screened}"
    hosts = "url, " if gold_hosts else ""  # by which `refinery compare --gold-hosts` knows them
    yield f"    measure: [{hosts}{{relevance: {{model: {MODEL}}}}}]"
    yield "    keep:"
    yield f"      - on_topic: \"relevance >= suggested('{MODEL}')\"   # or a number, see refinery show and label"
    yield "  unique:"
    yield "    from: [seeds, relevant]            # the seeds first: what is a copy of one goes"
    yield '    dedup: {exact: true, near: {similarity: 0.8}, prefer: [source, "relevance DESC"]}'
    if tokens:
        yield "  given:"
        yield "    from: unique"
        yield "    keep: [only_seeds: \"source = 'seeds'\"]"
        yield "  found:"
        yield "    from: unique"
        yield "    keep: [only_pool: \"source = 'pool'\"]"
        yield f"    select: {{tokens: {yaml_scalar(str(tokens))}, by: relevance}}"
        yield "  corpus:"
        yield "    from: [given, found]             # the seeds are written beside what the budget is spent on"
    yield "outputs:"
    yield f"  {OUTPUT}: {{from: {last}, path: {OUTPUT}}}"
