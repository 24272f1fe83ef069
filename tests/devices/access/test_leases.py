from __future__ import annotations

import asyncio
import os
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from devices.access import leases
from devices.access.leases import Leases, parse
from edge.ids import Mac

FILE = b"""1795000000 02:00:00:00:77:01 10.64.0.51 Annas-iPhone 01:02:00:00:00:77:01
1795000100 02:00:00:00:77:02 10.64.0.52 * *
0 02:00:00:00:77:03 10.64.0.53 <script>alert(1)</script> ff:00
duid 00:01:00:01:2e:aa:bb:cc:02:00:00:00:77:01
1795000000 7799041 fd00:64::51 phone 00:01:00:01
1795000000 06-02:00:00:00:77:04 10.64.0.54 * *
1795000000 ff:ff:ff:ff:ff:ff 10.64.0.55 * *
1795000000 02:00:00:00:77:05 10.64.0.999 * *
1795000000 02:00:00:00:77:06 10.64.0.5"""


def test_dnsmasqs_file() -> None:
    found = parse(FILE)
    assert set(found) == {"10.64.0.51", "10.64.0.52", "10.64.0.53"}, "IPv6, other hardware, nonsense, half a line"
    assert found["10.64.0.51"].mac.colons == "02:00:00:00:77:01"
    assert "77:01" not in repr(found), "a MAC does not show itself"


@given(st.binary(max_size=3000))
@example(b"9" * 5000 + b" 02:00:00:00:77:01 10.64.0.51 a b\n")
@example("٣ 02:00:00:00:77:01 10.64.0.51 a b\n".encode())
@example(b"1 02:00:00:00:77:01 10.64.0.51 " + b"h" * 500 + b" b\n")
def test_whatever_is_in_it(raw: bytes) -> None:
    for address, lease in parse(raw).items():
        assert lease.address == address


def test_a_file_of_any_size_is_kept_within_bounds() -> None:
    many = b"".join(
        b"1 02:00:00:%02x:%02x:%02x 10.%d.%d.%d * *\n" % (*(i.to_bytes(3, "big")), *(i.to_bytes(3, "big")))
        for i in range(20_000)
    )
    assert len(parse(many)) == leases.MAX_LEASES
    assert len(parse(b"x" * 2 * leases.MAX_BYTES)) == 0


async def test_it_is_read_again_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "dnsmasq.leases"
    known = Leases(path)
    assert await known.of("10.64.0.51") is None
    assert "No such file" in known.problem
    await asyncio.to_thread(path.write_bytes, FILE)
    found = await known.of("10.64.0.51", now=True)
    assert found is not None
    assert found.mac == Mac("02:00:00:00:77:01")
    assert known.problem == ""
    await asyncio.to_thread(path.write_bytes, FILE.replace(b"77:01 10", b"77:0a 10"))
    await asyncio.to_thread(os.utime, path, ns=(1, 1))
    again = await known.of("10.64.0.51")
    assert again is not None
    assert again.mac == found.mac, "looked at a moment ago"
    changed = await known.of("10.64.0.51", now=True)
    assert changed is not None
    assert changed.mac == Mac("02:00:00:00:77:0a")


async def test_who_waits_for_anothers_look_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "dnsmasq.leases"
    await asyncio.to_thread(path.write_bytes, FILE)
    known, looks = Leases(path), 0
    read = known._read

    def counted() -> None:
        nonlocal looks
        looks += 1
        read()

    known._read = counted  # type: ignore[method-assign]
    await asyncio.gather(*(known.of("10.64.0.51") for _ in range(100)))
    assert looks == 1
