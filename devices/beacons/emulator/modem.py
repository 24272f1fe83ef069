"""An emulated HM-10 after its datasheet and transcripts: text without line ends, answers that begin with OK."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from typing import Any

from devices.beacons.profile import Setting

INTERVALS = (100, 152.5, 211.25, 318.75, 417.5, 546.25, 760, 852.5, 1022.5, 1285, 2000, 3000, 4000, 5000, 6000, 7000)
INTERVALS_MS = dict(zip("0123456789ABCDEF", INTERVALS, strict=True))
POWERS_DBM = {"0": -23, "1": -6, "2": 0, "3": 6}
WAKE_CHARS = 80
LONGEST = 32
Answer = Callable[["Modem", re.Match[str]], str]


class Modem:
    """What is set goes on the air at the next reset."""

    def __init__(self, kept: MutableMapping[Setting, Any], refuses: Callable[[Setting, str], bool]) -> None:
        self.kept = kept
        self.ibeacon = False
        self.pin = "000000"
        self.resets = 0
        self._refuses = refuses

    def obey(self, text: str) -> str:
        """One command; nothing for what is none."""
        if len(text) >= WAKE_CHARS:
            return "OK+WAKE"
        if len(text) > LONGEST:
            return ""
        for pattern, setting, answer in COMMANDS:
            match = re.fullmatch(pattern, text)
            if match:
                asks = text.endswith("?")
                return "" if setting is not None and not asks and self._refuses(setting, text) else answer(self, match)
        return ""


def _word(modem: Modem, match: re.Match[str]) -> str:
    at, word = int(match[1]) * 8, match[2]
    digits = str(modem.kept[Setting.UUID]).replace("-", "")
    if word == "?":
        return f"OK+Get:{digits[at : at + 8].upper()}"
    digits = (digits[:at] + word + digits[at + 8 :]).lower()
    modem.kept[Setting.UUID] = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return f"OK+Set:{word}"


def _number(setting: Setting) -> Answer:
    def answer(modem: Modem, match: re.Match[str]) -> str:
        if match[1] == "?":
            return f"OK+Get:0x{int(modem.kept[setting]):04X}"
        modem.kept[setting] = int(match[1], 16)
        return f"OK+Set:{match[1]}"

    return answer


def _measured(modem: Modem, match: re.Match[str]) -> str:
    if match[1] == "??":
        return f"OK+Get:0x{int(modem.kept[Setting.MEASURED_POWER]) & 0xFF:02X}"
    byte = int(match[1], 16)
    modem.kept[Setting.MEASURED_POWER] = byte - 256 if byte > 127 else byte
    return f"OK+Set:{match[1]}"


def _letter(setting: Setting, table: dict[str, Any]) -> Answer:
    def answer(modem: Modem, match: re.Match[str]) -> str:
        if match[1] == "?":
            return f"OK+Get:{min(table, key=lambda one: abs(table[one] - float(modem.kept[setting])))}"
        modem.kept[setting] = table[match[1]]
        return f"OK+Set:{match[1]}"

    return answer


def _name(modem: Modem, match: re.Match[str]) -> str:
    if match[1] == "?":
        return f"OK+NAME:{modem.kept[Setting.NAME] or 'HMSoft'}"
    modem.kept[Setting.NAME] = match[1]
    return f"OK+Set:{match[1]}"


def _pin(modem: Modem, match: re.Match[str]) -> str:
    if match[1] == "?":
        return f"OK+Get:{modem.pin}"
    modem.pin = match[1]
    return f"OK+Set:{match[1]}"


def _ibeacon(modem: Modem, match: re.Match[str]) -> str:
    modem.ibeacon = match[1] == "1"
    return f"OK+Set:{match[1]}"


def _reset(modem: Modem, _: re.Match[str]) -> str:
    modem.resets += 1
    return "OK+RESET"


def _same(text: str) -> Answer:
    return lambda _, match: match.expand(text)


COMMANDS: tuple[tuple[str, Setting | None, Answer], ...] = (
    (r"AT", None, _same("OK")),
    (r"AT\+IBE([0-3])([0-9A-Fa-f]{8}|\?)", Setting.UUID, _word),
    (r"AT\+MARJ(0x[0-9A-Fa-f]{4}|\?)", Setting.MAJOR, _number(Setting.MAJOR)),
    (r"AT\+MINO(0x[0-9A-Fa-f]{4}|\?)", Setting.MINOR, _number(Setting.MINOR)),
    (r"AT\+MEA(0x[0-9A-Fa-f]{2}|\?\?)", Setting.MEASURED_POWER, _measured),
    (r"AT\+ADVI([0-9A-F]|\?)", Setting.INTERVAL, _letter(Setting.INTERVAL, INTERVALS_MS)),
    (r"AT\+POWE([0-3]|\?)", Setting.TX_POWER, _letter(Setting.TX_POWER, POWERS_DBM)),
    (r"AT\+NAME(\?|.{1,12})", Setting.NAME, _name),
    (r"AT\+PASS([0-9]{6}|\?)", None, _pin),
    (r"AT\+IBEA([01])", None, _ibeacon),
    (r"AT\+ADTY([0-3])", None, _same(r"OK+Set:\1")),
    (r"AT\+(DELO[12])", None, _same(r"OK+\1")),
    (r"AT\+PWRM([01])", None, _same(r"OK+Set:\1")),
    (r"AT\+RENEW", None, _same("OK+RENEW")),
    (r"AT\+RESET", None, _reset),
)
