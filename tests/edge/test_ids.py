"""Names of things, as they come in from outside."""

from __future__ import annotations

import pytest

from edge.ids import Mac


@pytest.mark.parametrize("text", ["02:00:00:00:77:0A", " 02-00-00-00-77-0a ", "00:00:00:00:00:01"])
def test_a_phones_mac(text: str) -> None:
    assert Mac(text).colons == text.strip().lower().replace("-", ":")
    assert "77" not in f"{Mac(text)} {Mac(text)!r}"


@pytest.mark.parametrize(
    "text",
    ["", "02:00:00:00:77", "02:00:00:00:77:0g", "00:00:00:00:00:00", "00-00-00-00-00-00", "ff:ff:ff:ff:ff:ff",
     "01:00:5e:00:00:01", "33:33:00:00:00:01", "02:00:00:00:77:0a:0b"],
)  # fmt: skip
def test_nobodys_everybodys_and_a_groups_are_no_phones(text: str) -> None:
    with pytest.raises(ValueError, match="one device"):
        Mac(text)
