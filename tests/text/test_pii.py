"""Personal data found and replaced: plants of faker in four languages, hard negatives, places, and what overlaps."""

import re
from itertools import pairwise

import pytest
from faker import Faker
from hypothesis import given
from hypothesis import strategies as st

from refinery.text import pii
from refinery.text.batch import TextBatch
from tests.text.pii_finds import finds, is_all

# Letters, digits and signs of which every kind is made, and whole ones.
PIECES = st.one_of(
    st.sampled_from("0123456789 .-+()@:/XxAK\n汉é，＠１\u200b_"),
    st.sampled_from(
        [
            "a@b.com",
            "13812345678",
            "415-555-2671",
            "+49 30 ",
            "8.8.8.8",
            "4111 1111 1111 1111",
            "Tel: ",
            "SSN ",
            "11010519491231002X",
            "DE89370400440532013000",
            "AKIAIOSFODNN7EXAMPLE",
            "password=",
            "病历号",
            "00 ",
        ]
    ),
)
TEXTS = st.lists(PIECES, max_size=25).map("".join)

TOLL_FREE = re.compile(r"(?:(?:\+1|001|1)[-. ]?)?\(?8(?:00|33|44|55|66|77|88)")
NOTHING = """
v4.15.7.1
section 4.15.7.1
Firefox/115.0.2.1
10.1016/j.cell.2010.01.001
doi:10.1056/NEJMoa2034577
ISBN 978-3-16-148410-0
ISBN 0-306-40615-2
PMID: 31978945
NCT04280705
CAS 7732-18-5
42 U.S.C. 1395w-4
Pub. L. 111-148
No. 19-1392
5 C.F.R. 2635.101
(2021)京01民终12345号
中华人民共和国主席令第二十四号
2021年11月1日
2021-11-01 12:30:45
20211101123045
1635768645123
12/11/2021 - 14/11/2021
§ 823 BGB, BGBl. I S. 1234
500 mg 2-3 times, 10-15 ml/kg
1,234,567,890.12
3.14159265358979
0.4111111111111111
192.168.0.1 and 10.0.0.1
203.0.113.7 in documents
52.84.0.0/15
2001:db8::1
1-800-273-8255
400-810-8888
logo@2x.png
git@github.com:owner/name.git
@user and foo@localhost
C++ std::abs 12:30:45
4111111111111112
11010519491231002Y
110105194913310021
DE89370400440532013001
666-12-3456
SSN 000-12-3456
da39a3ee5e6b4b0d3255bfef95601890afd80709
550e8400-e29b-41d4-a716-446655440000
00 61 73 6D 0D 00 00 00 01 86 80 80 80 00 01 60
the password is required
Table 13912 45678
GB/T 19001-2016
ICD-10-CM F32.9
rs12345678901
1:100000000
""".strip().splitlines()


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_like_it_stays(text):
    """Versions, sections, dates, dockets, doses, identifiers, private addresses, toll-free numbers."""
    assert finds(text) == []
    assert finds(f"见{text}。") == []


@pytest.mark.parametrize("locale", ["en_US", "zh_CN", "de_DE", "fr_FR"])
def test_what_faker_makes_is_found(locale):
    """Addresses, cards and IBANs of each language, alone and in Chinese text without a space."""
    fake, american = Faker(locale), Faker("en_US")
    fake.seed_instance(1)
    american.seed_instance(1)
    for _ in range(50):
        assert is_all(fake.email(), "email", "Write to ", ".")
        assert is_all(fake.email(), "email", "邮箱", "。")
        card = american.credit_card_number(
            american.random_element(["visa16", "mastercard", "amex", "discover"])
        )
        assert is_all(card, "card", "支付", "元")
        if len(card) == 16:
            assert is_all(" ".join(card[i : i + 4] for i in range(0, 16, 4)), "card")
        if locale in ("de_DE", "fr_FR"):  # those of the others have lengths that no country has
            assert is_all(fake.iban(), "iban", "IBAN ", ", ")


def test_chinese_plants_are_found():
    """Identity and mobile numbers, in ASCII and full width, with no space around."""
    fake = Faker("zh_CN")
    fake.seed_instance(1)
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    for _ in range(100):
        assert is_all(fake.ssn(), "cn_id", "身份证", "，")
        number = fake.phone_number()
        assert is_all(number, "phone", "电话", "。")
        assert is_all(number.translate(wide), "phone", "请拨打", "联系")


def test_numbers_of_three_countries_are_found_after_a_word_for_them():
    """All shapes that faker writes, but for toll-free numbers."""
    for locale, word in (("en_US", "Phone: "), ("de_DE", "Telefon "), ("fr_FR", "Tél. : ")):
        fake = Faker(locale)
        fake.seed_instance(1)
        numbers = [fake.phone_number() for _ in range(200)]
        numbers = [number for number in numbers if not TOLL_FREE.match(number)]
        assert [number for number in numbers if not is_all(number, "phone", word, ", ")] == []


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_finds_ascend_never_overlap_and_cut_no_character(texts):
    """Of any texts, one batch or each alone."""
    batch = TextBatch.from_texts(texts)
    found = pii.find(batch)
    places = list(zip(found.start.tolist(), found.end.tolist(), strict=True))
    assert all(start < end for start, end in places)
    assert all(one[1] <= two[0] for one, two in pairwise(places))
    for start, end in places:
        batch.data[start:end].tobytes().decode()
    alone = [len(pii.find(TextBatch.from_texts([text])).kind) for text in texts]
    assert [found.document.tolist().count(i) for i in range(len(texts))] == alone


@given(TEXTS)
def test_replacing_changes_the_finds_and_nothing_else(text):
    """Equal to slicing in Python."""
    batch = TextBatch.from_texts(["before", text, "after"])
    found = pii.find(batch)
    marks = tuple(f"<{kind}>" for kind in pii.KINDS)
    expected, last, data = b"", 0, batch.data.tobytes()
    for kind, start, end in zip(found.kind, found.start, found.end, strict=True):
        expected, last = expected + data[last:start] + marks[kind].encode(), end
    expected += data[last:]
    assert "".join(pii.replace(batch, found, marks).to_arrow().to_pylist()).encode() == expected


def test_the_most_certain_kind_wins():
    """An address takes the number in it; an IBAN the card in it; a kind that is not asked for hides nothing."""
    assert finds("13812345678@qq.com") == [("email", "13812345678@qq.com")]
    assert finds("13812345678@qq.com", "phone") == [("phone", "13812345678")]
    assert finds("卡号6222021234567894，身份证号11010519491231002X") == [
        ("card", "6222021234567894"),
        ("cn_id", "11010519491231002X"),
    ]


def test_zero_width_characters_inside_do_not_hide_it():
    """The find spans them and full-width forms, and ends with its last character."""
    assert finds("a\u200bb＠c.com\u200b") == [("email", "a\u200bb＠c.com")]
    assert finds("13\u00ad812345678\u200d") == [("phone", "13\u00ad812345678")]


def test_long_and_repetitive_texts_take_linear_time():
    """A megabyte of what makes the search look around: it ends, and quickly enough for a test."""
    for text in ("1a" * 500_000, "a@" * 500_000, "1-" * 500_000, "-" * 1_000_000, "1 " * 500_000):
        finds(text)
