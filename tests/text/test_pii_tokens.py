"""Addresses, IBANs, keys and record numbers."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.text.pii_finds import finds, is_all

FILES = "png|jpg|jpeg|gif|svg|webp|bmp|ico|css|js|json|html|htm|php|pdf"
LOCAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._%+&'-]*(?<=[A-Za-z0-9_+-])\Z")
DOMAIN = re.compile(
    rf"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?!(?:{FILES})(?![A-Za-z]))[A-Za-z]{{2,24}}(?![A-Za-z0-9_])"
)


def reference(text):
    """Addresses by regular expressions, from left to right."""
    found, low = [], 0
    for at in re.finditer("@", text):
        local, domain = LOCAL.search(text[low : at.start()]), DOMAIN.match(text, at.end())
        if local and domain and local[0] != "git":
            found.append(local[0] + "@" + domain[0])
            low = domain.end()
    return found


PARTS = st.sampled_from([*"ab1@@@...-_+% ,/'", "git", "com", ".org", "png", "a@b.cd"])


@given(st.lists(PARTS, max_size=25).map("".join))
@example("a@b.com-c")
@example("a@b.co.com_")
@example("a@b-.com")
def test_addresses_are_those_of_the_regular_expressions(text):
    """On text that is full of nearly right ones."""
    assert [address for _, address in finds(text, "email")] == reference(text)


@pytest.mark.parametrize(
    "text", ["müller@web.de", "info@straße-köln.de", "a@xn--fiqs8s.xn--fiqs8s", "o'neil@b.ie"]
)
def test_addresses_beyond_ascii(text):
    """Letters of alphabets, and Punycode."""
    assert is_all(text, "email", "(", ")")


def test_a_mail_address_ends_where_the_sentence_does():
    """Full stops, dashes and letters without spaces are no part of it."""
    for after in (".", "—and", "은", "，", ">", "-"):
        assert is_all("a@b.com", "email", "<", after)


@pytest.mark.parametrize(
    "text",
    [
        "DE89370400440532013000",
        "GB29 NWBK 6016 1331 9268 19",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
    ],
)
def test_ibans_of_the_registry(text):
    """Its examples, in one piece and in groups of four; not with another digit, country or length."""
    assert is_all(text, "iban", "账号")
    for wrong in (
        text[:3] + str((int(text[3]) + 1) % 10) + text[4:],
        "ZZ" + text[2:],
        text + "1",
        "A" + text,
    ):
        assert finds(wrong, "iban") == []


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIICWwIBAAKBgQ\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNNEXAMPLEA",
        "ghp_" + "a1" * 18,
        "sk-" + "a1b2" * 10,
        "sk-proj-" + "a1b2" * 10,
        "AIza" + "Sy1" * 12,
        "xoxb-123456789012-abcdefghij",
        "glpat-" + "a1" * 10,
        "LTAI5t" + "Ab1" * 6,
        JWT,
        PEM,
    ],
)
def test_keys_by_their_beginnings(text):
    """As their issuers document them."""
    assert is_all(text, "secret", "key ", "\n")
    assert is_all(text, "secret", "密钥", "。") or "-----" in text


PREFIX = re.compile(
    "(AKIA|ASIA|sk_live_|sk_test_|rk_live_).{16}|LTAI.{12}|AIza.{35}|gh[pousr]_.{36}|npm_.{36}|github_pat_.{40}"
    "|gsk_.{40}|(glpat-|xox[bpa]-).{20}|(sk-|shpat_).{32}|hf_.{30}|(pypi-|dop_v1_).{60}"
)
KEY_PARTS = st.sampled_from(
    [
        *" .:/é(",
        "AKIA",
        "ghp_",
        "sk-",
        "sk_live_",
        "glpat-",
        "hf_",
        "a1",
        "-",
        "_",
        "B" * 15,
        "c7" * 8,
        "0d" * 15,
    ]
)


@given(st.lists(KEY_PARTS, max_size=9).map("".join))
@example("AKIA" + "B" * 16)
@example("key sk_live_" + "c7" * 8 + ".")
def test_keys_are_those_of_the_regular_expressions(text):
    """Whole tokens with a digit (AWS's without one, too), not beside a letter beyond ASCII."""
    tokens = re.findall(r"(?<![A-Za-z0-9_é-])[A-Za-z0-9_-]+(?![A-Za-z0-9_é-])", text)
    keys = [
        one for one in tokens if PREFIX.match(one) and (re.search("[0-9]", one) or one.startswith("AKIA"))
    ]
    assert [key for _, key in finds(text, "secret")] == keys


def test_secrets_by_what_they_are_assigned_to():
    """With letters and digits; words, short ones and hashes without a name for them stay."""
    assert is_all("a1b2c3d4e5f6g7h8", "secret", 'api_key = "', '"')
    assert is_all("hunter22", "secret", "password: ")
    assert is_all("Abc12345", "secret", "密码：")
    for text in (
        "password: required",
        "api_key = get_key()",
        "token: 12",
        "token 1234567890123456",
        "sha1 a1b2c3d4e5f6g7h8",
    ):
        assert finds(text, "secret") == []


def test_a_private_key_without_its_end_loses_its_first_line():
    """What follows may be the text."""
    assert finds("-----BEGIN PRIVATE KEY-----\nabc", "secret") == [("secret", "-----BEGIN PRIVATE KEY-----")]
    assert finds("-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----") == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("MRN: 00123456", "00123456"),
        ("Patient ID A-123456", "A-123456"),
        ("住院号：ZY20210001", "ZY20210001"),
        ("medical record of 2021", None),
        ("MRN: unknown", None),
        ("Record 00123456", None),
        ("MRN and 2021", None),
    ],
)
def test_record_numbers_need_their_word(text, number):
    """Five characters or more, four digits, no small letters."""
    assert finds(text) == ([("record", number)] if number else [])
