"""YAML as data, with the place of every key: what definitions and rule sets are read with, and texts written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.reader import ReaderError

from refinery.errors import DefinitionError

Location = tuple[str | int, ...]
_BOOL, _STR = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:str"
MOST_BYTES = 2**20  # of a file: what is longer is data, for a file of its own
SHOWN = 40  # characters of a value that a message repeats
_UTF_16 = {b"\xff\xfe", b"\xfe\xff"}
_KINDS = {
    "tag:yaml.org,2002:int": "whole number",
    "tag:yaml.org,2002:float": "number",
    "tag:yaml.org,2002:bool": "truth value",
    "tag:yaml.org,2002:timestamp": "date",
}


def yaml_scalar(text: str) -> str:
    """A text as YAML has it, also within braces: plain if it is read as the same, else quoted.

    >>> print(yaml_scalar("gopher"), yaml_scalar("true"), yaml_scalar("2B"), yaml_scalar("a: b"))
    gopher "true" 2B "a: b"
    """
    plain = re.fullmatch(r"[A-Za-z0-9_/][\w./@-]*", text) and yaml.safe_load(text) == text
    return text if plain else json.dumps(text, ensure_ascii=False)


def problem_at(location: Location, message: str) -> str:
    """`path: message`, the message alone at the top.

    >>> problem_at(("a", 0, "b"), "too small")
    'a.0.b: too small'
    """
    path = ".".join(str(part) for part in location)
    return f"{path}: {message}" if path else message


@dataclass(frozen=True)
class YamlFile:
    """A parsed file: its content, and the line of every path in it; no `file`: content that a program made."""

    file: str
    content: Any
    lines: dict[Location, int] = field(default_factory=dict)
    repeated: tuple[Location, ...] = ()  # keys written twice; YAML would silently take the last

    def line(self, location: Location) -> int:
        """The line of a path, or of the nearest one above it."""
        known = location
        while known and known not in self.lines:
            known = known[:-1]
        return self.lines.get(known, 1)

    def problem(self, location: Location, message: str) -> str:
        """One line of an error report: `file:line: path: message`, without a file `path: message`."""
        if not self.file:
            return problem_at(location, message)
        return f"{self.file}:{self.line(location)}: {problem_at(location, message)}"

    def problems(self) -> list[str]:
        """What is wrong with the YAML itself though it parses."""
        return [self.problem(location, "this key is written twice") for location in self.repeated]


def read_text(file: Path, kind: str) -> str:
    """The text of a file of YAML, `kind` says of what; raises DefinitionError when there is none, or too much."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise DefinitionError(f"{file}: too large: a {kind} of YAML has at most {MOST_BYTES >> 20} MiB")
        return content.decode()
    except FileNotFoundError:
        raise DefinitionError(f"{file}: no such {kind}") from None
    except OSError as error:
        raise DefinitionError(f"{file}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        what = "not UTF-8 text" if content[:2] not in _UTF_16 else "UTF-16: save it as UTF-8"
        line = content.count(b"\n", 0, error.start) + 1
        raise DefinitionError(f"{file}:{line}: not YAML: it is {what} (byte {error.start + 1})") from None


def parse(text: str, file: str) -> YamlFile:
    """Parses YAML with the safe loader; raises DefinitionError with the line for anything that is not YAML.

    >>> parse("a: {b: 1}", "x.yaml").problem(("a", "b"), "too small")
    'x.yaml:1: a.b: too small'
    """
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        lines, repeated = _walk(root)
        content = None if root is None else loader.construct_document(root)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise DefinitionError(f"{file}:{line}: not valid YAML: it holds U+{error.character:04X}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise DefinitionError(f"{file}:{mark.line + 1 if mark else 1}: not valid YAML: {problem}") from None
    except ValueError:  # an escape beyond the last character of Unicode
        raise DefinitionError(
            f"{file}:{loader.line + 1}: not valid YAML: an escape of no character"
        ) from None
    except RecursionError:
        raise DefinitionError(f"{file}:1: not valid YAML: nested too deep") from None
    return YamlFile(file, content, lines, tuple(repeated))


class _Loader(yaml.SafeLoader):
    """The safe loader, to which a value that no type has is a mistake in its line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            found = super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            kind = _KINDS.get(node.tag, node.tag)
            written = node.value if isinstance(node.value, str) else "this"
            shown = f"{written[:SHOWN]!r}{'…' * (len(written) > SHOWN)}"
            problem = f"{shown} is no {kind}; put it into quotes if it is a text"
            raise ConstructorError(None, None, problem, node.start_mark) from None
        if isinstance(found, str) and not found.isascii() and any("\ud800" <= c <= "\udfff" for c in found):
            problem = "an escape of half a character: write the character itself"
            raise ConstructorError(None, None, problem, node.start_mark)
        return found


def _walk(root: yaml.Node | None) -> tuple[dict[Location, int], list[Location]]:
    lines: dict[Location, int] = {}
    repeated: list[Location] = []
    stack: list[tuple[Location, yaml.Node]] = [((), root)] if root is not None else []
    visited: set[int] = set()  # aliases lead to a node again and again, and may lead in a circle
    while stack:
        location, node = stack.pop()
        lines.setdefault(location, node.start_mark.line + 1)
        if id(node) in visited:
            continue
        visited.add(id(node))
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.tag == _BOOL:  # `on` is a name where a key stands
                    key.tag = _STR
                name = key.value if isinstance(key, yaml.ScalarNode) else "?"  # which no model has
                if name in seen:
                    repeated.append((*location, name))
                seen.add(name)
                lines[*location, name] = key.start_mark.line + 1
                stack.append(((*location, name), value))
        elif isinstance(node, yaml.SequenceNode):
            stack += [((*location, index), value) for index, value in enumerate(node.value)]
    return lines, repeated
