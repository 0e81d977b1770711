"""Host names in one form, and their sites."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.hosts import absent_of, by_distinct, host_name, of_sites, site, suffixes_hash


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("a_b.example.com", "a_b.example.com"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("BÜCHER.de", "xn--bcher-kva.de"),
        ("b%C3%BCcher.de", "xn--bcher-kva.de"),
        ("中国。中国", "xn--fiqs8s.xn--fiqs8s"),  # with the full stop of Chinese
        ("faß.de", "xn--fa-hia.de"),
        ("☃.net", "xn--n3h.net"),  # which registries refuse and browsers open
        ("127.0.0.1", "127.0.0.1"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
        *(
            (wrong, None)
            for wrong in ("", ".", "a..b", "a b", "a/b", "[::g]", "[1.2.3.4]", "a" * 254, "\ufffd.de")
        ),
    ],
)
def test_hosts_have_one_form(written, name):
    """In ASCII and lower case, by UTS 46; None for what is none."""
    assert host_name(written) == name


@given(st.one_of(st.text(max_size=20), st.from_regex(r"([a-zé中]{1,5}\.){1,3}[a-z]{2,3}", fullmatch=True)))
def test_a_host_in_its_form_stays(written):
    """Whatever it was."""
    name = host_name(written)
    assert name is None or host_name(name) == name


# From checkPublicSuffix of https://publicsuffix.org/list/, with None where the host is its own site here.
@pytest.mark.parametrize(
    ("host", "registrable"),
    [
        ("com", None),
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("b.example.example", "example.example"),
        ("biz", None),
        ("b.c.kobe.jp", "b.c.kobe.jp"),
        ("a.b.c.kobe.jp", "b.c.kobe.jp"),
        ("city.kobe.jp", "city.kobe.jp"),
        ("www.city.kobe.jp", "city.kobe.jp"),
        ("test.ck", None),
        ("a.b.test.ck", "b.test.ck"),
        ("www.www.ck", "www.ck"),
        ("test.k12.ak.us", "test.k12.ak.us"),
        ("www.xn--85x722f.com.cn", "xn--85x722f.com.cn"),
        ("shishi.xn--fiqs8s", "shishi.xn--fiqs8s"),
        ("a.github.io", "a.github.io"),
        ("x.a.github.io", "a.github.io"),
        ("github.io", None),
        ("10.0.0.1", None),
        ("[::1]", None),
    ],
)
def test_sites_are_those_of_the_list(host, registrable):
    """With its wildcards, exceptions and private part; what has no registrable name is its own site."""
    assert site(host) == (registrable or host)


def test_each_distinct_value_is_looked_at_once():
    """And NULL stays NULL."""
    seen = []
    values = pa.array(["a", "b", None, "a"], pa.large_string())
    made = by_distinct(values, lambda value: seen.append(value) or value.upper())
    assert (made.to_pylist(), seen) == (["A", "B", None, "A"], ["a", "b"])
    assert by_distinct(pa.array([], pa.large_string()), str.upper).to_pylist() == []


def test_the_list_is_known_by_its_content():
    """As 32 hex digits."""
    assert len(bytes.fromhex(suffixes_hash())) == 16


def test_a_site_stands_for_its_hosts():
    """And a host for itself alone; what others are given names under is no site."""
    hosts = pa.array(["www.nih.gov", "nih.gov", "a.github.io", "b.github.io", "nih.gov.evil.org", None])
    assert of_sites(hosts, {"nih.gov", "a.github.io"}).tolist() == [True, True, True, False, False, False]
    assert of_sites(hosts, {"www.nih.gov"}).tolist() == [True] + [False] * 5


def test_hosts_and_sites_that_nothing_is_of() -> None:
    """A site is there by any of its hosts, a host by itself alone; the order is as they are given."""
    wanted = ["gone.org", "a.org", "www.b.org", "b.org"]
    assert absent_of(wanted, ["x.a.org", "y.b.org"]) == ("gone.org", "www.b.org")
