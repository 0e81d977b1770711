"""What the paths and the names of models in a definition stand for.

`{NAME}` in a path is the root of that name; `{{` and `}}` are braces themselves; `~` is the home folder. A relative
path counts from the definition's folder. Settings of measurers have the types `FilePath`, `FileOrUrl`, `ModelPath`
(a model as a file) and `AnyModel` (one that the run makes, too): validated with a `Paths` as context, they become
absolute paths, `AnyModel` a `ModelUse`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os.path import expanduser
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, ValidationInfo

from refinery.definition.trainings import ModelFile, Training
from refinery.definition.validate import validate
from refinery.definition.values import Name, WrittenPath
from refinery.errors import DefinitionError, nearest
from refinery.storage.url import is_url, local_path, redact

T = TypeVar("T")
FINEWEB2 = "fineweb2/"  # a rule set whose name begins so is no path but a language's of FineWeb-2
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}(/?)|[{}]")


@dataclass(frozen=True)
class ModelUse:
    """A model that a definition uses: a file or folder of this machine, or one that the run makes.

    path: None until it is made; name, training: of one that the run makes, what it is called and how it is made.
    """

    path: Path | None
    name: str = ""
    training: Training | None = None

    @property
    def made(self) -> tuple[str, ...]:
        """Its name if the run makes it."""
        return (self.name,) if self.training else ()

    @property
    def recipe(self) -> str:
        """How the run makes it, for an identity until its content is known."""
        return f"{self.training.word} {self.training.model_dump_json()}" if self.training else ""


@dataclass(frozen=True)
class Paths:
    """The folder of a definition, its roots and its models.

    A root or model that is wrong itself is None: it is told at its own place, so what rests on it raises
    DefinitionError without a problem.
    """

    base: Path = Path()
    roots: Mapping[str, str | None] = field(default_factory=dict)
    models: Mapping[str, ModelUse | None] = field(default_factory=dict)

    def expand(self, written: str) -> str:
        """The absolute path or the URL that is meant; raises DefinitionError for an unknown root.

        >>> Paths(Path("/home/me"), {"data": "s3://bucket/"}).expand("{data}/crawl/*.parquet")
        's3://bucket/crawl/*.parquet'
        """
        path = _BRACES.sub(self._root, written)
        if is_url(path):
            return path
        return str(self.base / expanduser(local_path(path)))  # noqa: PTH111  (Path's raises for a user unknown here)

    def file(self, written: str) -> Path:
        """A path on this machine; raises DefinitionError for an unknown root and for a URL."""
        path = self.expand(written)
        if is_url(path):
            what = "models, tokenizers and rule sets are read from this machine's disk"
            raise DefinitionError(f"{redact(path)}: {what}")
        return Path(path)

    def model(self, name: str) -> ModelUse:
        """The model of that name; raises DefinitionError if there is none."""
        if name not in self.models:
            near = nearest(name, self.models)
            raise DefinitionError(f"no model is called {name!r}{near}; a file is written {{file: {name}}}")
        return _sound(self.models[name])

    def _root(self, found: re.Match[str]) -> str:
        name, slash = found[1], found[2]
        if name is None and len(found[0]) == 2:
            return found[0][0]
        if name not in self.roots:
            near = nearest(name, self.roots) if name else ""
            braces = "braces themselves are written {{ }}"
            raise DefinitionError(f"no root is called {name or ''!r}{near}; {braces}")
        root = _sound(self.roots[name])
        return root.removesuffix("/") + "/" if slash else root


def _sound(value: T | None) -> T:
    if value is None:
        raise DefinitionError
    return value


HERE = Paths()  # no roots, no models, and what is relative is relative to the current directory


def is_path(rule_set: str) -> bool:
    """Whether a rule set is named by its file, not by a name of its own."""
    if rule_set.endswith((".yaml", ".yml")):
        return True
    return "/" in rule_set and not rule_set.startswith(FINEWEB2)


def _file(value: object, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("expected a path")
    try:
        return (info.context or HERE).file(value)
    except DefinitionError as error:
        raise ValueError("; ".join(error.problems)) from None


def _file_or_url(value: object, info: ValidationInfo) -> str:
    if isinstance(value, Path):
        return str(value)
    if not isinstance(value, str) or not value:
        raise ValueError("expected a path or a URL")
    try:
        return (info.context or HERE).expand(value)
    except DefinitionError as error:
        raise ValueError("; ".join(error.problems)) from None


def _model(value: object, info: ValidationInfo) -> ModelUse:
    if isinstance(value, ModelUse):
        return value
    if isinstance(value, Path):
        return ModelUse(value)
    if not isinstance(value, str | dict):
        raise ValueError("expected the name of a model, or {file: PATH}")
    paths: Paths = info.context or HERE
    try:
        if isinstance(value, str):
            return paths.model(value)
        return ModelUse(paths.file(validate(ModelFile, value).file))
    except DefinitionError as error:
        raise ValueError("; ".join(error.problems)) from None


def _model_file(value: object, info: ValidationInfo) -> Path:
    path = made_by()(_model(value, info)).path
    if path is None:
        raise ValueError  # a model of the run is refused above
    return path


def made_by(*kinds: type[Training]) -> Callable[[ModelUse], ModelUse]:
    """Refuses a model that the run makes in a way that is none of these; a file is never refused."""

    def check(use: ModelUse) -> ModelUse:
        if use.training and not isinstance(use.training, kinds):
            wanted = "".join(f"one made by `{kind.word}` or " for kind in kinds)
            made = f"the model {use.name!r} is made by `{use.training.word}`"
            raise ValueError(f"{made}; here stands {wanted}a file")
        return use

    return check


FilePath = Annotated[Path, BeforeValidator(_file, json_schema_input_type=WrittenPath)]
FileOrUrl = Annotated[str, BeforeValidator(_file_or_url, json_schema_input_type=WrittenPath)]
ModelPath = Annotated[Path, BeforeValidator(_model_file, json_schema_input_type=Name | ModelFile)]
AnyModel = Annotated[ModelUse, BeforeValidator(_model, json_schema_input_type=Name | ModelFile)]
