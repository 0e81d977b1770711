"""A recall made in memory: all its makers one after the other, each in a folder of its own."""

from pathlib import Path

from refinery.definition.trainings import RecallTraining
from refinery.recall.makers import makers_of
from tests.models.domains import MEDICAL, OTHER, documents
from tests.models.shards import cut, run_here

TRAINING = RecallTraining(seeds=("seeds",), pool=("crawl",), rounds=3)
SEED_TEXTS = documents(MEDICAL, 40, 1)
POOL_TEXTS = [*documents(MEDICAL, 30, 2), *documents(OTHER, 170, 3)]


def make_all(folder: Path, training: RecallTraining = TRAINING) -> dict[str, Path]:
    """The folder of each result by its name, as a run makes them."""
    found: dict[str, Path] = {}
    for name, maker in makers_of("models.medical", training).items():
        found[name], work = folder / name, folder / f"{name}.work"
        found[name].mkdir(parents=True)
        work.mkdir()
        shards = {"seeds": cut("seeds", SEED_TEXTS), "pool": cut("crawl", POOL_TEXTS)}
        inputs = {part: shards[part] for part in maker.inputs}
        maker.reading([found[one] for one in maker.results]).make(inputs, run_here, found[name], work)
    return found
