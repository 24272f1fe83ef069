"""The wallet, the till and the command line in a machine without any network but its own loopback."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ALONE = ("unshare", "--user", "--map-root-user", "--net")


def possible() -> str:
    """Empty, or why there can be no such machine here."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return "needs unshare (util-linux) and ip (iproute2)"
    done = subprocess.run([*ALONE, "ip", "link", "set", "lo", "up"], capture_output=True, text=True)
    return done.stderr.strip() and f"no network namespace may be made here: {done.stderr.strip()}"


@pytest.mark.peer
def test_coupons_need_no_network_no_name_server_and_no_broker() -> None:
    if why := possible():
        pytest.skip(why)
    wanted = ["over_the_counter", "takes_a_coupon", "whole_life_without_a_daemon", "crash_between"]
    files = [str(HERE / f"test_{name}.py") for name in ("till", "wallet", "coupon_cli")]
    again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", " or ".join(wanted), *files]
    cut = 'ip link set lo up && ! ip route get 1.1.1.1 2>/dev/null && exec "$@"'
    done = subprocess.run(
        [*ALONE, "sh", "-c", cut, "sh", *again], capture_output=True, text=True, cwd=HERE.parents[2], timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
