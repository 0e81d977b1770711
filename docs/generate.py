"""Writes the generated regions of docs/ from the code: tables of YAML keys, commands, columns, rule sets, outputs.

A region lies between `<!-- generated: NAME -->` and `<!-- end -->`. Run it after a change to what the tables show:

    python docs/generate.py            # rewrite the regions
    python docs/generate.py --check    # exit code 1 if one is stale, nothing is written
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

DOCS = Path(__file__).parent
REGION = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

# What a YAML key does, for keys whose field has no description of its own.
# What the columns of measurers other than `signals` are: unit, meaning, where the definition is from.
COLUMNS = {
    "bytes": ("bytes", "UTF-8 bytes of the text", ""),
    "chars": ("code points", "code points of the text", "Unicode"),
    "tokens": (
        "tokens",
        "LLM tokens: estimated for a family of tokenizers, or exact (`tokens:`)",
        "`refinery/text/token_estimate.py`",
    ),
    "lang": (
        "code",
        "ISO 639-1 code, ISO 639-3 without one; `und` for text in no language",
        "",
    ),
    "lang_score": ("probability", "the model's probability of it; 0 for `und`", "fastText"),
    "lang_share": (
        "share",
        "share of the letters, in windows of 400 bytes, whose own top language is `lang`",
        "",
    ),
    "lang_by": (
        "",
        "what decided: `model`, `case`, `form`, `script` or `characters`",
        "`refinery/filters/language_corrections.py`",
    ),
    "lang_model": ("code", "the model's own label, whatever decided", "fastText"),
    "lang_model_score": ("probability", "the model's own probability of that", "fastText"),
    "lang_group": (
        "code",
        "`bs-hr-sr`, `da-no`, `id-ms` or `zh` for a language of those near to each other, else `lang`",
        "`refinery/filters/language_groups.py`",
    ),
    "lang_group_score": ("probability", "the model's probability of all languages of the group", "fastText"),
    "lang_script": (
        "code",
        "ISO 15924 script of most letters: `Latn`, `Cyrl`, `Hans`, `Hant`, `Jpan`, ...; `Zyyy` without a letter",
        "Unicode, OpenCC",
    ),
    "lang_natural": (
        "share",
        "words in ASCII letters that no sign or digit ties to the word before; 1 without any",
        "",
    ),
    "relevance": ("probability", "P(label); 0 for text without a token", "fastText"),
    "quality": ("probability", "P(label); 0 for text without a token", "fastText"),
    "importance": (
        "nats",
        "log-ratio of the target's and raw text's likelihood, summed",
        "DSIR, arXiv 2302.03169",
    ),
    "host": (
        "name",
        "host of the column's URL, in ASCII and lower case; NULL without one",
        "RFC 3986, UTS 46",
    ),
    "site": ("name", "registrable domain of the host, or the host where it has none", "publicsuffix.org"),
    "canonical_url": ("URL", "the URL in its one form", "RFC 3986, 6.2; `refinery/text/urls.py`"),
    "listed": ("", "whether a list has the column's value; false without a value", "the list"),
    **{
        f"pii_{kind}": ("count", f"{meaning} in the text", source)
        for kind, meaning, source in (
            ("email", "e-mail addresses", "RFC 5322"),
            ("phone", "telephone numbers, toll-free ones left out", "ITU-T E.164"),
            ("ip", "public IP addresses of hosts", "IANA"),
            ("card", "payment cards", "ISO/IEC 7812"),
            ("cn_id", "Chinese identity numbers", "GB 11643"),
            ("iban", "IBANs", "ISO 13616"),
            ("secret", "keys, tokens, passwords", "the issuers"),
            ("ssn", "social security numbers of the USA, by the words before", "SSA"),
            ("record", "numbers of patients' records, by the words before", ""),
        )
    },
    "term_density": (
        "share",
        "of letters and digits, those in terms of a lexicon; columns of a pack begin with its name",
        "`refinery/text/terms.py`",
    ),
    "term_count": ("count", "terms in the text, which do not overlap, the longest first", ""),
    "distinct_terms": ("count", "different ones of them", ""),
    "topic": (
        "number",
        "nearest topic of a corpus, 0 that of the most documents; NULL without a term",
        "the model",
    ),
    "topic_similarity": ("cosine", "with its center; 0 without a term", "`refinery/models/topics.py`"),
    "neural": ("score", "P(label) or the score of a regressor; NULL for text without a token", "the model"),
    "nearest": (
        "cosine",
        "of the nearest seed's words and pairs and the document's, weighed by TF-IDF",
        "BETR, arXiv 2507.12466",
    ),
    "nearest_seed": ("number", "of that seed in the model's `seeds.jsonl`; NULL if nothing is shared", ""),
    "cross_entropy": (
        "bits a word",
        "under the model of the domain's text; NULL without a word",
        "Kneser-Ney, Chen and Goodman 1998",
    ),
    "cross_entropy_raw": ("bits a word", "under the model of ordinary text", ""),
    "cross_entropy_difference": (
        "bits a word",
        "what the latter has more: the higher, the more of the domain",
        "Moore and Lewis 2010",
    ),
    "importance_per_token": ("nats", "the same divided by the document's words; 0 without a word", ""),
}
# What the columns of decisions and rejects are.
ACCOUNT = {
    "source": "name of the source",
    "path": "path of the file below the source's root",
    "row": "row in that file, from 0, see [Lineage](#lineage)",
    "id": "the document's id as text; NULL for a rejected row",
    "outcome": "`kept`, `dropped` or `rejected`",
    "stage": "the stage that dropped it",
    "rule": "the first rule that failed; `dedup.*`, `passages.rest`, `select.*`, `mix.tokens`, `protect.*`; for a "
    "rejected row the reason",
    "failed": "all rules of that stage that failed",
    "duplicate_of_source": "source of the document that this stage kept instead, which a later one may drop; "
    "`against:STAGE` for an earlier run, `protect:NAME.COLUMN` for a benchmark",
    "duplicate_of_path": "its path",
    "duplicate_of_row": "its row",
    "duplicate_of_id": "its id",
    "similarity": "similarity to it, by the stage's `measure` ([how](dedup.md#near)); 1 for equal key texts alone, "
    "NULL: not compared",
    "cut_chars": "characters of its text that verbs cut; NULL for a rejected row",
    "repeats": "times that it counts, 1 but where a stage [repeats](mix.md) documents; NULL where it is not kept",
    "reason": "one word, see [reading.md](reading.md#rejects)",
    "detail": "what was found",
}
SEQUENCE = {
    "pair": "path of the two files in the output's folder, without `.bin` and `.idx`",
    "sequence": "number of the sequence in them, from 0",
    "start": "tokens of the pair that lie before it",
    "tokens": "its tokens, the one that ends the document among them",
    "unknown": "those of them that stand for what the vocabulary lacks",
    "id": "the document's id as text",
}
MANIFEST = {
    "refinery": "version of refinery",
    "pipeline": "name of the pipeline",
    "output": "name of the output",
    "fingerprint": "of all that the output's content depends on",
    "definition": "the definition, without defaults",
    "measurers": "each measurer with its version and settings, models by content",
    "versions": "of Python and of the packages that results depend on",
    "sources": "by source: shards, documents, bytes, rejected rows by reason, records skipped, broken files, files "
    "passed over by ending and reason",
    "protected": "by source that outputs are protected from, as in `sources`: what they were compared with",
    "stages": "by stage: arrived, kept, and by rule: dropped first, failed at all; `unjudged`: documents in "
    "languages of which no rule judges any; `repeated`: what is written of the kept ones beyond the first time; "
    "`removed`: by source and rule, what the rules of `lines` removed of what arrived (documents, lines or "
    "paragraphs as `parts`, bytes, characters), see [cleaning.md](cleaning.md#when-too-much-went)",
    "suggested": "by stage and rule `COLUMN >= suggested('NAME')`: what reached the threshold, the share of all that "
    "is estimated to be relevant, and the precision, see [models.md](models.md#relevance)",
    "calibrated": "by stage that calibrates its rules: thresholds published and moved, and what they lose of trusted "
    "text, see [rules.md](rules.md#calibrated-thresholds)",
    "recalled": "by model that recall made on the way: its sample, and of each round what it found, with intervals",
    "kept": "documents, bytes and tokens of the output, each document once",
    "repeated": "the same of what is written, or counted, beyond the first time",
    "parts": "by part of a [mix](mix.md#what-the-records-say): its share, what is there and what is written",
    "tables": "by stage, what its verb tells of what it did: of a [curve](select.md) how often buckets are written",
    "licences": "by source, documents of the output by licence, if the definition has some; `NOASSERTION`: none",
    "languages": "documents of the output by language, if it is measured",
    "splits": "by split, of an output that has some: documents and files",
    "made_columns": "columns that refinery added; not carried on when the output is read as a source",
    "renamed_columns": "source columns whose name was taken, and the name they have here",
    "notes": "source columns that had to be carried as JSON text, and why",
    "warnings": "what [guards](guards.md) warned of on the way to the output",
    "files": "exactly the data files of this run: path, rows, bytes, SHA-256",
    "file_keys": "by data file: a fingerprint of all that its content depends on; a file with the same one is kept",
    "decisions": "the same of the files of decisions",
    "rejects": "the same of the files of rejects, none where there are no rejects",
    "tokenised": "of an output of token ids: the tokenizer's SHA-256, how many ids it has, their dtype, the token "
    "that ends documents, and all tokens",
    "sequences": "the same as of `files` of its records of sequences",
    "started": "time, UTC",
    "seconds": "by phase",
}


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [list(head), *([str(cell).replace("|", "\\|") for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def keys() -> str:
    """The YAML keys by model of refinery.definition.models, and those of each verb."""
    from refinery.definition import models, source_columns
    from refinery.definition.registry import VERBS
    from refinery.definition.tokenization import Tokenization

    settings = VERBS.settings(())
    stage = get_args(models.pipeline_model(settings).model_fields["stages"].annotation)[1]
    sections: tuple[tuple[str, type[BaseModel]], ...] = (
        ("Top level", models.Pipeline),
        ("A source, `sources.NAME`", models.Source),
        ("A column in `columns` of a source", source_columns.SourceColumn),
        ("A table in `join` of a source", source_columns.Join),
        ("A column in `columns` of `join`", source_columns.JoinedColumn),
        *with_nested("protect.NAME", models.Protected),
        *with_nested("tokens", models.Tokens),
        *with_nested("models.NAME", models.NamedModel),
        ("A stage, `stages.NAME`", stage),
        ("A rule set in `keep`", models.RuleSetUse),
        ("`calibrate` of a stage", models.Calibrate),
        *(section for name, model in settings.items() for section in with_nested(name, model)),
        ("An output, `outputs.NAME`", models.Output),
        ("`tokenize` of an output", Tokenization),
        ("`guards`", models.Guards),
    )
    parts = []
    for title, model in sections:
        rows = [
            (f"`{field.alias or name}`", _default(field), _meaning(model, name, field.description))
            for name, field in model.model_fields.items()
        ]
        parts.append(f"### {title}\n\n{table(('key', 'default', 'meaning'), rows)}")
    return "\n".join(parts)


def with_nested(path: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """A model and those that its keys hold, each with its path in a definition."""
    yield f"`{path}`", model
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from with_nested(f"{path}.{name}", kind)


def _meaning(model: type[BaseModel], name: str, description: str | None) -> str:
    """A field without a description in the model is an error: the schema for editors would have a hole."""
    if description is None:
        raise SystemExit(f"{model.__name__}.{name} has no description")
    values = model.model_json_schema(by_alias=False)["properties"][name].get("enum", ())
    shown = f"; {' or '.join(f'`{value}`' for value in values)}" if values and name != "format" else ""
    return description + shown


def _default(field: Any) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "needed"
    if value is None or value in ((), {}):
        return ""
    if isinstance(field.json_schema_extra, dict):  # where it is written in another form
        value = field.json_schema_extra.get("default", value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 2**20:
        return f"`{value // 2**20}MiB`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def commands() -> str:
    """Every command of the command line with its options."""
    import typer

    from refinery.cli import app

    rows = [
        (f"`refinery {name}{_arguments(command)}`", _sentence(command), _options(command))
        for name, command in _commands(typer.main.get_command(app), "")
    ]
    return table(("command", "what it does", "options"), rows)


def _commands(command: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, inner in command.commands.items():
        if hasattr(inner, "commands"):
            yield from _commands(inner, f"{prefix}{name} ")
        else:
            yield prefix + name, inner


def _sentence(command: Any) -> str:
    return " ".join((command.help or "").split())


def _arguments(command: Any) -> str:
    return "".join(
        f" {p.metavar or p.name.upper()}" for p in command.params if p.param_type_name == "argument"
    )


def _options(command: Any) -> str:
    names = [max(p.opts, key=len) for p in command.params if p.param_type_name == "option"]
    return " ".join(f"`{name}`" for name in names if name != "--help")


def measured() -> str:
    """The columns of every measurer but `signals` and `patterns`."""
    from refinery.filters import language, url
    from refinery.filters.cross_entropy import CrossEntropy
    from refinery.filters.importance import Importance
    from refinery.filters.listed import Listed
    from refinery.filters.nearest import Nearest
    from refinery.filters.neural import Neural
    from refinery.filters.pii_counts import SCHEMA as PII
    from refinery.filters.relevance import Relevance
    from refinery.filters.terms import Terms
    from refinery.filters.token_count import SCHEMA
    from refinery.models.neural import Files

    nowhere = Path()
    schemas = {
        "size": SCHEMA,
        "language": language.SCHEMA,
        "relevance": Relevance(nowhere, "", "", "").schema,
        "quality": Relevance(nowhere, "", "", "", name="quality").schema,
        "importance": Importance(nowhere, "").schema,
        "nearest": Nearest(nowhere, "").schema,
        "cross_entropy": CrossEntropy(nowhere, "").schema,
        "neural": Neural(Files(nowhere, nowhere, "", ""), 512, None, "none").schema,
        "url": url.SCHEMA,
        "listed": Listed("", "", "exact").schema,
        "pii": PII,
        "terms": Terms(None, "").schema,
    }
    rows = [
        (f"`{f.name}`", f"`{measurer}`", _type(f.type), *COLUMNS[f.name])
        for measurer, schema in schemas.items()
        for f in schema
    ]
    return table(("column", "measurer", "type", "unit", "meaning", "source"), rows)


def signals() -> str:
    """The columns of `signals`, from its own descriptions."""
    from refinery.filters.signals import Settings as SignalSettings
    from refinery.filters.signals import build, columns

    schema = build(SignalSettings()).schema
    rows = []
    for name, described in columns().items():
        meaning, _, source = (
            described.removesuffix(")").rpartition(" (") if described.endswith(")") else (described, "", "")
        )
        rows.append((f"`{name}`", _type(schema.field(name).type), _unit(name), meaning, source))
    return table(("column", "type", "unit", "meaning", "source"), rows)


def _unit(name: str) -> str:
    if "entropy" in name:
        return "nats"
    if name.endswith("_length"):
        return "code points"
    return "ratio" if re.search(r"_(ratio|frac|greedy)$", name) else "count"


def _type(kind: pa.DataType) -> str:
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))


def rule_sets() -> str:
    """The built-in rule sets: an overview, the written ones one by one, FineWeb-2's languages by code and form."""
    from refinery.filters.fineweb2 import codes
    from refinery.filters.rules import load_rule_set, written_rule_sets

    sets = {name: load_rule_set(name) for name in written_rule_sets()}
    overview = [
        (f"`{name}`", ", ".join(found.languages or ("all",)), len(found.rules), found.description)
        for name, found in sets.items()
    ]
    parts = [table(("set", "languages", "rules", "what it is"), overview)]
    for name, found in sets.items():
        rows = [(f"`{name}.{_last(r.name)}`", f"`{r.predicate}`", r.source) for r in found.rules]
        parts.append(f"### {name}\n\n{table(('rule', 'kept when', 'source'), rows)}")
    others = [f"`{code}`" for code in codes() if code not in sets]
    parts.append(f"### FineWeb-2\n\nBy code: {', '.join(others)}.\n\n{_fineweb2('es', 'th')}")
    return "\n".join(parts)


def _fineweb2(*names: str) -> str:
    """The rules of some languages beside each other."""
    from refinery.filters.rules import load_rule_set

    cells = {name: {_last(r.name): r for r in load_rule_set(name).rules} for name in names}
    rules = dict.fromkeys(rule for rules in cells.values() for rule in rules)
    rows = [
        (
            f"`{rule}`",
            *(f"`{cells[name][rule].predicate}`" if rule in cells[name] else "" for name in names),
            next(re.sub(r"\w+\.yml", "NAME.yml", cells[n][rule].source) for n in names if rule in cells[n]),
        )
        for rule in rules
    ]
    return table(("rule", *(f"`{name}`" for name in names), "source"), rows)


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def recall() -> str:
    """The recall of some cuts into bands."""
    from refinery.dedup.bands import RECALL, split_for_recall
    from refinery.dedup.bands import recall as promised

    similarities = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    cuts = [(f"`similarity: {s}`", *split_for_recall(s, 112, RECALL)) for s in (0.9, 0.8, 0.7)]
    cuts += [(f"`bands: {bands}, rows: {rows}`", bands, rows) for bands, rows in ((9, 12), (14, 8), (20, 5))]
    rows = [
        (name, f"{bands} x {rows}", *(f"{promised(s, bands, rows):.2f}" for s in similarities))
        for name, bands, rows in cuts
    ]
    return table(("setting, `num_perm: 112`", "bands x rows", *map(str, similarities)), rows)


def decisions() -> str:
    """The columns of decisions."""
    from refinery.run.decisions import DECISIONS

    return table(
        ("column", "type", "meaning"), [(f"`{f.name}`", _account(f.type), ACCOUNT[f.name]) for f in DECISIONS]
    )


def sequences() -> str:
    """The columns of what is recorded of sequences of token ids."""
    from refinery.run.tokenised import SEQUENCES

    meaning = {**ACCOUNT, **SEQUENCE}
    return table(
        ("column", "type", "meaning"), [(f"`{f.name}`", _account(f.type), meaning[f.name]) for f in SEQUENCES]
    )


def rejects() -> str:
    """The columns of rejects."""
    from refinery.run.decisions import REJECTS

    meaning = {**ACCOUNT, "row": f"{ACCOUNT['row']}; NULL where a whole file could not be read"}
    return table(
        ("column", "type", "meaning"), [(f"`{f.name}`", _account(f.type), meaning[f.name]) for f in REJECTS]
    )


def _account(kind: pa.DataType) -> str:
    return "list of string" if pa.types.is_list(kind) else _type(kind)


def line_columns() -> str:
    """The columns of lines and paragraphs."""
    from refinery.filters.line_columns import COLUMNS, columns_of_parts

    only = dict.fromkeys(COLUMNS.keys() - columns_of_parts(paragraphs=True).keys(), "lines")
    only |= dict.fromkeys(COLUMNS.keys() - columns_of_parts(paragraphs=False).keys(), "paragraphs")
    rows = [
        (f"`{name}`", _type(column.type), only.get(name, "both"), column.description)
        for name, column in COLUMNS.items()
    ]
    return table(("column", "type", "of", "meaning"), rows)


def line_sets() -> str:
    """The built-in sets of rules on lines."""
    from refinery.filters.rules import OF_LINES, load_rule_set, written_rule_sets

    sets = {name: load_rule_set(name, folder=OF_LINES) for name in written_rule_sets(OF_LINES)}
    rows = [
        (f"`{name}`", ", ".join(f"`{_last(rule.name)}`" for rule in found.rules), found.description)
        for name, found in sets.items()
    ]
    return table(("set", "rules", "what goes"), rows)


def manifest() -> str:
    """The keys of manifest.json."""
    from refinery.run.manifest import Manifest

    return table(("key", "meaning"), [(f"`{name}`", MANIFEST[name]) for name in Manifest.model_fields])


def budget() -> str:
    """Epochs of 2B tokens for 1.3B parameters."""
    from refinery.report.budget import epochs_table
    from refinery.scaling.budget import budget as find_budget

    shown = epochs_table(find_budget(2e9, [1.3e9]).models[0])
    return table(shown.headings, shown.rows)


REGIONS: dict[str, Callable[[], str]] = {
    "yaml-keys": keys,
    "commands": commands,
    "columns": measured,
    "signals": signals,
    "rule-sets": rule_sets,
    "line-columns": line_columns,
    "line-sets": line_sets,
    "recall": recall,
    "decisions": decisions,
    "rejects": rejects,
    "sequences": sequences,
    "manifest": manifest,
    "budget": budget,
}


def pages() -> list[Path]:
    """The pages of the documentation."""
    return sorted(DOCS.glob("*.md"))


def regenerated(text: str) -> str:
    """A page with its regions as the code would have them."""
    return REGION.sub(lambda found: f"{found[1]}\n{REGIONS[found[2]]()}\n{found[3]}", text)


def stale() -> list[str]:
    """Names of the pages whose regions are not what the code says."""
    return [page.name for page in pages() if regenerated(page.read_text("utf-8")) != page.read_text("utf-8")]


def main(arguments: list[str]) -> int:
    """Rewrites the pages, or only checks them; gives the exit code."""
    behind = stale()
    if "--check" in arguments:
        if behind:
            sys.stderr.write(f"stale: {', '.join(behind)}; run python docs/generate.py\n")
        return int(bool(behind))
    for name in behind:
        page = DOCS / name
        page.write_text(regenerated(page.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
