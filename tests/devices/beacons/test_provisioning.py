"""Provisioning, against beacons of bytes: done, refused, lost in every step, lied to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from devices.beacons.profile import Setting
from devices.beacons.provisioning.dialects.dialect import RefusedSecretError
from devices.beacons.provisioning.job import Job, PasswordNow, Patience, Provisioned, ProvisionError, Step, StoppedError
from devices.beacons.provisioning.provision import identify, provision, read, verify
from edge.errors import UsageError
from tests.devices.beacons.given_gatt import (
    ADDRESS,
    UUID,
    WANTED,
    Eddystone,
    GivenBeacon,
    GivenRadio,
    Ibks,
    Kkm,
    Nordic,
    RadBeacon,
    UriBeacon,
    job,
)  # fmt: skip

pytestmark = pytest.mark.looptime
KEY, NEW_KEY = "ff" * 16, "0123456789abcdef" * 2
MODELS: dict[str, tuple[Callable[[], GivenBeacon], Callable[[], Job]]] = {
    "nordic": (Nordic, lambda: job("nordic-beacon-kit")),
    "radbeacon": (lambda: RadBeacon(b"1234\0\0\0\0"), lambda: job("radbeacon-dot", secret="1234", new_secret="8765")),
    "ibks": (lambda: Ibks(7), lambda: job("ibks-105", secret="7", new_secret="77", unverified=True)),
    "eddystone": (Eddystone, lambda: job("eddystone-gatt", secret=KEY, new_secret=NEW_KEY)),
    "uri": (
        lambda: UriBeacon(b"\xab" * 16),
        lambda: job(
            "eddystone-url", wanted={Setting.URL: "https://s.example/1"}, secret="ab" * 16, new_secret="cd" * 16
        ),
    ),
    "kkm": (Kkm, lambda: job("kkm-kbeacon", new_secret="better-than-that")),
    "kkm-long": (lambda: Kkm(mtu=200), lambda: job("kkm-kbeacon", new_secret="better-than-that")),
    "kkm-short": (lambda: Kkm(short=True), lambda: job("kkm-kbeacon", new_secret="better-than-that")),
}
every_model = pytest.mark.parametrize("name", MODELS)


@every_model
async def test_a_beacon_is_given_its_settings_and_proves_it(name: str) -> None:
    make, wanted = MODELS[name]
    beacon, steps = make(), list[Step]()
    done = await provision(wanted(), GivenRadio(beacon), progress=steps.append)
    assert ({Setting.URL} if name == "uri" else {Setting.UUID, Setting.MAJOR, Setting.MINOR}) <= done.changed
    assert done.read_back
    assert steps[:3] == [Step.FIND, Step.CONNECT, Step.UNLOCK]
    assert {Step.READ_BEFORE, Step.WRITE, Step.READ_BACK, Step.HEAR, Step.DISCONNECT} <= set(steps)
    assert Step.ROLL_BACK not in steps
    assert done.password_changed == bool(wanted().new_secret)
    if name not in {"eddystone", "uri"}:
        assert beacon.ibeacon()[:22].hex() == "0215" + UUID.replace("-", "") + "01020304"
    again = await provision(_again(wanted(), done), GivenRadio(beacon))
    assert again.changed == frozenset()
    assert not again.password_changed


@every_model
@pytest.mark.parametrize("takes_effect", [False, True])
async def test_lost_at_any_moment_it_is_as_before_or_said_not_to_be(name: str, *, takes_effect: bool) -> None:
    make, wanted = MODELS[name]
    whole = GivenRadio(make())
    await provision(wanted(), whole)
    said = set()
    for lose_at in range(1, whole.steps + 1):
        beacon = make()
        before = beacon.kept()
        with pytest.raises(ProvisionError) as caught:
            await provision(wanted(), GivenRadio(beacon, lose_at=lose_at, takes_effect=takes_effect))
        error = caught.value
        said.add(error.step)
        assert error.hint
        assert error.rolled_back is not False, f"{lose_at}: {error}"  # it takes connections again
        assert beacon.kept() == before, f"{lose_at}: {error}"
        assert error.password_now is PasswordNow.KEPT
        _tells_no_secret(error, wanted())
    assert Step.WRITE in said or name == "radbeacon"
    assert error.rolled_back is not None


@every_model
async def test_a_wrong_password_is_said_and_tried_once(name: str) -> None:
    make, wanted = MODELS[name]
    given = wanted()
    if not given.secret and not given.new_secret:
        pytest.skip("it has no password")
    wrong = {"radbeacon": "4321", "ibks": "8", "eddystone": "00" * 16, "uri": "00" * 16}.get(name, "not-the-password")
    beacon = make()
    before = beacon.kept()
    with pytest.raises(ProvisionError) as caught:
        await provision(_with(given, secret=wrong), GivenRadio(beacon))
    assert caught.value.step is (Step.COMMIT if name == "radbeacon" else Step.UNLOCK)
    assert isinstance(caught.value.__cause__, RefusedSecretError)
    assert caught.value.rolled_back is None
    assert "tried once" in caught.value.hint
    assert beacon.tries <= 1
    assert beacon.kept() == before
    _tells_no_secret(caught.value, _with(given, secret=wrong))


async def test_a_beacon_that_can_not_prove_the_password_is_not_told_it() -> None:
    beacon = Kkm("the-right-password"[:16])
    beacon.knows = "another-password"
    with pytest.raises(ProvisionError, match="another password"):
        await read(job("kkm-kbeacon", secret="the-right-password"[:16]), GivenRadio(beacon))
    assert beacon.tries == 0


async def test_a_locked_beacon_without_a_password_is_not_tried() -> None:
    beacon = Ibks(7)
    with pytest.raises(ProvisionError, match="no password is given") as caught:
        await read(_with(job("eddystone-gatt"), secret=""), GivenRadio(Eddystone()))
    assert "tried once" not in caught.value.hint
    assert beacon.tries == 0


@pytest.mark.parametrize("new", ["", "cd" * 16])
async def test_a_code_that_unlocking_uses_up_is_given_again(new: str) -> None:
    beacon = UriBeacon(b"\xab" * 16)
    given = job("eddystone-url", wanted={Setting.URL: "https://s.example/1"}, secret="ab" * 16, new_secret=new)
    await read(given, GivenRadio(beacon))
    assert beacon.code == b"\xab" * 16
    await provision(given, GivenRadio(beacon))
    assert beacon.code == (bytes.fromhex(new) or b"\xab" * 16)
    assert beacon.values[beacon.BASE.format("84")] == b"\x03s.example/1"


async def test_a_lock_code_that_was_not_proven_is_never_used_to_change_it() -> None:
    beacon = Eddystone()
    beacon.on_connect = lambda: setattr(beacon, "unlocked", True)  # type: ignore[method-assign]
    before = beacon.kept()
    with pytest.raises(ProvisionError, match="could not be proven") as caught:
        await provision(job("eddystone-gatt", secret="00" * 16, new_secret=NEW_KEY), GivenRadio(beacon))
    assert caught.value.step is Step.CHANGE_PASSWORD
    assert caught.value.rolled_back
    assert beacon.kept() == before


async def test_an_open_beacon_proves_no_key_so_which_one_it_has_is_not_claimed() -> None:
    """The answer to the new key is lost, and then it stands open."""
    beacon, given = Eddystone(), job("eddystone-gatt", secret=KEY, new_secret=NEW_KEY)
    radio = GivenRadio(beacon, takes_effect=True)

    def progress(step: Step) -> None:
        if step is Step.CHANGE_PASSWORD:
            radio.lose_at = radio.steps + 1
            beacon.on_connect = lambda: setattr(beacon, "unlocked", True)  # type: ignore[method-assign]

    with pytest.raises(ProvisionError) as caught:
        await provision(given, radio, progress=progress)
    assert beacon.key == bytes.fromhex(NEW_KEY)
    assert caught.value.password_now is PasswordNow.UNKNOWN
    assert caught.value.rolled_back is False


async def test_a_pin_that_is_refused_at_the_commit_of_giving_back_is_not_the_one() -> None:
    """Nothing but the PIN differs, and the answer to its change is lost."""
    beacon = RadBeacon(b"1234\0\0\0\0")
    given = job("radbeacon-dot", secret="1234", new_secret="8765")
    await provision(replace(given, new_secret=""), GivenRadio(beacon))
    before = beacon.kept()
    radio = GivenRadio(beacon, takes_effect=True)

    def progress(step: Step) -> None:
        if step is Step.CHANGE_PASSWORD:
            radio.lose_at = radio.steps + 1

    with pytest.raises(ProvisionError) as caught:
        await provision(given, radio, progress=progress)
    assert (caught.value.rolled_back, caught.value.password_now) == (True, PasswordNow.KEPT)
    assert beacon.kept() == before
    assert beacon.tries == 4  # the change; giving back: the old one, refused; the new one


async def test_one_that_is_said_to_have_its_password_already_proves_it_or_is_given_it() -> None:
    open_one, pins = Ibks(0), [RadBeacon(pin) for pin in (b"1234\0\0\0\0", b"8765\0\0\0\0")]
    done = await provision(job("ibks-105", secret="77", new_secret="77", unverified=True), GivenRadio(open_one))
    assert (done.password_changed, done.password_proven, open_one.password) == (False, True, 77)
    given = job("radbeacon-dot", secret="8765", new_secret="8765")
    for beacon in pins:
        await provision(
            job("radbeacon-dot", secret=beacon.pin.decode().rstrip("\0")), GivenRadio(beacon)
        )  # else as wanted
    with pytest.raises(ProvisionError) as caught:
        await provision(given, GivenRadio(pins[0]))
    assert (caught.value.is_wrong_secret, caught.value.rolled_back) == (True, None)
    done = await provision(given, GivenRadio(pins[1]))
    assert (done.changed, done.password_changed, done.password_proven) == (frozenset(), False, True)


async def test_a_wrong_pin_is_not_made_the_right_one_by_giving_back() -> None:
    """The beacon has the new PIN already: the change is refused, and that is all that happens."""
    beacon = RadBeacon(b"8765\0\0\0\0")
    given = job("radbeacon-dot", secret="8765")
    await provision(given, GivenRadio(beacon))
    before = beacon.kept()
    with pytest.raises(ProvisionError) as caught:
        await provision(replace(given, secret="1234", new_secret="8765"), GivenRadio(beacon))
    assert isinstance(caught.value.__cause__, RefusedSecretError)
    assert caught.value.rolled_back is None
    assert beacon.kept() == before


async def test_called_off_in_the_middle_it_is_given_back() -> None:
    beacon = Nordic()
    before = beacon.kept()
    reached = asyncio.Event()

    def progress(step: Step) -> None:
        if step is Step.HEAR:
            reached.set()

    beacon.air = b"\x02\x15" + bytes(21)
    given = replace(job("nordic-beacon-kit"), patience=Patience(hear_s=1000))
    work = asyncio.ensure_future(provision(given, GivenRadio(beacon), progress=progress))
    await reached.wait()
    assert beacon.kept() != before
    work.cancel()
    with pytest.raises(StoppedError, match="hear: stopped by Ctrl-C") as caught:
        await work
    assert (caught.value.step, caught.value.rolled_back) == (Step.HEAR, True)
    assert beacon.kept() == before


async def test_called_off_before_anything_was_written_it_says_so() -> None:
    given = replace(job("nordic-beacon-kit", address="C3:00:00:00:00:03"), patience=Patience(find_s=1000))
    work = asyncio.ensure_future(provision(given, GivenRadio(Nordic())))
    await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(StoppedError, match="find: stopped by Ctrl-C before anything was written"):
        await work


NEXT = bytes.fromhex("23 0000 03e8 0004")
REPORT = bytes.fromhex("31 0000") + b"x" * 17


@pytest.mark.parametrize(
    ("says", "problem"),
    [
        ([NEXT] * 10_000, "never ends"),
        ([bytes.fromhex("23 ffff 03e8 0004")], "not there"),
        ([REPORT] * 10_000, "never ends"),
        ([b"", b"\x23", b"\x30", b"\x23\x00\x00\x03\xe8\x00\x00{"], "no JSON"),
        ([b"\x23\x00\x00\x03\xe8\x00\x00[1]"], "no JSON object"),
        ([b'\x23\x00\x00\x03\xe8\x00\x00{"slot":0,"type":5,"majorID":"1"}'], "another form"),
        ([b'\x23\x00\x00\x03\xe8\x00\x00{"slot":0,"type":5,"uuid":"zz"}'], "another form"),
        ([b"\x23\x00\x00\x03\xe8\x00\x00" + b"[" * 100_000], "no JSON"),
    ],
)
async def test_a_kkm_beacon_that_talks_nonsense_is_left(says: list[bytes], problem: str) -> None:
    beacon = Kkm()
    before = beacon.kept()

    def obey(_: dict[str, object]) -> None:
        for frame in says:
            beacon.notify(beacon.NOTIFY, frame)

    beacon._obey = obey  # type: ignore[method-assign]
    with pytest.raises(ProvisionError, match=problem) as caught:
        await provision(job("kkm-kbeacon", new_secret="better-than-that"), GivenRadio(beacon))
    assert caught.value.step is Step.READ_BEFORE
    assert beacon.kept() == before


async def test_a_blocked_beacon_is_left_alone() -> None:
    beacon = Ibks(7)
    beacon.state = 2
    with pytest.raises(ProvisionError, match="too many wrong") as caught:
        await read(job("ibks-105", secret="7"), GivenRadio(beacon))
    assert beacon.tries == 0
    assert "Wait" in caught.value.hint


@pytest.mark.parametrize("name", ["nordic", "eddystone", "kkm"])
async def test_a_beacon_that_lies_at_read_back_is_caught(name: str) -> None:
    make, wanted = MODELS[name]
    beacon = make()
    before = beacon.kept()

    def lie(_: str, data: bytes) -> bytes:
        if name == "kkm":
            return data.replace(b'"minorID": 772', b'"minorID": 771')
        return data[:-1] + bytes((data[-1] ^ 1,)) if data.endswith(b"\1\2\3\4") else data

    beacon.lie = lie
    with pytest.raises(ProvisionError, match="771|773") as caught:
        await provision(wanted(), GivenRadio(beacon))
    assert caught.value.step is Step.READ_BACK
    assert caught.value.rolled_back
    assert beacon.kept() == before


@pytest.mark.parametrize("name", ["nordic", "radbeacon", "kkm", "eddystone", "uri"])
async def test_a_beacon_that_does_not_send_the_new_frame_is_caught(name: str) -> None:
    make, wanted = MODELS[name]
    beacon = make()
    before = beacon.kept()
    beacon.air = b"\x00\xee" + bytes(18) if name in {"eddystone", "uri"} else b"\x02\x15" + bytes(21)
    with pytest.raises(ProvisionError, match="not with the new frame") as caught:
        await provision(wanted(), GivenRadio(beacon))
    assert caught.value.step is Step.HEAR
    assert caught.value.rolled_back
    assert caught.value.password_now is PasswordNow.KEPT
    assert beacon.kept() == before


async def test_the_wrong_byte_order_is_heard_and_undone() -> None:
    beacon = Ibks(7, endian="<")
    before = beacon.kept()
    with pytest.raises(ProvisionError) as caught:
        await provision(job("ibks-105", secret="7", new_secret="77", unverified=True), GivenRadio(beacon))
    assert caught.value.step is Step.HEAR
    assert caught.value.rolled_back
    assert beacon.kept() == before


async def test_a_password_that_was_not_taken_is_noticed_and_all_is_as_before() -> None:
    beacon = Eddystone()
    beacon.ignores_rekey = True
    before = beacon.kept()
    with pytest.raises(ProvisionError) as caught:
        await provision(job("eddystone-gatt", secret=KEY, new_secret=NEW_KEY), GivenRadio(beacon))
    assert (caught.value.step, caught.value.rolled_back) == (Step.UNLOCK, True)
    assert caught.value.password_now is PasswordNow.KEPT
    assert beacon.kept() == before


async def test_only_what_differs_is_written() -> None:
    beacon = Nordic()
    first = await provision(job("nordic-beacon-kit"), GivenRadio(beacon))
    assert first.left_out == {Setting.INTERVAL}
    beacon.writes.clear()
    wanted = dict(job("nordic-beacon-kit").wanted) | {Setting.MINOR: 9}
    done = await provision(job("nordic-beacon-kit", wanted=wanted), GivenRadio(beacon))
    assert done.changed == {Setting.MINOR}
    assert beacon.writes == [("955a1526-0fe2-f5aa-a094-84b8d4f3e8ad", b"\1\2\0\x09")]


async def test_a_beacon_that_is_not_there_is_said_to_be() -> None:
    with pytest.raises(ProvisionError) as caught:
        await provision(job("nordic-beacon-kit", address="C3:00:00:00:00:03"), GivenRadio(Nordic()))
    assert (caught.value.step, caught.value.rolled_back) == (Step.FIND, None)
    assert "button" in caught.value.hint
    assert "C3:" not in str(caught.value)


async def test_show_verify_and_identify() -> None:
    beacon = Nordic()
    radio = GivenRadio(beacon)
    found = await read(job("nordic-beacon-kit"), radio)
    assert (found[Setting.MAJOR], found[Setting.MINOR], found[Setting.INTERVAL]) == (1, 2, 100)
    await identify(job("nordic-beacon-kit"), radio)
    assert beacon.writes[0] == ("955a1529-0fe2-f5aa-a094-84b8d4f3e8ad", b"\1")
    unlike = await verify(job("nordic-beacon-kit"), radio)
    assert unlike[Setting.MINOR] == (0x0304, 2)
    await provision(job("nordic-beacon-kit"), radio)
    assert await verify(job("nordic-beacon-kit"), radio) == {}


async def test_verify_says_what_differs_and_what_is_absent_and_never_that_it_wrote() -> None:
    beacon = Nordic()
    radio = GivenRadio(beacon)
    given = job("nordic-beacon-kit")
    await provision(given, radio)
    other = replace(given, wanted={**WANTED, Setting.MINOR: 66})
    assert await verify(other, radio) == {Setting.MINOR: (66, 0x0304)}
    beacon.air = b"\x02\x15" + bytes(21)  # it says one thing and sends another
    assert (await verify(given, radio))[Setting.MINOR] == (0x0304, 0)
    beacon.air = b"\x10\x05"
    with pytest.raises(ProvisionError, match="on the air, but not with the frame of its document") as caught:
        await verify(given, radio)
    assert caught.value.step is Step.HEAR
    with pytest.raises(ProvisionError, match="not heard within") as caught:
        await verify(replace(given, address="C3:00:00:00:00:03"), radio)
    assert caught.value.step is Step.FIND
    assert "took" not in str(caught.value)


async def test_one_that_was_never_given_its_password_still_differs() -> None:
    unlike = await verify(job("kkm-kbeacon", secret="not-its-password"), GivenRadio(Kkm()))
    assert Setting.MINOR in unlike


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (job("ibks-105", secret="7", new_secret="8"), "not certain"),
        (job("kkm-kbeacon"), "left the factory"),
        (job("kkm-kbeacon", new_secret="0000000000000000"), "factory"),
        (job("kkm-kbeacon", new_secret="short"), "length"),
        (job("radbeacon-dot"), "none is given"),
        (job("nordic-beacon-kit", address=""), "no address"),
        (job("esphome"), "over the air"),
        (job("gateway"), "over the air"),
        (job("nordic-beacon-kit", wanted={Setting.UUID: UUID, Setting.MAJOR: 1, Setting.MINOR: 70_000}), "16-bit"),
        (job("eddystone-url", frames=("altbeacon", "eddystone-url"), secret="ab" * 16), "part of the frame"),
    ],
)
async def test_what_makes_no_sense_is_refused_before_anything_is_sent(given: Job, word: str) -> None:
    radio = GivenRadio(Nordic())
    with pytest.raises(UsageError, match=word) as caught:
        await provision(given, radio)
    assert caught.value.hint or "over the air" in str(caught.value)
    assert radio.connects == 0
    assert given.new_secret not in str(caught.value) or not given.new_secret


def test_a_job_shows_no_password() -> None:
    shown = repr(job("kkm-kbeacon", secret="mine-and-only", new_secret="mine-and-newer"))
    assert "mine" not in shown


def _with(given: Job, *, secret: str) -> Job:
    return replace(given, secret=secret)


def _again(given: Job, done: Provisioned) -> Job:
    return _with(given, secret=given.new_secret if done.password_changed else given.secret)


def _tells_no_secret(error: ProvisionError, given: Job) -> None:
    said = f"{error} {error.hint}"
    assert ADDRESS not in said
    assert not any(secret in said for secret in (given.secret, given.new_secret) if len(secret) > 3)
