"""Training a classifier on tables, texts or files."""

import polars as pl
import pyarrow as pa
import pytest

import refinery
from refinery.errors import DefinitionError, InputError
from refinery.models.train import train_relevance
from tests.models.domains import MEDICAL, OTHER, documents, write_domains

SMALL = {"dim": 8, "buckets": 20_000}


def test_data_in_memory_and_in_files_give_the_same_model(tmp_path):
    """Texts, a table, and files given in each way, byte for byte; the card says where they are from."""
    positive, negative = write_domains(tmp_path)
    own = train_relevance([positive], [negative], tmp_path / "own", **SMALL)
    texts = [pl.read_parquet(file)["text"].to_list() for file in (positive, negative)]
    given = {
        "texts": texts,
        "table": [pa.table({"text": texts[0]}), pl.DataFrame({"text": texts[1]})],
        "path": [positive, str(negative)],
        "paths": [[positive], [negative]],
    }
    for name, parts in given.items():
        card = refinery.train(*parts, tmp_path / name, **SMALL)
        assert (tmp_path / name / "model.bin").read_bytes() == (
            tmp_path / "own" / "model.bin"
        ).read_bytes(), name
        assert [one.source for one in card.judged] == ["positive", "negative"] or card.judged == own.judged
        assert card.model_copy(update={"sources": own.sources, "judged": own.judged}) == own
    assert card.sources == own.sources
    assert refinery.train(*texts, tmp_path / "m", **SMALL).sources["positive"] == (
        f"{len(texts[0])} documents in memory",
    )


def test_a_trained_model_measures(tmp_path):
    """Its folder is a model for `relevance`, whose threshold the card suggests."""
    card = refinery.train(documents(MEDICAL, 150, 1), documents(OTHER, 150, 2), tmp_path / "medical", **SMALL)
    fresh = pl.DataFrame({"text": [*documents(MEDICAL, 50, 8), *documents(OTHER, 50, 9)]})
    measured = refinery.measure(fresh, {"relevance": {"model": {"file": str(tmp_path / "medical")}}})
    kept = refinery.keep(measured, {"on_topic": f"relevance >= {card.suggested.threshold}"})
    assert 45 <= len(kept) <= 55
    assert refinery.measure(fresh, {"relevance": {"model": tmp_path / "medical"}}).equals(measured)


def test_what_is_wrong_is_told(tmp_path):
    """A setting that does not exist, too few documents, a file that is not there, a column that is not."""
    texts = documents(MEDICAL, 50, 1)
    with pytest.raises(DefinitionError, match='epoch: unknown key; did you mean "epochs"'):
        refinery.train(texts, texts, tmp_path, epoch=3)
    with pytest.raises(DefinitionError, match="positive examples: 1 different ones"):
        refinery.train(["one"], texts, tmp_path)
    with pytest.raises(InputError, match=r"nowhere\.parquet"):
        refinery.train(tmp_path / "nowhere.parquet", texts, tmp_path)
    with pytest.raises(InputError, match="no column 'body'"):
        refinery.train(pl.DataFrame({"text": texts}), texts, tmp_path, text="body")
