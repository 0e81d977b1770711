"""The dataset card of an output: README.md in the form of the Hugging Face hub, of the manifest and column types.

Its paths are those of the output's folder, so that it says how to load the documents wherever both lie in one folder,
as in a repository of the hub. It has no time and no path of this machine: the same documents have the same card.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import yaml

from refinery.definition.models import Tokens
from refinery.definition.outputs import TRAIN
from refinery.filters.language_codes import UNDETERMINED
from refinery.run.decide import Tally
from refinery.run.hub_features import hub_features
from refinery.run.hub_licences import licence_head
from refinery.run.manifest import Manifest
from refinery.watch.printable import markdown_code

_SIZES = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
LEAST_SHARE = 0.01  # of the documents, from which on a language is one of the output


def dataset_card(manifest: Manifest, schema: pa.Schema) -> str:
    """Markdown with a YAML head: how it is loaded, what it holds, from where, what was left out and why.

    schema: of the documents.
    """
    head = yaml.safe_dump(_head(manifest, schema), sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n" + "".join(f"\n{block}\n" for block in _blocks(manifest))


def _head(manifest: Manifest, schema: pa.Schema) -> dict[str, object]:
    """The metadata that the hub knows."""
    every = manifest.languages.values()
    spoken = [
        one for one, n in manifest.languages.items() if one != UNDETERMINED and n >= LEAST_SHARE * sum(every)
    ]
    head: dict[str, object] = {
        "pretty_name": f"{manifest.pipeline}: {manifest.output}",
        **({"language": spoken} if spoken else {}),
        **licence_head({licence for licences in manifest.licences.values() for licence in licences}),
        "task_categories": ["text-generation"],
        "size_categories": [size_category(manifest.written.documents)],
    }
    if not manifest.tokenised:  # which `datasets` does not load
        head["configs"] = [{"config_name": "default", "data_files": list(_data_files(manifest))}]
    told = not manifest.tokenised and manifest.definition["outputs"][manifest.output].get("format") == "jsonl"
    if told and (features := hub_features(schema)):  # which Parquet says itself
        head["dataset_info"] = {"features": features}
    return head


def size_category(documents: int) -> str:
    """The hub's word for a number of documents.

    >>> size_category(999), size_category(1000), size_category(2_000_000), size_category(3 * 10**12)
    ('n<1K', '1K<n<10K', '1M<n<10M', 'n>1T')
    """
    if documents < 1000:
        return "n<1K"
    if documents >= _SIZES["T"]:
        return "n>1T"
    steps = [f"{n}{unit}" for unit in "KMB" for n in (1, 10, 100)] + ["1T"]
    digits = len(str(documents)) - 4
    return f"{steps[digits]}<n<{steps[digits + 1]}"


def _data_files(manifest: Manifest) -> Iterator[dict[str, object]]:
    """A glob for each split that has files."""
    for split in manifest.splits:
        if manifest.splits[split].files:
            yield {"split": split, "path": f"data/{split}-*"}
    if not manifest.splits:
        yield {"split": TRAIN, "path": "data-*"}


def _blocks(manifest: Manifest) -> Iterator[str]:
    kept, made = manifest.kept, f"refinery {manifest.refinery}"
    yield f"# {manifest.pipeline}: {manifest.output}"
    yield (
        f"{kept.documents:,} documents, {kept.bytes:,} bytes of text, about {kept.tokens:,} tokens "
        f"({_whose_tokens(manifest)}), made by {made} from the pipeline `{manifest.pipeline}`."
    )
    if (again := manifest.repeated).documents:
        written = "as copies" if manifest.written.documents > kept.documents else "by the column `repeats`"
        yield (
            f"Of these {again.documents:,} documents, {again.tokens:,} tokens, count again, {written}: "
            f"{kept.tokens + again.tokens:,} tokens in all."
        )
    if manifest.parts:
        yield _table(
            "Parts", ("part", "share", "fresh tokens", "repeated tokens", "epochs"), _parts(manifest)
        )
    for stage, tables in manifest.tables.items():
        for one in tables:
            yield _table(f"{stage}: {one.title}", one.columns, one.rows)
    if ids := manifest.tokenised:
        yield (
            f"{ids.tokens:,} token ids ({ids.dtype}) of the tokenizer with SHA-256 `{ids.tokenizer}`; `{ids.eod}` "
            f"({ids.eod_id}) ends each document. The files `sequences-*.parquet` say which document each sequence is."
        )
    if manifest.splits:
        splits = [(name, f"{split.documents:,}") for name, split in manifest.splits.items()]
        yield _table("Splits", ("split", "documents"), splits)
    sources = [
        (name, f"{one.documents:,}", f"{one.bytes:,}", f"{one.rejected:,}")
        for name, one in manifest.sources.items()
    ]
    yield _table("Sources", ("source", "documents read", "bytes of text", "rows rejected"), sources)
    if manifest.languages:
        spoken = [(one, f"{count:,}") for one, count in manifest.languages.items()]
        yield _table("Languages", ("language", "documents"), spoken)
    if manifest.licences:
        under = [
            (f"`{one}`", name, f"{n:,}")
            for name, all_ in manifest.licences.items()
            for one, n in all_.items()
        ]
        yield _table("Licences", ("licence", "source", "documents"), under)
    if manifest.recalled:
        columns = ("model", "round", "found in the sample", "precision", "recall")
        yield _table("Recall, estimated by seeds that were held out", columns, _rounds(manifest))
        for name, found in manifest.recalled.items():
            if found.gold:
                yield f"Gold hosts, {markdown_code(name)}: {found.gold.sentence(found.chosen)}."
    yield _table("What was left out", ("stage", "rule", "documents", "tokens"), _dropped(manifest))
    if manifest.protected:
        yield "Kept out, with their copies: " + ", ".join(f"`{name}`" for name in manifest.protected) + "."
    if not manifest.tokenised:
        yield "Each document's `lineage` says its source, its file and its row in that."


def _whose_tokens(manifest: Manifest) -> str:
    tokens = Tokens.model_validate(manifest.definition.get("tokens", {}))
    return "by a tokenizer" if tokens.tokenizer else f"estimated for tokenizers of the family {tokens.family}"


def _rounds(manifest: Manifest) -> Iterator[tuple[str, ...]]:
    for name, found in manifest.recalled.items():
        for one in found.rounds:
            numbers = (str(one.number), f"{one.recalled:,}", str(one.precision), str(one.recall))
            yield (markdown_code(name), *numbers)


def _dropped(manifest: Manifest) -> list[tuple[str, ...]]:
    """By stage and rule, those that came to nothing left out."""
    found = [
        (stage, rule, account.dropped)
        for stage, tally in manifest.stages.items()
        for rule, account in tally.rules.items()
    ]
    return [
        (stage, markdown_code(rule), *_counts(dropped)) for stage, rule, dropped in found if dropped.documents
    ]


def _parts(manifest: Manifest) -> list[tuple[str, ...]]:
    """Of a mix; epochs are of all that is there of a part."""
    total = sum(part.exposures for part in manifest.parts.values())
    return [
        (
            name,
            f"{part.exposures / total:.1%}" if total else "",
            *(f"{tally.tokens:,}" for tally in (part.kept, part.repeated)),
            f"{part.epochs:.2f}, at most {part.largest}",
        )
        for name, part in manifest.parts.items()
    ]


def _counts(tally: Tally) -> tuple[str, str]:
    return f"{tally.documents:,}", f"{tally.tokens:,}"


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(row) for row in (columns, ["---"] * len(columns), *rows)]
    return f"## {title}\n\n" + "\n".join(f"| {line} |" for line in lines)
