"""Beacons that are recognised, blocked, on a serial line, or not set by radio at all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path

import pytest

from devices.beacons.emulator.emulated import sham_of
from devices.beacons.emulator.serial_modem import SerialModem
from devices.beacons.emulator.sham import Faults
from devices.beacons.profile import Setting
from devices.beacons.provisioning import matching
from devices.beacons.provisioning.dialects import esphome
from devices.beacons.provisioning.dialects.serial_line import serial_line
from devices.beacons.provisioning.fitting import fitted
from devices.beacons.provisioning.job import PasswordNow, Patience, Provisioned, ProvisionError, StoppedError
from devices.beacons.provisioning.job import Step as Doing
from devices.beacons.provisioning.matching import Sureness
from devices.beacons.provisioning.provision import provision
from devices.beacons.radios.survey import Survey
from edge.errors import UsageError
from tests.devices.beacons.given_emulator import (
    ADDRESS,
    OVER_THE_AIR,
    PROFILES,
    UUID,
    WANTED,
    job_for,
    room,
    secrets_of,
    state_of,
)

NOT_BY_RADIO = sorted(set(PROFILES) - set(OVER_THE_AIR))


async def heard(name: str, seconds: float = 1.0) -> Survey:
    survey = Survey()
    async with room(PROFILES[name]) as there, there.radio.hear() as adverts:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                async for advert in adverts:
                    survey.hear(advert)
    return survey


@pytest.mark.looptime
@pytest.mark.parametrize("name", OVER_THE_AIR)
async def test_it_is_recognised_by_what_it_sends(name: str) -> None:
    sender = (await heard(name)).senders[ADDRESS]
    fits = matching.best(PROFILES, sender.advert)
    assert name in {fit.name for fit in fits}
    assert fits[0].name == name or fits[0].sureness == Sureness.MAYBE
    assert sender.adverts >= 10


@pytest.mark.looptime
async def test_the_survey_knows_strength_interval_and_frame() -> None:
    survey = await heard("nordic-beacon-kit", 3.0)
    sender = survey.senders[ADDRESS]
    assert sender.rssi_dbm == -60
    assert sender.says == {"iBeacon": "E2C56DB5-DFFB-48D2-B060-D0F5A71096E0 0 0"}
    assert sender.interval_ms is not None
    assert survey.strongest_first() == [sender]


@pytest.mark.parametrize("name", NOT_BY_RADIO)
def test_what_is_not_set_by_radio_says_so(name: str) -> None:
    profile = PROFILES[name]
    assert profile.dialect in {"esphome", "gateway", "at"}
    with pytest.raises(UsageError, match="takes no connections"):
        sham_of(profile)


async def test_the_gateway_and_esphome_are_refused_by_the_engine_with_a_reason() -> None:
    for name in ("esphome", "gateway"):
        async with room(PROFILES["nordic-beacon-kit"]) as there:
            with pytest.raises(UsageError, match="not set over the air"):
                await provision(job_for(PROFILES[name]), there.radio)


def test_esphome_is_a_file() -> None:
    text = esphome.rendered(fitted(PROFILES["esphome"], WANTED).settings)
    assert text.splitlines()[:5] == [
        "esp32_ble_beacon:",
        "  type: iBeacon",
        f"  uuid: '{UUID.upper()}'",
        "  major: 10001",
        "  minor: 4660",
    ]
    assert "min_interval: 760ms" in text


@pytest.mark.looptime
async def test_after_a_wrong_password_kontakt_is_left_alone_for_its_twenty_minutes() -> None:
    profile = PROFILES["kontakt-3"]
    old, new, wrong = secrets_of(profile)
    async with room(profile, secret=old) as there:
        with pytest.raises(ProvisionError) as failed:
            await provision(job_for(profile, secret=wrong), there.radio)
        assert failed.value.step is Doing.UNLOCK
        assert there.sham.lock.wrong == 1  # type: ignore[attr-defined]
        with pytest.raises(ProvisionError) as failed:
            await provision(job_for(profile), there.radio)
        assert failed.value.step is Doing.CONNECT
        there.beacon.power_cycle()
        await provision(job_for(profile, new_secret=new), there.radio)


@pytest.mark.looptime
async def test_a_window_that_ends_too_early_is_told_and_a_battery_out_and_in_helps() -> None:
    profile = PROFILES["ibks-105"]
    assert profile.window_s == 10
    old, new, _ = secrets_of(profile)
    async with room(profile, secret=old, faults=Faults(window_s=3, lies=True)) as there:
        with pytest.raises(ProvisionError) as failed:
            await provision(job_for(profile), there.radio)
        assert (failed.value.step, failed.value.rolled_back) == (Doing.HEAR, False)
        assert failed.value.password_now is PasswordNow.CHANGED
        with pytest.raises(ProvisionError) as failed:
            await provision(job_for(profile, secret=new), there.radio)
        assert failed.value.step is Doing.CONNECT
        assert "10 s after power-on" in failed.value.hint
        there.sham.faults = Faults(window_s=10)
        there.beacon.power_cycle()
        await provision(job_for(profile, secret=new), there.radio)


async def test_an_hm_10_on_a_serial_line() -> None:
    profile = PROFILES["hm-10"]
    async with SerialModem() as modem:
        job = replace(
            job_for(profile),
            address="",
            line=lambda: serial_line(Path(modem.path), baud=9600),
            patience=Patience(find_s=2, connect_s=2, unlock_s=2, talk_s=5, hear_s=0.3),
        )
        async with room(profile, settings={**WANTED, Setting.MEASURED_POWER: -59}) as there:  # what it sends afterwards
            done = await provision(job, there.radio)
        assert done.read_back
        assert modem.kept[Setting.UUID] == UUID
        assert (modem.kept[Setting.MAJOR], modem.kept[Setting.MINOR]) == (10_001, 0x1234)
        assert modem.modem.ibeacon
        assert modem.heard[-1].startswith("AT+")


async def test_a_serial_line_that_nobody_answers_on() -> None:
    profile = PROFILES["hm-10"]
    async with SerialModem() as modem, room(profile) as there:
        modem.modem.obey = lambda _text: ""  # type: ignore[method-assign]
        job = replace(
            job_for(profile),
            address="",
            line=lambda: serial_line(Path(modem.path), baud=9600),
            patience=Patience(talk_s=0.2),
        )
        with pytest.raises(ProvisionError) as failed:
            await provision(job, there.radio)
        assert failed.value.step in {Doing.UNLOCK, Doing.READ_BEFORE}
        assert failed.value.rolled_back is None


@pytest.mark.looptime
async def test_a_beacon_that_only_pretends_to_take_the_new_password() -> None:
    profile = PROFILES["radbeacon-dot"]
    old, _, _ = secrets_of(profile)
    async with room(profile, secret=old, faults=Faults(keeps_password=True)) as there:
        done = await told_of(provision(job_for(profile), there.radio))
        assert isinstance(done, ProvisionError) or not done.password_proven
        assert there.sham.lock.key == old.encode()  # type: ignore[attr-defined]


@pytest.mark.looptime
@pytest.mark.parametrize("name", [name for name in OVER_THE_AIR if PROFILES[name].dialect != "espruino"])
async def test_ctrl_c_gives_a_half_configured_beacon_its_settings_back(name: str) -> None:
    profile = PROFILES[name]
    async with room(profile, secret=secrets_of(profile)[0]) as there:
        before = state_of(there.sham)

        def ctrl_c(step: Doing) -> None:
            if step is (Doing.READ_BACK if profile.verify == "same-connection" else Doing.HEAR):
                asyncio.get_running_loop().call_later(0.01, task.cancel)

        task = asyncio.ensure_future(provision(job_for(profile), there.radio, progress=ctrl_c))
        done, _ = await asyncio.wait({task})
        assert done == {task}
        if task.exception() is not None:
            assert isinstance(task.exception(), StoppedError)
            assert state_of(there.sham) == before
        else:  # it was quicker
            assert state_of(there.sham) != before


async def told_of(work: Coroutine[None, None, Provisioned]) -> Provisioned | ProvisionError:
    try:
        return await work
    except ProvisionError as error:
        return error
