import pickle
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pytest

from refinery.errors import InputError
from refinery.filters import language
from refinery.filters.language import Settings, build
from refinery.models import model_file
from refinery.text.batch import TextBatch
from tests.fasttext_models import model, probabilities
from tests.udhr import SENTENCES

HERE = Path(__file__).parent
# Languages that lid.176 calls otherwise: macrolanguages, and Cantonese written as Chinese.
SAME = {
    "eng": "en", "deu": "de", "fra": "fr", "spa": "es", "rus": "ru", "ell": "el", "tur": "tr",
    "arb": "ar", "heb": "he", "hin": "hi", "tam": "ta", "tha": "th", "vie": "vi", "jpn": "ja",
    "kor": "ko", "cmn": "zh", "kat": "ka", "hye": "hy", "swe": "sv", "fin": "fi", "hun": "hu",
    "amh": "am", "khm": "km", "lao": "lo", "mya": "my", "sin": "si", "ben": "bn",
}  # fmt: skip


def measure(texts: list[str], **settings: str) -> pa.RecordBatch:
    return build(Settings(**settings))(TextBatch.from_texts(texts))


def test_languages_are_recognised_with_fasttexts_probability() -> None:
    """27 languages by their ISO code; the score is fastText's."""
    found = measure([SENTENCES[code] for code in SAME]).to_pylist()
    assert [row["lang"] for row in found] == list(SAME.values())
    for row, code in zip(found, SAME, strict=True):
        text = SENTENCES[code].lower() if SENTENCES[code].isupper() else SENTENCES[code]
        best = max(probabilities(model_file.BUILT_IN, text).values())
        assert row["lang_score"] == pytest.approx(min(best, 1), abs=1e-4)
        assert row["lang_share"] == 1


@pytest.mark.parametrize("text", ["", " \n\t", "\U0001f600", "123", "3.14 + 2", "\u200b", "...", "，。！"])
def test_a_text_without_a_letter_has_no_language(text: str) -> None:
    """`und`, score 0, share 0: a row all the same."""
    found = measure([text, SENTENCES["eng"]]).to_pylist()[0]
    assert found == {
        "lang": "und", "lang_score": 0, "lang_share": 0, "lang_by": "model", "lang_model": "und",
        "lang_model_score": 0, "lang_group": "und", "lang_group_score": 0, "lang_script": "Zyyy", "lang_natural": 1,
    }  # fmt: skip


def test_newlines_and_batches_do_not_matter() -> None:
    """A thousand texts, empty ones among them: one row each, the same alone as together, newlines as spaces."""
    sentences = [*SENTENCES.values(), "", "a"]
    texts = [sentences[n % len(sentences)][: 5 + n] + "\n" * (n % 3) for n in range(1000)]
    together = measure(texts)
    assert together.num_rows == 1000
    for n in range(0, 1000, 83):
        assert measure([texts[n]]).to_pylist() == together.slice(n, 1).to_pylist()
    assert together.equals(measure([text.replace("\n", " ") for text in texts]))


def test_null_texts_and_slices_are_rows() -> None:
    """An Arrow slice with NULL: a row each, NULL as empty."""
    array = pa.array(["x", None, SENTENCES["deu"]], pa.large_string()).slice(1)
    found = build(Settings())(TextBatch.from_arrow(array))
    assert found.column("lang").to_pylist() == ["und", "de"]


def test_mixed_documents_can_be_ruled_out() -> None:
    """lang_share is about the share of the document, in bytes of letters, that is in its language."""
    english, russian = SENTENCES["eng"] + "\n", SENTENCES["rus"] + "\n"
    found = measure([english * 24, english * 24 + russian * 2, english * 24 + russian * 4])
    assert found["lang"].to_pylist() == ["en"] * 3
    sizes = [len((sentence * 12).encode()) for sentence in (english, russian)]
    for share, times in zip(found["lang_share"].to_pylist(), (0, 2, 4), strict=True):
        assert share == pytest.approx(sizes[0] * 24 / (sizes[0] * 24 + sizes[1] * times), abs=0.08)


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with GlotLID's kind of labels."""
    folder = tmp_path_factory.mktemp("lid")
    names = {"eng": "eng_Latn", "rus": "rus_Cyrl", "cmn": "cmn_Hani", "yue": "yue_Hani", "arb": "arb_Arab"}
    lines = [
        f"__label__{label} {SENTENCES[code][n : n + 60]}" for code, label in names.items() for n in range(60)
    ]
    source = folder / "train.txt"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    trained = fasttext.train_supervised(
        str(source), dim=16, minn=1, maxn=3, bucket=2000, epoch=25, lr=0.8, thread=1, verbose=0
    )
    trained.save_model(str(folder / "glot.bin"))
    return folder


def test_another_model_gives_the_same_codes_and_scripts(scripted: Path) -> None:
    """ISO 639-1 where there is one; lang_script is the text's own, whatever the label's."""
    measurer = build(Settings(model=scripted / "glot.bin"))
    texts = [SENTENCES["eng"], SENTENCES["rus"], SENTENCES["cmn"], SENTENCES["arb"], "42"]
    found = measurer(TextBatch.from_texts(texts))
    assert found.schema == measurer.schema
    assert found["lang"].to_pylist() == ["en", "ru", "zh", "ar", "und"]
    assert found["lang_script"].to_pylist() == ["Latn", "Cyrl", "Hans", "Arab", "Zyyy"]


def test_the_values_of_lang_are_known_before_a_run(scripted: Path) -> None:
    """So a code that a model cannot give is an error, not an empty corpus."""
    shipped = build(Settings()).labels["lang"]
    assert {"en", "zh", "gsw", "yue", "und"} < shipped
    assert not {"eng", "EN", "als", "sh"} & shipped
    other = build(Settings(model=scripted / "glot.bin")).labels
    assert other["lang"] == other["lang_model"] == {"en", "ru", "zh", "yue", "ar", "und"}
    assert other["lang_group"] == {"en", "ru", "zh", "ar", "und"}
    assert other["lang_by"] == {"model", "case", "form", "script", "characters"}


def test_settings_name_the_model_by_content(tmp_path: Path) -> None:
    """A copy of the shipped model is the same measurer; another model is another one. It travels by pickle."""
    (tmp_path / "copy.ftz").write_bytes(model_file.BUILT_IN.read_bytes())
    (tmp_path / "other.bin").write_bytes(model("softmax").read_bytes())
    shipped, copy = build(Settings()), build(Settings(model=tmp_path / "copy.ftz"))
    assert shipped.settings == copy.settings
    assert build(Settings(model=tmp_path / "other.bin")).settings != shipped.settings
    assert pickle.loads(pickle.dumps(shipped)) == shipped
    assert shipped.name == "language" and "path" not in str(shipped.settings)


def test_a_model_that_changed_under_a_run_is_refused(tmp_path: Path) -> None:
    """The measurer asks for the content that the definition was checked with."""
    content = bytearray(model("ova").read_bytes())
    content[-2] ^= 1  # so that no other test has it in memory
    (tmp_path / "model.bin").write_bytes(content)
    measurer = build(Settings(model=tmp_path / "model.bin"))
    (tmp_path / "model.bin").write_bytes(model("ova, wide").read_bytes())
    with pytest.raises(InputError, match="changed"):
        measurer(TextBatch.from_texts(["text"]))


def test_a_missing_model_is_an_error_with_its_path(tmp_path: Path) -> None:
    """Nothing is downloaded."""
    with pytest.raises(InputError, match=r"nowhere\.bin: the model cannot be read"):
        build(Settings(model=tmp_path / "nowhere.bin"))


def test_corrections_are_on_record_beside_the_models_own() -> None:
    """`lang_by` says what decided; the model's label and probability are fastText's, whatever was decided."""
    texts = ["THE PATIENT WAS GIVEN ASPIRIN.", "https://example.com/a/b?c=1", "学而时习之", SENTENCES["deu"]]
    found = measure([*texts, SENTENCES["eng"]])
    assert found["lang_by"].to_pylist() == ["case", "form", "script", "model", "model"]
    assert found["lang"].to_pylist() == ["en", "und", "zh", "de", "en"]
    for text, row in zip(texts, found.to_pylist(), strict=False):
        best = max(probabilities(model_file.BUILT_IN, text).values())
        assert row["lang_model_score"] == pytest.approx(min(best, 1), abs=1e-4)
    small = max(probabilities(model_file.BUILT_IN, texts[0].lower()).values())
    assert found["lang_score"][0].as_py() == pytest.approx(small, abs=1e-4) and small > 0.9


def test_near_languages_share_a_score() -> None:
    """What vanishes between Croatian, Serbian and Bosnian is there in their sum."""
    row = measure(["Sva ljudska bića rađaju se slobodna i jednaka u dostojanstvu i pravima."]).to_pylist()[0]
    assert row["lang_score"] < 0.65 < row["lang_group_score"]
    assert (row["lang_group"], row["lang_script"]) == ("bs-hr-sr", "Latn")


def test_every_number_is_finite() -> None:
    """No NaN in any column, nothing above 1."""
    found = measure([*SENTENCES.values(), "", "a" * 100_000, "\x00"])
    for name in ("lang_score", "lang_share"):
        values = found[name].to_numpy()
        assert np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1
    assert language.WINDOW == 400
