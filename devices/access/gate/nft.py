"""The program `nft`, for what is done seldom: whole tables in one transaction, and the listing that shows a change."""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

_PATIENCE_S: Final = 10.0
"""Orders wait meanwhile. 16,000 members take two seconds on a small box."""
_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/bin"


class NftError(Exception):
    """The kernel or the program refused. `hint` is the next step for a person."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


def check(rules: str) -> None:
    """Would be taken. Raises NftError."""
    _run(["-c", "-f", "-"], rules)


def load(rules: str) -> None:
    """All of it or nothing. Raises NftError."""
    _run(["-f", "-"], rules)


def listing(family: str, table: str) -> str:
    """The table without elements and counts; empty: it is not there."""
    try:
        return _run(["-nn", "-t", "-s", "list", "table", family, table])
    except NftError as error:
        if "No such file" in str(error):
            return ""
        raise


def _run(arguments: list[str], text: str = "") -> str:
    program = shutil.which("nft", path=_PATH) or shutil.which("nft")
    if program is None:
        raise NftError("the program nft is not on this box", "apt install nftables")
    try:
        done = subprocess.run(
            [program, *arguments], input=text, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NftError(f"nft did not run: {type(error).__name__}", "look at it by hand: nft list ruleset") from error
    if done.returncode:
        first = done.stderr.strip().splitlines()[:1] or [f"exit code {done.returncode}"]
        hint = ""
        if "not permitted" in done.stderr:
            hint = "the gate needs CAP_NET_ADMIN: start it as the unit storegate-gate.service, or as root"
        raise NftError(f"nft: {first[0][:200]}", hint)
    return done.stdout
