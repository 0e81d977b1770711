"""What goes of documents with repeated passages: where a cut begins and ends, and what is left."""

from tests.dedup.passage_shards import NOTE, TextShard, cut, left


def test_no_word_and_no_number_is_cut_through(tmp_path):
    """What two texts share by chance beyond a passage, in a word or a number, stays; what is left is not joined."""
    first, second = f"Of 2,025 mg. {NOTE} Reread 3.14 times.", f"In 12,025 mg. {NOTE} Rerun 3.15."
    assert left(tmp_path, first, second, characters=40, rest=1) == [first, "In 12,025 Rerun 3.15."]
    first, second = f"Up to 1.5 {NOTE} 7", f"Up to 3.5, {NOTE} 8"
    assert left(tmp_path, first, second, characters=40, rest=1) == [first, "Up to 3.5, 8"]
    third = NOTE.replace("Every", "每").replace("one.", "一")
    assert left(tmp_path, f"重{third}次", f"轻{third}年", characters=40, rest=1) == [f"重{third}次", "轻年"]
    first, second = f"第八十三条 {NOTE}第二条", f"第一百零三条 {NOTE}第二十条"
    assert left(tmp_path, first, second, characters=40, rest=1) == [first, "第一百零三条二十条"]


def test_paragraphs_go_with_the_blank_lines_that_follow_them(tmp_path):
    """Compared are whole paragraphs, without white space at their ends; a copy in the same text goes too."""
    first = f"One.\n\n{NOTE}\n\nTwo."
    second = f"Three.\n\n  {NOTE} \n \n\n  Four.\n\n{NOTE}\n"
    third = f"{NOTE}\n\nFive. {NOTE}"
    found = left(tmp_path, first, second, third, paragraphs=40, rest=1)
    assert found == [first, "Three.\n\n  Four.", f"Five. {NOTE}"]


def test_lines_are_paragraphs_where_no_line_is_blank(tmp_path):
    """Of Chinese statutes, say; a paragraph of several lines is one where others are blank."""
    lines, wrapped = f"Head one\n{NOTE}\nEnd", f"Head two\n{NOTE}\n\nEnd"
    assert left(tmp_path, lines, lines, wrapped, paragraphs=40, rest=1) == [lines, "Head one\nEnd", wrapped]


def test_a_document_of_which_little_is_left_is_dropped(tmp_path):
    """By default of less than the least length; nothing is lost, as what is left could be no other's copy."""
    texts = NOTE, f"{NOTE} See above.", f"{NOTE} See the other leaflet of this name, that tells more of it."
    assert left(tmp_path, *texts, characters=40) == [NOTE, None, texts[2][len(NOTE) :]]
    assert left(tmp_path, *texts, characters=40, rest=5)[1] == " See above."
    found = cut([TextShard(texts)], tmp_path / "work", characters=40)
    assert found.dropped == {1: 0}
