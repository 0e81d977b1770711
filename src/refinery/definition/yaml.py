"""YAML as data, with the place of every key: what definitions and rule sets are read with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from refinery.errors import DefinitionError

Location = tuple[str | int, ...]
_BOOL, _STR = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:str"


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
    """The text of a file of YAML, `kind` says of what; raises DefinitionError when there is none."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DefinitionError(f"{file}: no such {kind}") from None
    except OSError as error:
        raise DefinitionError(f"{file}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{file}: not YAML: it is not UTF-8 text (byte {error.start + 1})") from None


def parse(text: str, file: str) -> YamlFile:
    """Parses YAML with the safe loader; raises DefinitionError with the line for anything that is not YAML.

    >>> parse("a: {b: 1}", "x.yaml").problem(("a", "b"), "too small")
    'x.yaml:1: a.b: too small'
    """
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        lines, repeated = _walk(root)
        content = None if root is None else loader.construct_document(root)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise DefinitionError(f"{file}:{mark.line + 1 if mark else 1}: not valid YAML: {problem}") from None
    except RecursionError:
        raise DefinitionError(f"{file}:1: not valid YAML: nested too deep") from None
    return YamlFile(file, content, lines, tuple(repeated))


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
                name = str(key.value)
                if name in seen:
                    repeated.append((*location, name))
                seen.add(name)
                lines[*location, name] = key.start_mark.line + 1
                stack.append(((*location, name), value))
        elif isinstance(node, yaml.SequenceNode):
            stack += [((*location, index), value) for index, value in enumerate(node.value)]
    return lines, repeated
