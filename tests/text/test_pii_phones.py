"""Telephone numbers."""

import pytest

from tests.text.pii_finds import finds, is_all


@pytest.mark.parametrize(
    "text",
    [
        "+8613812345678", "+86 138 1234 5678", "0086 138 1234 5678", "138-1234-5678", "010-62345678", "0571-88234567",
        "(010)62345678", "+1 415 555 2671", "+1 (415) 555-2671", "(415) 555-2671", "415.555.2671", "1-415-555-2671",
        "001-415-555-2671x123", "+44 (0)20 7946 0958", "+44 20 7946 0958", "+49 30 12345678", "+49 (0) 171 1234567",
        "+33 1 23 45 67 89", "01 23 45 67 89", "01.23.45.67.89", "090-1234-5678", "03-1234-5678", "010-2345-6789",
        "+81-90-1234-5678", "+852 2345 6789", "+91 98765 43210", "+353 1 234 5678",
    ],
)  # fmt: skip
def test_numbers_that_need_no_word(text):
    """International and national forms, in text of either kind."""
    assert is_all(text, "phone", "see ", ", then")
    assert is_all(text, "phone", "联系", "。")


@pytest.mark.parametrize(
    "text", ["030 1234567", "0171/1234567", "7035246686", "8234567", "020 7946 0958", "(0)30 123456"]
)
def test_other_numbers_need_a_word(text):
    """Of any country."""
    assert finds(f"Tel.: {text},", "phone")
    assert finds(f"No.: {text},", "phone") == []


@pytest.mark.parametrize(
    "text",
    [
        "+999 123 4567",
        "+1 415",
        "115-555-2671",
        "415-155-2671",
        "+1 800 273 8255",
        "18002738255",
        "Tel. 800 273 8255",
        "12345678901",
        "141-1234-5678",
        "0101-234",
        "00 01 86 80 80 80",
        "a+4930123456789",
        "$415-555-2671",
        "415-555-26711",
        "415-555-2671-3",
    ],
)
def test_what_no_network_has_given_out(text):
    """Calling codes, areas, lengths, toll-free numbers, parts of something longer."""
    assert finds(text, "phone") == []


@pytest.mark.parametrize(
    "text",
    [
        "Telephone fraud (§§ 22-3226.06, 22-3226.10)",
        "plaintiff ma:fax 0001141391 2024-01-01 2024-12-31",
        "Tel 5000000 0.04 343307000 1.19",
        "our telephone number is (800) 328-5979.",
        "05.01.04.01.01",
        "02.02.10.02.03",
    ],
)
def test_numbers_of_statutes_and_filings_stay(text):
    """Sections after a word for telephone, days, shares, toll-free numbers, classifications of five pairs."""
    assert [found for found in finds(text, "phone") if found[1] not in ("0001141391", "5000000")] == []


def test_a_number_that_is_toll_free_in_america_can_be_a_mobile_in_chinese_text():
    """18001234567 is told by what stands before."""
    assert is_all("18001234567", "phone", "手机号")
    assert finds("or 18001234567") == []


def test_a_year_after_a_number_stays():
    """The country's longest number decides where it ends."""
    assert finds("+33 1 23 45 67 89 2024") == [("phone", "+33 1 23 45 67 89")]
