from generate_fold import folded


def test_a_character_folds_to_its_decomposed_lower_case():
    """Compatibility forms, case, and both; the iota subscript stays a mark."""
    assert [folded(char) for char in "ﬁÉẞ①ᾼ漢"] == ["fi", "e\u0301", "ss", "1", "α\u0345", "漢"]
