"""The YAML block between lines of `---` that Markdown and text files begin with: a document's own columns."""

from __future__ import annotations

import re
from typing import Any

import yaml

_BLOCK = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_KEY = re.compile(r"\s*(?:#.*\n\s*)*[\w\"'][^\n]*:(?:\s|$)")


class FrontMatterError(Exception):
    """A block that begins as front matter does and is not YAML."""


class _Loader(yaml.SafeLoader):
    """YAML whose plain values are those of JSON: a date stays text, `no` is no boolean, 010 is not eight."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own way)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise FrontMatterError("it has an alias (*name), which could stand for any amount of text")
        return super().compose_node(parent, index)


for _tag, _pattern, _begin in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"-?(?:0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+", list("-0123456789")),  # 1e5 may be a name
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})$"), _begin)


def split(text: str) -> tuple[dict[str, Any], str]:
    """A document's front matter and what follows it; nothing and the whole text where there is none.

    A rule of three dashes before prose is no front matter. Raises FrontMatterError for keys that are no YAML.

    >>> split("---\\ntitle: A title\\ndate: 2024-01-02\\n---\\n\\nText.")
    ({'title': 'A title', 'date': '2024-01-02'}, 'Text.')
    """
    found = _BLOCK.match(text)
    if not found or not (_KEY.match(found[1]) or not found[1].strip()):
        return {}, text
    try:
        values = yaml.load(found[1], _Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 2}: " if mark else ""
        raise FrontMatterError(f"{line}{getattr(error, 'problem', None) or error}"[:200]) from None
    if values is not None and not isinstance(values, dict):
        return {}, text
    return {str(name): value for name, value in (values or {}).items()}, text[found.end() :].lstrip("\r\n")
