"""How often an address may: singly, and where IPv6 gives a phone as many as it likes, its network as a whole."""

from __future__ import annotations

import pytest

from edge.web.guest.rates import WIDER, AddressRate, Rate, network, single


@pytest.mark.parametrize(
    ("address", "one", "whole"),
    [
        ("192.168.7.20", "192.168.7.20", ""),
        ("::ffff:192.168.7.20", "192.168.7.20", ""),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:0:0:1", "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::1", "fe80::/64"),
        ("unknown", "unknown", ""),
        ("", "", ""),
    ],
)
def test_what_counts_as_one_and_what_as_a_network(address: str, one: str, whole: str) -> None:
    assert (single(address), network(address)) == (one, whole)


def test_several_at_once_count_whole_or_not_at_all() -> None:
    rate = Rate(burst=10, each_s=1)
    assert rate.take("a", monotonic_ms=0, count=8)
    assert not rate.take("a", monotonic_ms=0, count=3)
    assert rate.take("a", monotonic_ms=0, count=2)
    assert not rate.take("a", monotonic_ms=0)
    assert rate.take("a", monotonic_ms=5000, count=5)
    assert not rate.take("b", monotonic_ms=0, count=11), "more than it ever has"


def test_what_is_given_back_may_be_taken_again() -> None:
    rate = Rate(burst=2, each_s=10)
    assert [rate.take("a", monotonic_ms=0) for _ in range(3)] == [True, True, False]
    rate.give_back("a")
    assert [rate.take("a", monotonic_ms=0) for _ in range(2)] == [True, False]
    rate.give_back("nobody")


def test_one_guest_on_the_wifi_does_not_use_up_another_ones() -> None:
    rate = AddressRate(burst=3, each_s=10)
    assert [rate.take("2001:db8::1", monotonic_ms=0) for _ in range(4)] == [True, True, True, False]
    assert rate.take("2001:db8::2", monotonic_ms=0)
    assert rate.take("::ffff:10.0.0.1", monotonic_ms=0)


def test_a_phone_that_takes_a_new_address_each_time_is_bounded_by_its_network() -> None:
    rate = AddressRate(burst=3, each_s=10)
    taken = [rate.take(f"2001:db8::{number:x}", monotonic_ms=0) for number in range(200)]
    assert sum(taken) == 3 * WIDER
    assert rate.take("2001:db8:0:1::1", monotonic_ms=0), "another network"
    assert rate.take("10.0.0.9", monotonic_ms=0)
    assert sum(rate.take(f"2001:db8::{number:x}", monotonic_ms=10_000) for number in range(200)) == WIDER
    rate.give_back("2001:db8::1")
    assert rate.take("2001:db8::ff", monotonic_ms=10_000)
