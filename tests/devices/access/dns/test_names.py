"""Patterns of the garden, addresses that may be let through, allowances."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from devices.access.dns.names import PORTAL4, PORTAL6, Garden, Reachable
from devices.access.dns.rates import Bucket, Buckets
from devices.access.gate import rules


def test_the_gate_leads_to_the_portal_what_we_answer() -> None:
    """It imports nothing of ours."""
    assert (str(PORTAL4), str(PORTAL6)) == (rules.ANSWERED4, rules.ANSWERED6)


@pytest.mark.parametrize(
    ("name", "is_in"),
    [
        ("pay.example.com", True),
        ("x.pay.example.com", False),
        ("wx.example.net", False),
        ("a.wx.example.net", True),
        ("a.b.wx.example.net", True),
        ("evilwx.example.net", False),
        ("example.net", False),
        ("net", False),
        ("", False),
    ],
)
def test_patterns(name: str, is_in: bool) -> None:
    assert (name in Garden(["Pay.example.com", "*.wx.example.net"])) is is_in
    assert name not in Garden()


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("203.0.113.7", True),
        ("2606:4700::1", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("169.254.1.1", False),
        ("192.0.2.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),
        ("8.8.4.4", False),
        ("::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::1", False),
        ("2001:0:a00:1::1", False),
        ("2001:db8::53", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
    ],
)
def test_only_the_internet_is_let_through(address: str, may: bool) -> None:
    assert (ip_address(address) in Reachable(["8.8.4.0/24", "no network"])) is may


def test_an_allowance_fills_up_again() -> None:
    bucket = Bucket(2.0, 3.0, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(1.0) for _ in range(3)] == [True, True, False]
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]


def test_who_was_quiet_longest_is_forgotten() -> None:
    buckets = Buckets(1.0, 1.0, most=2)
    assert buckets.take("a", 0.0)
    assert buckets.take("b", 0.0)
    assert not buckets.take("a", 0.0)
    assert buckets.take("c", 0.0)
    assert len(buckets) == 2
    assert not buckets.take("a", 0.0)
    assert buckets.take("b", 0.0)
