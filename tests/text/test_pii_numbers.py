"""Numbers with checks, against python-stdnum and ipaddress."""

import datetime
import ipaddress

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import ric

from refinery.text import pii_numbers as numbers
from tests.text.pii_finds import finds, is_all


@given(st.text("0123456789", min_size=1, max_size=19))
def test_the_check_digit_of_cards_is_luhns(digits):
    """As stdnum computes it."""
    array = np.array([int(digit) for digit in digits], np.uint8)
    assert numbers.luhn(array, len(digits)) == luhn.is_valid(digits)


@given(
    st.dates(datetime.date(1900, 1, 1), datetime.date(2029, 12, 31)), st.integers(0, 999), st.integers(0, 9)
)
def test_identity_numbers_have_stdnums_check_and_a_real_date(born, order, wrong):
    """Every date with its check character is found, with another one it is not."""
    body = f"110105{born:%Y%m%d}{order:03}"
    check = ric.calc_check_digit(body + "0")
    assert is_all(body + check, "cn_id", "证", "号")
    if str(wrong) != check:
        assert finds(f"证{body}{wrong}号", "cn_id") == []


@given(st.integers(1890, 2040), st.integers(0, 13), st.integers(0, 32))
def test_dates_are_the_calendars(year, month, day):
    """As datetime knows them, of the years that a living person can have."""
    try:
        real = 1900 <= datetime.date(year, month, day).year < 2030
    except ValueError:
        real = False
    assert numbers.is_date(year, month, day) == real


@pytest.mark.parametrize("text", ["110105 19491231 002X", "110105-19491231-0021", "990105194912310021"])
def test_identity_numbers_as_printed(text):
    """In three groups; not with a wrong check or a region that is none."""
    assert (finds(text, "cn_id") == [("cn_id", text)]) == text.endswith("X")


def test_old_identity_numbers_need_their_word():
    """Fifteen digits with a date."""
    assert finds("身份证号110105491231002") == [("cn_id", "110105491231002")]
    assert finds("编号110105491231002") == finds("身份证号110105491331002", "cn_id") == []


@given(st.ip_addresses(v=4))
@example(ipaddress.IPv4Address("100.127.255.255"))
@example(ipaddress.IPv4Address("172.32.12.1"))
@example(ipaddress.IPv4Address("198.51.100.12"))
@example(ipaddress.IPv4Address("203.0.113.112"))
@example(ipaddress.IPv4Address("20.30.21.70"))
def test_addresses_are_found_if_they_are_global(address):
    """As ipaddress says, multicast and networks left out; short ones and four pairs after a word for them."""
    assume(not str(address).startswith("192.0.0."))
    public = address.is_global and not address.is_multicast and int(address) & 255 != 0
    assert finds(f"server {address}", "ip") == ([("ip", str(address))] if public else [])
    pairs = all(len(part) == 2 for part in str(address).split("."))  # as customs tariffs have
    assert finds(f"at {address}!", "ip") == (
        [("ip", str(address))] if public and len(str(address)) >= 11 and not pairs else []
    )


@given(st.ip_addresses(v=6, network="2000::/3"))
def test_addresses_of_version_6_are_found(address):
    """Written short or long; those of documentation are not."""
    assume(address.is_global or address in ipaddress.ip_network("2001:db8::/32"))
    expected = address not in ipaddress.ip_network("2001:db8::/32")
    for text in (str(address), address.exploded):
        if len(text) >= 8:
            assert finds(f"[{text}]", "ip") == ([("ip", text)] if expected else [])


@pytest.mark.parametrize(
    "text", ["1.22.133.144.5", "01.22.133.144", "1.22.133.256", "x1.22.133.144", "1.22.133.144/24"]
)
def test_what_has_the_shape_of_an_address_and_is_none(text):
    """More parts, leading zeros, parts above 255, words, networks."""
    assert finds(f"server {text}", "ip") == []


def test_social_security_numbers_need_their_word():
    """In both forms; areas that are not given out are none."""
    assert is_all("078-05-1120", "ssn", "SSN: ")
    assert is_all("078051120", "ssn", "social security number ")
    for text in ("078-05-1120", "SSN 900-05-1120", "SSN 078-00-1120", "SSN 078-05-0000"):
        assert finds(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111",
        "3782-822463-10005",
        "378282246310005",
        "6011111111111117",
        "5555-5555-5555-4444",
    ],
)
def test_cards_as_printed(text):
    """The card networks' test numbers."""
    assert is_all(text, "card")
    assert finds(text[:-1] + str((int(text[-1]) + 1) % 10), "card") == finds(text + "-1", "card") == []
