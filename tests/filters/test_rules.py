"""Rule sets as data, and the judging of documents by them."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.definition.models import RuleSetUse
from refinery.definition.paths import Paths
from refinery.errors import DefinitionError, InputError
from refinery.filters import rules, terms
from refinery.filters.lexicon import packs
from refinery.filters.predicate import columns_of, problems
from refinery.filters.rules import Rule, evaluate, load_rule_set, resolve_rules
from refinery.filters.signals import Signals


def measured_columns():
    """Every column that a rule set may read, with its Arrow type."""
    from refinery.filters.token_count import Size

    signals = [Signals(tuple(rules.fineweb2.codes())), Signals(("swh_Latn", "lao_Laoo", "xho_Latn"))]
    schemas = [Size().schema, *(one.schema for one in signals)]
    return {column.name: column.type for schema in schemas for column in schema}


def first_failed(frame, chosen):
    """Name of the first rule that each row fails, None where it passes."""
    verdict = evaluate(frame, chosen)["first_failed"].to_list()
    return [None if index is None else chosen[index].name for index in verdict]


# A document in the middle of what every set accepts; a case changes one value.
SOUND = {
    "words": 500, "lines": 20, "sentences": 30, "mean_word_length": 4.9, "mean_line_length": 80.0,
    "alpha_word_ratio": 0.95, "line_punct_ratio": 0.9, "han_ratio": 0.95, "punct_ratio": 0.1, "char_entropy": 5.0,
    "c4_sentences": 30, "space_words": 400, "mean_space_word_length": 5.5, "alpha_space_word_ratio": 0.97,
    "letter_word_ratio": 0.97, "unwrapped_line_punct_ratio": 0.9,
}  # fmt: skip


def frame_for(chosen, **changed):
    """One row with the columns that `chosen` reads: SOUND, stop words present, all other numbers 0."""
    names = sorted({name for rule in chosen for name in columns_of(rule.predicate)} - {"lang"})
    values = {n: changed.get(n, SOUND.get(n, 5 if n.startswith("stop_words") else 0.0)) for n in names}
    return pl.DataFrame({name: [value] for name, value in values.items()})


# Rule, column, a value at the limit that is kept; the next value beyond it is dropped (`up` or `down`).
GOPHER_QUALITY = [
    ("short", "space_words", 50, "down"),
    ("long", "space_words", 100_000, "up"),
    ("short_words", "mean_space_word_length", 3.0, "down"),
    ("long_words", "mean_space_word_length", 10.0, "up"),
    ("hash_ratio", "hash_space_word_ratio", 0.1, "up"),
    ("ellipsis_ratio", "ellipsis_space_word_ratio", 0.1, "up"),
    ("bullet_line_ratio", "bullet_line_ratio", 0.9, "up"),
    ("ellipsis_line_ratio", "ellipsis_line_ratio", 0.3, "up"),
    ("alpha_word_ratio", "alpha_space_word_ratio", 0.8, "down"),
    ("stop_words", "stop_words_en", 2, "down"),
]
GOPHER_TOKENS = [
    ("short", "words", 50, "down"),
    ("long", "words", 100_000, "up"),
    ("short_words", "mean_word_length", 3.0, "down"),
    ("long_words", "mean_word_length", 10.0, "up"),
    ("hash_ratio", "hash_ratio", 0.1, "up"),
    ("ellipsis_ratio", "ellipsis_ratio", 0.1, "up"),
    ("bullet_line_ratio", "bullet_line_ratio", 0.9, "up"),
    ("ellipsis_line_ratio", "ellipsis_line_ratio", 0.3, "up"),
    ("alpha_word_ratio", "alpha_word_ratio", 0.8, "down"),
    ("stop_words", "stop_words_en", 2, "down"),
]
TABLE_A1 = [
    ("dup_para_frac", "dup_para_frac", 0.3, "up"),
    ("dup_para_char_frac", "dup_para_char_frac", 0.2, "up"),
    ("dup_line_frac", "dup_line_frac", 0.3, "up"),
    ("dup_line_char_frac", "dup_line_char_frac", 0.2, "up"),
    ("top_2gram", "top_2gram_char_frac", 0.2, "up"),
    ("top_3gram", "top_3gram_char_frac", 0.18, "up"),
    ("top_4gram", "top_4gram_char_frac", 0.16, "up"),
]
LIMITS = [(5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.1)]
GREEDY = [(f"dup_{n}gram", f"dup_{n}gram_char_frac_greedy", limit, "up") for n, limit in LIMITS]
UNION = [(f"dup_{n}gram", f"dup_{n}gram_char_frac", limit, "up") for n, limit in LIMITS]
FINEWEB = [
    ("empty", "lines", 1, "down"),
    ("line_punct_ratio", "unwrapped_line_punct_ratio", 0.12, "down"),
    ("short_line_ratio", "short_line_ratio", 0.67, "up"),
    ("line_char_dup_ratio", "line_char_dup_ratio", 0.1, "up"),
    ("newline_ratio", "unwrapped_line_ratio", 0.3, "up"),
]
FINEWEB_LINES = [
    ("empty", "lines", 1, "down"),
    ("line_punct_ratio", "line_punct_ratio", 0.12, "down"),
    ("short_line_ratio", "short_line_ratio", 0.67, "up"),
    ("line_char_dup_ratio", "line_char_dup_ratio", 0.01, "up"),
    ("newline_ratio", "newline_ratio", 0.3, "up"),
]
C4 = [
    ("lorem_ipsum", "c4_lorem_ipsum", 0, "up"),
    ("curly_bracket", "c4_curly_bracket_ratio", 0.02, "up"),
    ("sentences", "sentences", 3, "down"),
]
C4_LINES = [
    ("lorem_ipsum", "c4_lorem_ipsum", 0, "up"),
    ("curly_bracket", "c4_curly_bracket", 0, "up"),
    ("sentences", "c4_sentences", 5, "down"),
]
ZH = [
    ("short", "words", 80, "down"),
    ("han_ratio", "han_ratio", 0.3, "down"),
    ("mean_line_length", "mean_line_length", 10.0, "down"),
    ("sentences", "sentences", 2, "down"),
    ("bracket_ratio", "bracket_ratio", 0.1, "up"),
    ("digit_ratio", "digit_ratio", 0.27, "up"),
    ("char_entropy", "char_entropy", 3.0, "down"),
    ("stop_words", "stop_words_zh", 2, "down"),
    ("dup_line_frac", "dup_line_frac", 0.287, "up"),
    ("top_2gram", "top_2gram_char_frac", 0.3, "up"),
    ("top_4gram", "top_4gram_char_frac", 0.28, "up"),
    ("alpha_word_ratio", "letter_word_ratio", 0.735, "down"),
    ("dup_16gram", "dup_16gram_char_frac_greedy", 0.25, "up"),
    ("line_punct_ratio", "unwrapped_line_punct_ratio", 0.106, "down"),
    ("line_char_dup_ratio", "line_char_dup_ratio", 0.1, "up"),
]
DE = [
    ("long_words", "mean_space_word_length", 15.0, "up"),
    ("alpha_word_ratio", "alpha_space_word_ratio", 0.774, "down"),
    ("stop_words", "stop_words_de", 2, "down"),
    ("dup_line_frac", "dup_line_frac", 0.263, "up"),
    ("top_2gram", "top_2gram_char_frac", 0.169, "up"),
    ("dup_5gram", "dup_5gram_char_frac_greedy", 0.141, "up"),
    ("dup_10gram", "dup_10gram_char_frac_greedy", 0.098, "up"),
    ("newline_ratio", "unwrapped_line_ratio", 0.152, "up"),
]
CASES = {
    "gopher": GOPHER_QUALITY + TABLE_A1 + GREEDY,
    "gopher_quality": GOPHER_QUALITY,
    "gopher_repetition": TABLE_A1 + GREEDY,
    "gopher_paper": GOPHER_QUALITY + TABLE_A1 + UNION,
    "gopher_datatrove": GOPHER_TOKENS + TABLE_A1 + GREEDY,
    "gopher_quality_datatrove": GOPHER_TOKENS,
    "fineweb": FINEWEB,
    "fineweb_datatrove": FINEWEB_LINES,
    "c4": C4,
    "c4_datatrove": C4_LINES,
    "zh": ZH,
    "de": DE,
    "ja": [("short", "words", 80, "down"), ("dup_16gram", "dup_16gram_char_frac_greedy", 0.243, "up")],
    "ko": [("short", "words", 25, "down"), ("dup_5gram", "dup_5gram_char_frac_greedy", 0.127, "up")],
}


@pytest.mark.parametrize("name", CASES)
def test_a_value_at_the_limit_is_kept_and_the_next_one_beyond_is_dropped_by_the_rule_named(name):
    """Hand-made measurements, one value changed: the thresholds and directions of the papers."""
    chosen = load_rule_set(name).rules
    assert first_failed(frame_for(chosen), chosen) == [None]
    for rule, column, limit, direction in CASES[name]:
        step = 1 if direction == "up" else -1
        beyond = limit + step if isinstance(limit, int) else math.nextafter(limit, step * math.inf)
        assert first_failed(frame_for(chosen, **{column: limit}), chosen) == [None], rule
        assert first_failed(frame_for(chosen, **{column: beyond}), chosen) == [f"{name}.{rule}"]


@pytest.mark.parametrize(
    "name",
    [
        "gopher", "gopher_quality", "gopher_repetition", "gopher_paper", "gopher_datatrove",
        "gopher_quality_datatrove",
        "fineweb", "fineweb_datatrove", "c4", "c4_datatrove",
    ],
)  # fmt: skip
def test_the_sets_of_the_papers_hold_those_rules_and_no_others(name):
    """Every rule of these sets has a case above, in the set's order."""
    own = [rule.name for rule in load_rule_set(name).rules]
    assert own == [f"{name}.{rule}" for rule, *_ in CASES[name]]


@pytest.mark.parametrize(
    "name", [*rules.written_rule_sets(), "de", "th", "sw", "fineweb2/swh_Latn", "fineweb2/xho_Latn"]
)
def test_every_built_in_rule_reads_columns_that_refinery_measures_and_names_its_source(name):
    """No set can fail where `signals` and its packs of terms are measured; each has the scope of its own language."""
    chosen = load_rule_set(name)
    columns = measured_columns()
    for pack in packs() if name in (*packs(), "zh_spam") else ():
        columns |= {field.name: field.type for field in terms.build(terms.Settings(pack=pack)).schema}
    found = {rule.name: problems(rule.predicate, columns) for rule in chosen.rules}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert all(rule.source and rule.place for rule in chosen.rules)
    assert chosen.description
    language = {"fineweb2/swh_Latn": "sw", "fineweb2/xho_Latn": "xh", "zh_spam": "zh"}.get(name, name)
    language = language.rpartition("-")[2]  # medical-zh
    assert chosen.languages == ((language,) if len(language) == 2 and name != "c4" else ("en",))


@given(
    st.lists(
        st.tuples(st.none() | st.integers(-2, 2), st.none() | st.sampled_from(["en", "zh"])),
        min_size=1,
        max_size=8,
    )
)
def test_verdicts_equal_those_of_sql_where(rows):
    """Against a plain-Python reading: NULL is not kept, the first failing rule and all failing rules are told."""
    chosen = (
        Rule("positive", "n > 0"),
        Rule("english", "lang = 'en'"),
        Rule("either", "n > 0 OR lang = 'en'"),
    )
    frame = pl.DataFrame(rows, schema={"n": pl.Int64, "lang": pl.String}, orient="row")
    verdict = evaluate(frame, chosen)
    expected = [
        [
            index
            for index, kept in enumerate(
                (n is not None and n > 0, lang == "en", (n is not None and n > 0) or lang == "en")
            )
            if not kept
        ]
        for n, lang in rows
    ]
    assert verdict["failed"].to_list() == expected
    assert verdict["first_failed"].to_list() == [failed[0] if failed else None for failed in expected]
    assert verdict.schema == {"first_failed": pl.UInt16, "failed": pl.List(pl.UInt16)}


def test_no_rows_and_no_rules_give_empty_verdicts():
    """An empty shard, and a stage without rules."""
    frame = pl.DataFrame({"n": [1, 2]})
    assert evaluate(frame, ())["failed"].to_list() == [[], []]
    assert evaluate(frame, ())["first_failed"].to_list() == [None, None]
    assert evaluate(frame.clear(), (Rule("a", "n > 0"),)).shape == (0, 2)


def test_a_rule_that_these_values_break_is_named():
    """A cast that fails on the data is an input error, not a traceback of Polars."""
    frame = pl.DataFrame({"id": ["1", "x"], "n": [1, 2]})
    with pytest.raises(InputError, match=r"^rule number: cannot be computed"):
        evaluate(frame, (Rule("fine", "n > 0"), Rule("number", "id::int > 0")))


def test_a_set_with_a_language_judges_its_own_language_and_what_has_none():
    """Other languages pass; NULL and `und` (empty text) are judged."""
    chosen = resolve_rules([RuleSetUse(rules="gopher_quality", without=("stop_words",))])
    frame = pl.concat([frame_for(chosen, space_words=1)] * 4).with_columns(
        lang=pl.Series(["en", "zh", "und", None])
    )
    dropped = "gopher_quality.short"
    assert first_failed(frame, chosen) == [dropped, None, dropped, dropped]
    sound = pl.concat([frame_for(chosen)] * 4).with_columns(frame["lang"])
    assert first_failed(sound, chosen) == [None] * 4


def test_where_no_language_is_measured_a_set_judges_every_document():
    """Otherwise nothing would be judged at all."""
    chosen = resolve_rules(["gopher"], measured=["words"])
    assert first_failed(frame_for(chosen, space_words=1), chosen) == ["gopher.short"]


def test_a_stage_lists_rules_and_sets_in_its_own_order():
    """Inline rules keep their names; a set's rules carry the set's; `without` leaves some out."""
    entries = [
        {"english": "lang = 'en'"},
        RuleSetUse(rules="fineweb", without=("line_punct_ratio", "empty")),
        "c4",
    ]
    assert [rule.name for rule in resolve_rules(entries)] == [
        "english", "fineweb.short_line_ratio", "fineweb.line_char_dup_ratio", "fineweb.newline_ratio",
        "c4.lorem_ipsum", "c4.curly_bracket", "c4.sentences",
    ]  # fmt: skip


def test_every_mistake_in_a_stage_is_reported_at_once():
    """Unknown sets and rules with the nearest name, and names that stand twice."""
    entries = ["gohper", RuleSetUse(rules="c4", without="sentence"), {"a": "x > 1"}, {"a": "x > 2"}]
    with pytest.raises(DefinitionError) as caught:
        resolve_rules(entries)
    first, second, third = caught.value.problems
    assert first.startswith("no rule set is called 'gohper'; did you mean \"gopher\"?")
    assert second == "c4 has no rule 'sentence'; did you mean \"sentences\"?"
    assert third == "two rules are called 'a'"


def test_an_unknown_set_names_sets_and_counts_languages():
    """The nearest of its kind; without one, sets by name before languages by number."""
    told = {}
    for name in ("fineweb2/swh_Lat", "medical-fr", "qqqqq", "fineweb2/zzz"):
        with pytest.raises(DefinitionError) as caught:
            resolve_rules([name])
        (told[name],) = caught.value.problems
    assert 'did you mean "fineweb2/swh_Latn"?' in told["fineweb2/swh_Lat"]
    assert 'did you mean "medical-' in told["medical-fr"]
    assert "; there is c4, c4_datatrove" in told["qqqqq"]
    assert " 1,929 fineweb2/LANGUAGE_SCRIPT" in told["qqqqq"] and "aai_Latn" not in told["qqqqq"]


def write(folder, text):
    (folder / "mine.yaml").write_text(text)
    return load_rule_set("mine.yaml", Paths(folder))


def test_a_set_of_the_users_own_lies_beside_the_pipeline(tmp_path):
    """By a path relative to the definition; sources of the set and of a rule; rules of built-in sets included."""
    found = write(
        tmp_path,
        "description: clinic\nsource: us\nlanguages: [en, de]\ninclude: [c4]\n"
        'rules:\n  long: "words > 9 -- words"\n  dense: {keep: "top < 1", source: them}\n',
    )
    assert [rule.name for rule in found.rules[-3:]] == ["mine.sentences", "mine.long", "mine.dense"]
    assert [rule.source for rule in found.rules[-2:]] == ["us", "them"]
    assert found.rules[-2].place == f"{tmp_path / 'mine.yaml'}:6"
    assert found.languages == ("en", "de")
    scoped = resolve_rules(["./mine.yaml"], Paths(tmp_path))
    assert columns_of(scoped[-2].predicate) == {"lang", "words"}


def test_every_mistake_in_a_file_is_reported_at_once_with_its_line(tmp_path):
    """Unknown keys with the nearest name, wrong types, wrong codes, a rule without a predicate."""
    with pytest.raises(DefinitionError) as caught:
        write(
            tmp_path,
            "descripton: x\nlanguages: [english]\nrules:\n  a: 3\n  b: {kep: x > 1}\n  c.d: x > 1\n  e: x > 1\n",
        )
    file = tmp_path / "mine.yaml"
    places = [problem.split(": ")[:2] for problem in caught.value.problems]
    assert sorted(places) == [
        [f"{file}:1", "descripton"],
        [f"{file}:2", "languages.0"],
        [f"{file}:4", "rules.a"],
        [f"{file}:5", "rules.b"],
        [f"{file}:5", "rules.b.kep"],
        [f"{file}:6", "rules.c.d"],
    ]
    assert f'{file}:1: descripton: unknown key; did you mean "description"?' in caught.value.problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rules:\n  a: x > 1\n  a: x > 2\n", "mine.yaml:3: rules.a: this key is written twice"),
        ("rules: [a\n", "mine.yaml:2: not valid YAML"),
        (
            "- a\n",
            "mine.yaml:1: expected a mapping with the keys description, source, include, languages, rules",
        ),
        ("", "mine.yaml:1: expected a mapping with the keys description, source, include, languages, rules"),
        ("description: x\n", "mine.yaml:1: a rule set needs `rules`"),
        ("include:\n- gopher\n- cfour\n", "mine.yaml:3: include: no built-in set is called 'cfour'"),
    ],
)
def test_a_file_that_is_no_rule_set_says_why(tmp_path, text, problem):
    """Keys written twice, YAML that is none, other documents, nothing to judge by."""
    with pytest.raises(DefinitionError) as caught:
        write(tmp_path, text)
    assert problem in str(caught.value)


def test_a_missing_file_and_a_file_name_that_cannot_name_rules(tmp_path):
    """Place and problem."""
    with pytest.raises(DefinitionError, match=r"none\.yaml: no such rule set file"):
        load_rule_set("./none.yaml", Paths(tmp_path))
    (tmp_path / "my rules.yaml").write_text("rules: {a: x > 1}")
    with pytest.raises(DefinitionError, match="the file's name names the rules"):
        load_rule_set("my rules.yaml", Paths(tmp_path))
