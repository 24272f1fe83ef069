"""Every shipped profile, against a beacon that behaves as it says: found, given its settings, read back, heard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.beacons.emulator.emulated import sham_of
from devices.beacons.emulator.kkm import KkmSham
from devices.beacons.emulator.sham import Faults, Sham, Step
from devices.beacons.profile import Confidence, Setting
from devices.beacons.provisioning.job import PasswordNow, ProvisionError
from devices.beacons.provisioning.job import Step as Doing
from devices.beacons.provisioning.provision import identify, provision, read, verify
from edge.errors import UsageError
from tests.devices.beacons.given_emulator import (
    OVER_THE_AIR,
    PROFILES,
    Room,
    has_password,
    job_for,
    room,
    secrets_of,
    sends_what_was_wanted,
    state_of,
)

pytestmark = pytest.mark.looptime
WITH_PASSWORD = [name for name in OVER_THE_AIR if has_password(PROFILES[name])]


@pytest.mark.parametrize("name", OVER_THE_AIR)
async def test_it_is_provisioned_read_back_and_heard(name: str) -> None:
    profile = PROFILES[name]
    steps: list[str] = []
    async with room(profile, secret=secrets_of(profile)[0]) as there:
        done = await provision(job_for(profile), there.radio, progress=steps.append)
        assert sends_what_was_wanted(profile, there.sham.frames())
        assert {Doing.FIND, Doing.CONNECT, Doing.WRITE, Doing.HEAR} <= set(steps)
        assert done.read_back is (profile.verify != "hear")
        assert done.password_changed is has_password(profile)
        if profile.verify != "hear":  # who takes no connections afterwards can't be asked again
            now = replace(job_for(profile), secret=secrets_of(profile)[1] if has_password(profile) else "")
            assert await verify(now, there.radio) == {}
            again = await provision(now, there.radio)
            assert again.changed == frozenset()


@pytest.mark.parametrize("name", WITH_PASSWORD)
async def test_after_it_the_factory_password_no_longer_works(name: str) -> None:
    profile = PROFILES[name]
    old, new, _ = secrets_of(profile)
    async with room(profile, secret=old) as there:
        await provision(job_for(profile), there.radio)
        before = state_of(there.sham)
        wanted = {**job_for(profile).wanted, Setting.MINOR: 7, Setting.URL: "https://example.com/other"}
        with pytest.raises(ProvisionError) as failed:
            await provision(job_for(profile, wanted=wanted), there.radio)
        assert failed.value.step in {Doing.UNLOCK, Doing.COMMIT}
        assert state_of(there.sham) == before
        if profile.verify != "hear":
            there.beacon.power_cycle()
            await provision(job_for(profile, wanted=wanted, secret=new), there.radio)
            assert state_of(there.sham) != before


@pytest.mark.parametrize("name", WITH_PASSWORD)
async def test_a_wrong_password_is_tried_once_and_nothing_changes(name: str) -> None:
    profile = PROFILES[name]
    old, _, wrong = secrets_of(profile)
    async with room(profile, secret=old or secrets_of(profile)[1]) as there:
        before = state_of(there.sham)
        with pytest.raises(ProvisionError) as failed:
            await provision(job_for(profile, secret=wrong), there.radio)
        assert failed.value.step in {Doing.UNLOCK, Doing.COMMIT}
        assert "password" in failed.value.hint
        assert wrong not in str(failed.value) + failed.value.hint + repr(job_for(profile, secret=wrong))
        assert state_of(there.sham) == before
        assert not sends_what_was_wanted(profile, there.sham.frames())


@pytest.mark.parametrize("name", OVER_THE_AIR)
async def test_a_beacon_that_sends_its_numbers_the_wrong_way_round_is_set_back(name: str) -> None:
    profile = PROFILES[name]
    if "eddystone-url" in profile.frames:
        pytest.skip("it sends no numbers")
    undone = None if profile.verify == "hear" else True
    await fails(name, Faults(wrong_endian=True), Doing.HEAR, Doing.READ_BACK, rolled_back=undone)


@pytest.mark.parametrize("name", OVER_THE_AIR)
@pytest.mark.parametrize("faults", [Faults(lies=True), Faults(mute=True)], ids=["lies", "mute"])
async def test_a_beacon_that_says_yes_and_sends_something_else_is_found_out(name: str, faults: Faults) -> None:
    await fails(name, faults, Doing.HEAR, rolled_back=None if PROFILES[name].verify == "hear" else True)


@pytest.mark.parametrize("name", OVER_THE_AIR)
@pytest.mark.parametrize("setting", [Setting.MAJOR, Setting.URL])
async def test_a_refused_write_is_told_and_the_rest_set_back(name: str, setting: Setting) -> None:
    profile = PROFILES[name]
    if (setting is Setting.URL) is not ("eddystone-url" in profile.frames):
        pytest.skip("not what this model is given")
    failed = await fails(name, Faults(refuses=setting), Doing.WRITE, rolled_back=None)
    assert failed.rolled_back is not False or profile.dialect == "espruino"


@pytest.mark.parametrize("name", OVER_THE_AIR)
async def test_a_closed_window_is_told_with_what_to_do(name: str) -> None:
    failed = await fails(name, Faults(closed=True), Doing.CONNECT, rolled_back=None)
    assert failed.hint


@pytest.mark.parametrize("name", OVER_THE_AIR)
async def test_a_slow_beacon_is_waited_for_but_not_for_ever(name: str) -> None:
    profile = PROFILES[name]
    async with room(profile, secret=secrets_of(profile)[0], faults=Faults(slow_s=0.05)) as there:
        await provision(job_for(profile), there.radio)
        assert sends_what_was_wanted(profile, there.sham.frames())
    async with room(profile, secret=secrets_of(profile)[0], faults=Faults(slow_s=60)) as there:
        before = state_of(there.sham)
        with pytest.raises(ProvisionError):
            await provision(job_for(profile), there.radio)
        assert state_of(there.sham) == before


@pytest.mark.parametrize("name", OVER_THE_AIR)
async def test_a_connection_lost_in_any_step_leaves_it_as_it_was_or_says_that_not(name: str) -> None:
    profile = PROFILES[name]
    async with room(profile, secret=secrets_of(profile)[0]) as there:
        await provision(job_for(profile), there.radio)
        accesses = dict(there.sham.steps)
    for step, count in accesses.items():
        for nth in {0, count - 1}:
            await lost(name, Faults(drop_at=(step, nth)))
        await lost(name, Faults(drop_at=(step, count - 1), dead_after_drop=True))


@pytest.mark.parametrize("name", WITH_PASSWORD)
async def test_a_connection_lost_after_what_was_asked_for_is_done_leaves_no_doubt_about_its_password(name: str) -> None:
    """At every access: which password is told is the one that it has. Or it is said that nobody knows."""
    profile = PROFILES[name]
    async with room(profile, secret=secrets_of(profile)[0]) as there:
        await provision(job_for(profile), there.radio)
        accesses = dict(there.sham.steps)
    for step, count in accesses.items():
        for nth in range(count):
            for dead in (False, True):
                faults = Faults(drop_at=(step, nth), takes_effect=True, dead_after_drop=dead)
                async with room(profile, secret=secrets_of(profile)[0], faults=faults) as there:
                    before, where = state_of(there.sham), f"{name} {step} {nth} {dead}"
                    failed = await outcome(there)
                    if failed is None:  # nobody listens to that answer
                        assert has_the(PasswordNow.CHANGED, there.sham), where
                        continue
                    where += f": {failed} ({failed.password_now}, rolled back {failed.rolled_back})"
                    assert has_the(failed.password_now, there.sham), where
                    assert failed.password_now is PasswordNow.KEPT or failed.rolled_back is False, where
                    assert failed.rolled_back is False or state_of(there.sham) == before, where
                    assert dead or profile.vendor == "Kontakt" or failed.rolled_back is not False, where


def has_the(which: PasswordNow, sham: Sham) -> bool:
    old, new, _ = secrets_of(sham.profile)
    if which is PasswordNow.UNKNOWN:
        return has_the(PasswordNow.KEPT, sham) or has_the(PasswordNow.CHANGED, sham)
    meant = sham_of(sham.profile, secret=new if which is PasswordNow.CHANGED else old)
    if isinstance(sham, KkmSham):
        return (sham.secret or sham.profile.unlock.default) == (meant.secret or sham.profile.unlock.default)
    return sham.lock.key in {meant.lock.key, b""}  # type: ignore[attr-defined]  # empty: open, any will do


async def lost(name: str, faults: Faults) -> None:
    profile = PROFILES[name]
    async with room(profile, secret=secrets_of(profile)[0], faults=faults) as there:
        before, where = state_of(there.sham), f"{name} {faults.drop_at}"
        failed = await outcome(there)
        if failed is None:  # only what was proven may pass for done
            assert faults.drop_at is not None
            assert sends_what_was_wanted(profile, there.sham.frames()), where
            assert faults.drop_at[0] in {Step.COMMIT, Step.UNLOCK}, where
            return
        where += f": {failed} (rolled back {failed.rolled_back})"
        assert failed.hint, where
        if failed.rolled_back is not False:
            assert state_of(there.sham) == before, where
            assert not sends_what_was_wanted(profile, there.sham.frames()), where


async def outcome(there: Room) -> ProvisionError | None:
    try:
        await provision(job_for(there.sham.profile), there.radio)
    except ProvisionError as error:
        return error
    return None


async def fails(name: str, faults: Faults, *steps: Doing, rolled_back: bool | None) -> ProvisionError:
    """Provisioning fails in one of these steps; what is told of the beacon afterwards is true."""
    profile = PROFILES[name]
    async with room(profile, secret=secrets_of(profile)[0], faults=faults) as there:
        before = state_of(there.sham)
        with pytest.raises(ProvisionError) as failed:
            await provision(job_for(profile), there.radio)
        assert failed.value.step in steps, str(failed.value)
        assert failed.value.hint
        if rolled_back and profile.dialect != "espruino":  # it can't say what it was before
            assert failed.value.rolled_back is True, str(failed.value)
        if failed.value.rolled_back is not False:
            assert state_of(there.sham) == before
        await still_lets_us_in(there, failed.value)
        return failed.value


async def still_lets_us_in(there: Room, failed: ProvisionError) -> None:
    """What is told of the password is true too."""
    profile = there.sham.profile
    if there.sham.faults.closed or profile.verify == "hear" or failed.password_now is PasswordNow.UNKNOWN:
        return
    old, new, _ = secrets_of(profile)
    secret = new if failed.password_now is PasswordNow.CHANGED else old
    await read(job_for(profile, secret=secret if has_password(profile) else ""), there.radio)


@pytest.mark.parametrize("name", OVER_THE_AIR)
async def test_what_is_unsure_is_refused_unless_it_is_asked_for(name: str) -> None:
    profile = PROFILES[name]
    unsure = profile.confidence is Confidence.UNSURE
    fields = {setting for field in profile.field if field.confidence is Confidence.UNSURE for setting in field.settings}
    async with room(profile, secret=secrets_of(profile)[0]) as there:
        if unsure or fields & {Setting.UUID, Setting.MAJOR, Setting.MINOR}:
            with pytest.raises(UsageError, match="certain"):
                await provision(job_for(profile, unverified=False), there.radio)
            assert not there.sham.steps
        else:
            done = await provision(job_for(profile, unverified=False), there.radio)
            assert not done.changed & fields


@pytest.mark.parametrize("name", OVER_THE_AIR)
async def test_it_shows_itself_where_the_model_can(name: str) -> None:
    profile = PROFILES[name]
    async with room(profile, secret=secrets_of(profile)[0]) as there:
        try:
            await identify(job_for(profile), there.radio)
        except ProvisionError:
            assert not there.sham.identified
            assert profile.identify is None
        else:
            assert there.sham.identified or profile.dialect == "eddystone-slot"
