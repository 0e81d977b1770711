"""The benchmark that makes packs of terms and judges them."""

import polars as pl
from packs import PIECE, half, judged, mined, pieces

from tests.models.test_terms import MEDICAL, OTHER, documents


def test_halves_share_no_text(tmp_path):
    """And are all texts together, each once."""
    texts = documents(OTHER, 40, 1)
    pl.DataFrame({"text": [*texts, *texts, None]}).write_parquet(tmp_path / "a.parquet")
    halves = [set(half(tmp_path / "a.parquet", number)) for number in (0, 1)]
    assert halves[0] | halves[1] == set(texts) and not halves[0] & halves[1] and all(halves)


def test_pieces_are_spread_over_all_texts():
    """Of long ones each part can be drawn."""
    texts = pl.Series([char * 4 * PIECE for char in "abc"])
    assert [piece[0] for piece in pieces(texts, 6)] == list("aabbcc")
    assert [len(piece) for piece in pieces(texts, 99)] == [PIECE] * 12


def test_a_pack_has_what_each_of_the_others_lacks(tmp_path):
    """A word that one of them has as well is no term of the pack."""
    for name, words, seed in (("p", MEDICAL, 1), ("n", OTHER, 2), ("m", [*OTHER, "blood"], 3)):
        pl.DataFrame({"text": documents(words, 80, seed)}).write_parquet(tmp_path / f"{name}.parquet")
    files = [tmp_path / f"{name}.parquet" for name in "pnm"]
    assert {"aspirin", "blood"} <= set(mined(files[:1], files[1:2], 100))
    both = set(mined(files[:1], files[1:], 100))
    assert "aspirin" in both and "blood" not in both


def test_what_sets_keep_is_told_by_language(tmp_path):
    """Shares of documents and characters."""
    text = "Take one 500 mg tablet of metformin twice a day; patients with severe kidney disease should not take it. "
    pl.DataFrame({"text": [f"{text} No. {n}" for n in range(20)]}).write_parquet(tmp_path / "orders.parquet")
    (sheet,) = judged([tmp_path / "orders.parquet"], unseen=False)
    row = dict(zip(sheet.columns, sheet.rows[0], strict=True))
    assert row["texts"] == "orders" and row["medical-en"] == "100.0 / 100.0" and row["gopher"] == "0.0 / 0.0"
    assert row["law-en"] == "0.0 / 0.0"
