"""The `terms` measurer: density and counts of a lexicon."""

import pickle

import pytest

import refinery
from refinery.definition.paths import ModelUse
from refinery.definition.trainings import TermMining
from refinery.definition.validate import Invalid, validate
from refinery.errors import InputError
from refinery.filters import terms
from refinery.text.batch import TextBatch


@pytest.fixture
def lexicon(tmp_path):
    (tmp_path / "terms.txt").write_text("heart attack\n心肌梗死\naspirin\n")
    return tmp_path / "terms.txt"


def build(**settings):
    return terms.build(validate(terms.Settings, settings))


def test_density_and_counts(lexicon):
    """Characters in terms over all letters and digits; 0 where there are none."""
    texts = ["Aspirin after a HEART-attack.", "急性心肌梗死，心肌 梗死", "hearts attack", "", "!?"]
    found = pickle.loads(pickle.dumps(build(file=lexicon)))(TextBatch.from_texts(texts))
    assert found.to_pydict() == {
        "term_density": [18 / 24, 8 / 10, 0, 0, 0],
        "term_count": [2, 2, 0, 0, 0],
        "distinct_terms": [2, 1, 0, 0, 0],
    }


def test_columns_are_renamed_with_as_and_begin_with_the_pack(lexicon):
    """So several lexicons stand side by side."""
    measured = refinery.measure(
        ["aspirin 澳门赌场"],
        [{"terms": {"file": str(lexicon), "as": "drug"}}, {"terms": {"pack": "zh-gambling"}}],
    )
    assert {"drug_term_density", "drug_term_count", "zh_gambling_term_density"} <= set(measured.column_names)
    assert (
        measured["drug_term_count"].to_pylist() == measured["zh_gambling_distinct_terms"].to_pylist() == [1]
    )


def test_its_key_is_the_content_of_the_lexicon_and_how_it_is_folded(lexicon, tmp_path):
    """Not its path; each setting changes `settings`; a pack is no file to ship."""
    one = build(file=lexicon)
    (tmp_path / "copy").write_bytes(lexicon.read_bytes())
    (tmp_path / "other").write_text("heart\n")
    assert build(file=tmp_path / "copy").settings == one.settings
    others = [build(file=tmp_path / "other"), build(file=lexicon, fold="simplified"), build(pack="zh-porn"),
              build(pack="zh-gambling")]  # fmt: skip
    assert len({str(other.settings) for other in [one, *others]}) == 5
    assert one.files == (str(lexicon),) and others[2].files == ()


def test_a_model_that_is_still_to_be_made_can_be_planned_with(lexicon):
    """Its columns are known; it is known by how it is made, later by content; a made one is a folder."""
    mining = TermMining(positive=("seeds",), negative=("crawl",))
    planned = build(model=ModelUse(None, "med", mining))
    made = build(model=ModelUse(lexicon.parent, "med", mining))
    assert planned.schema == made.schema and planned.models == made.models == ("med",)
    assert planned.settings != made.settings
    assert planned.files == () and made.files == (str(lexicon),)
    with pytest.raises(InputError, match="med: the model is not made yet"):
        planned(TextBatch.from_texts(["text"]))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "give one of `file`, `pack` and `model`"),
        ({"file": "a.txt", "pack": "zh-porn"}, "give one of `file`, `pack` and `model`"),
        ({"pack": "zh-porn", "fold": "plain"}, "`fold` is of a lexicon of your own"),
    ],
)
def test_one_lexicon_is_given(settings, problem):
    """None, two, or a folding of a pack are errors."""
    with pytest.raises(Invalid, match=problem):
        build(**settings)
