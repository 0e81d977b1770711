"""The shapes of measurers and transforms."""

import pickle
from dataclasses import dataclass

import pytest

from refinery.filters.measurer import Measurer, Transform


@dataclass(frozen=True)
class Plain(Measurer):
    name: str = "plain"
    version: int = 1

    @property
    def settings(self):
        return {}

    @property
    def schema(self):
        return None

    def __call__(self, batch):
        return batch


@dataclass(frozen=True)
class Costly(Plain):
    costly: bool = True
    gpus: float = 0.5


def test_what_a_measurer_does_not_say():
    """It knows no labels, is cheap, needs no GPU and reads no files; a field says otherwise."""
    plain, costly = Plain(), pickle.loads(pickle.dumps(Costly(gpus=0.25)))
    assert (plain.labels, plain.costly, plain.gpus, plain.files) == ({}, False, 0.0, ())
    assert (costly.name, costly.costly, costly.gpus) == ("plain", True, 0.25)


def test_what_a_transform_does_not_say():
    """It reads no files."""

    class Same(Transform):
        def __call__(self, text):
            return text

    assert Same().files == ()


def test_the_bare_shapes_are_no_measurers():
    """They are inherited from."""
    for shape in (Measurer, Transform):
        with pytest.raises(TypeError):
            shape()
