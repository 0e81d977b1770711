"""The dataset card of an output."""

import datetime
import shutil

import orjson
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import Features, load_dataset
from huggingface_hub import DatasetCard

import refinery as api
from refinery.run.dataset_card import dataset_card
from refinery.run.manifest import Manifest
from tests.conftest import PIPELINE, write_parquet


@pytest.mark.parametrize("split", ["", ", split: {validation: 20%, unseen: 10%}"])
def test_a_card_is_valid_and_says_what_the_manifest_says(data_repository, refinery, split):
    """By the hub's own library: how it is loaded, how much it holds, each rule that left something out."""
    definition = data_repository / "pipeline.yaml"
    definition.write_text(PIPELINE.replace("path: out}", f"path: out{split}}}"))
    assert refinery("run", definition, "-q")[0] == 0
    records = data_repository / "out.records"
    manifest = Manifest.model_validate(orjson.loads((records / "manifest.json").read_bytes()))
    card = DatasetCard.load(records / "README.md")
    file = next((data_repository / "out").rglob("*.parquet"))
    assert str(card) == dataset_card(manifest, pq.read_schema(file))
    assert "dataset_info" not in card.data.to_dict()  # Parquet says itself what it holds
    data = card.data.to_dict()
    assert data["size_categories"] == ["n<1K"]
    (config,) = data["configs"]
    for one in config["data_files"]:
        files = {
            file.relative_to(data_repository / "out") for file in (data_repository / "out").glob(one["path"])
        }
        names = manifest.splits[one["split"]].files if split else [file.path for file in manifest.files]
        assert {str(file) for file in files} == set(names) != set()
    assert {one["split"] for one in config["data_files"]} == (set(manifest.splits) or {"train"})
    assert f"{manifest.kept.documents:,} documents" in card.text
    for stage, tally in manifest.stages.items():
        for rule, account in tally.rules.items():
            dropped = account.dropped
            row = f"| {stage} | `{rule}` | {dropped.documents:,} | {dropped.tokens:,} |"
            assert (row in card.text) == bool(dropped.documents)


def test_a_card_says_nothing_of_this_machine(data_repository, refinery):
    """No path and no time: another folder has the same card, so it can be compared and published."""
    cards = []
    for name in ("out", "other"):
        file = data_repository / f"{name}.yaml"
        file.write_text(PIPELINE.replace("path: out}", f"path: {name}}}"))
        assert refinery("run", file, "-q", "--work", data_repository / f"work-{name}")[0] == 0
        cards.append((data_repository / f"{name}.records" / "README.md").read_text())
    assert cards[0] == cards[1]
    assert str(data_repository) not in cards[0]
    assert yaml.safe_load(cards[0].split("---\n")[1])["pretty_name"] == "tiny: unique"


TYPED = """refinery: 1
name: typed
sources: {notes: {path: notes.parquet, columns: {never: string, small: int}}}
stages: {all: {from: notes, keep: [{some: "chars >= 1"}]}}
outputs: {all: {from: all, path: out, format: jsonl}}
"""


def test_json_lines_are_read_by_the_card_without_a_guess(tmp_path):
    """The types of the output, also of a column without a value, as `datasets` reads both in one folder."""
    day = datetime.datetime(2020, 1, 1, 1, 2, 3)
    rows = [
        {"text": f"Note {n}", "small": n, "never": None, "at": day, "parts": [{"n": None}]} for n in range(3)
    ]
    write_parquet(tmp_path / "notes.parquet", rows)
    (tmp_path / "pipeline.yaml").write_text(TYPED)
    api.run(tmp_path / "pipeline.yaml", workers=1, progress=False)
    shutil.copy(tmp_path / "out.records/README.md", tmp_path / "out/README.md")
    info = DatasetCard.load(tmp_path / "out/README.md").data.to_dict()["dataset_info"]
    found = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"), split="train")
    assert found.features == Features._from_yaml_list(info["features"])
    types = {name: str(one.dtype) for name, one in found.features.items() if name in {"never", "small", "at"}}
    assert types == {"never": "string", "small": "int64", "at": "timestamp[us]"}
    assert {*found["at"]} == {day}
