"""The dataset card of an output."""

import orjson
import pytest
import yaml
from huggingface_hub import DatasetCard

from refinery.run.dataset_card import dataset_card
from refinery.run.manifest import Manifest
from tests.conftest import PIPELINE


@pytest.mark.parametrize("split", ["", ", split: {validation: 20%, unseen: 10%}"])
def test_a_card_is_valid_and_says_what_the_manifest_says(data_repository, refinery, split):
    """By the hub's own library: how it is loaded, how much it holds, each rule that left something out."""
    definition = data_repository / "pipeline.yaml"
    definition.write_text(PIPELINE.replace("path: out}", f"path: out{split}}}"))
    assert refinery("run", definition, "-q")[0] == 0
    records = data_repository / "out.records"
    manifest = Manifest.model_validate(orjson.loads((records / "manifest.json").read_bytes()))
    card = DatasetCard.load(records / "README.md")
    assert str(card) == dataset_card(manifest)
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
