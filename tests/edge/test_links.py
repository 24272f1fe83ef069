"""Addresses that a merchant puts on a page: those that no phone could open are told at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.documents import check
from edge.errors import DocumentError
from edge.shop import links

WRONG = [
    "http://[x",
    "http://[v1.x]/",
    "http://[::1%25eth0]/",
    "http://x:99999/",
    "http://x:0/",
    "http://x:-1/",
    "http://x:abc/",
    "http://exa℀mple.com/",
    "http://" + "a" * 64 + ".com/",
    "http://a..b/",
    "https:///x",
    "https://",
    "http://?x",
    "http://%00/",
    "http://a\u200b.com/",
    "https://shop.example/a\u200bb",
    "https://shop.example/a\u2028b",
    "http://a\u00a0b",
    "https://shop.example/\ud800",
    "//evil.example/x",
    "/\\evil.example",
    "/a\\b",
    "https://h\\@evil.example/",
    "javascript:alert(1)",
    "ftp://h/",
    "a",
]
RIGHT = [
    "",
    "/",
    "/wallet?x=1",
    "/a//b",
    "https://shop.example",
    "https://shop.example/a?sig=a%2Bb%2F%3D+%27&x=a+b",
    "https://shop.example/a%2Fb/%7E?u=https%3A%2F%2Fx#/p?z",
    "http://münchen.de/ü?ü=ü#/p",
    "http://[fd00::1]:8080/a",
    "http://10.0.0.1:65535",
    "http://user@h/",
    "https://shop.example/%zz?a=%",
]


@pytest.mark.parametrize("url", WRONG)
@pytest.mark.parametrize("key", ["page_url", "icon_url"])
def test_an_address_that_nobody_can_open_is_one_mistake(url: str, key: str) -> None:
    with pytest.raises(DocumentError) as told:
        check("pages", [{"id": "a", "title_zh": "a", "title_en": "a", key: url}])
    (mistake,) = told.value.mistakes
    assert key in str(mistake)


@pytest.mark.parametrize("url", RIGHT)
def test_what_phones_open_is_taken(url: str) -> None:
    assert check("pages", [{"id": "a", "title_zh": "a", "title_en": "a", "page_url": url, "icon_url": url}])


@given(st.text(max_size=60).map("http://".__add__) | st.text(max_size=60).map("/".__add__) | st.text(max_size=60))
def test_what_is_taken_can_go_into_a_header(url: str) -> None:
    if not links.wrong(url):
        told = links.ascii_of(links.with_ticket(url, "T"))
        assert told.isascii()
        assert told.isprintable()
        assert ("ticket=T" in told) == bool(url)
