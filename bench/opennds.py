"""openNDS of Debian in the same network, logged into by the same phones.

As packaged it does not come up beside iptables-nft (it renames the base chains to a priority that iptables refuses,
and exits), and it wants to edit /etc: it gets a patched copy of its helper script and an /etc of its own.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urljoin

from bench.processes import cpu_s, rss_mb
from bench.row import Row
from tests.peers.wifi.given_gateway import Gateway
from tests.peers.wifi.given_http import Answer, forms
from tests.peers.wifi.given_namespaces import until
from tests.peers.wifi.given_network import Network
from tests.peers.wifi.given_phone import Phone

SCRIPTS = Path("/usr/lib/opennds")
GUESTS = 5
STEPS = 8
BY = "openNDS"
CONFIG = """GatewayInterface guest0
GatewayName bench
MaxClients 2000
CheckInterval 15
FirewallRuleSet authenticated-users {
  FirewallRule allow all
}
FirewallRuleSet preauthenticated-users {
}
FirewallRuleSet users-to-router {
  FirewallRule allow udp port 53
  FirewallRule allow tcp port 53
  FirewallRule allow udp port 67
}
"""
NAT = "table ip out {\n chain post {\n type nat hook postrouting priority srcnat;\n oifname wan0 masquerade\n }\n}\n"


def compared(folder: Path) -> Iterator[Row]:
    if not all(shutil.which(program) for program in ("opennds", "iptables")):
        sys.stderr.write("wifi: openNDS is not installed (apt-get install opennds iptables): nothing beside ours\n")
        return
    folder.mkdir()
    network = Network(folder)
    try:
        Gateway(network).start_dnsmasq()
        phones = [Phone(network) for _ in range(GUESTS)]  # it wants a guest interface with a carrier
        process = started(network)
        before, began, waits = cpu_s(process.pid), time.monotonic(), []
        for phone in phones:
            begun = time.monotonic()
            log_in(phone)
            waits.append(time.monotonic() - begun)
        took_s, cost_s = time.monotonic() - began, cpu_s(process.pid) - before
        rss = rss_mb(process.pid)
    finally:
        network.close()
    note = f"{version()} of Debian, helped to start; {GUESTS} logins one after the other"
    yield Row(
        part="wifi",
        what="logins",
        by=BY,
        value=GUESTS / took_s,
        unit="/s",
        note=note + ": more at once are dropped",
    )
    yield Row(part="wifi", what="login: CPU", by=BY, value=cost_s / GUESTS * 1e3, unit="ms", note=note)
    yield Row(
        part="wifi", what="login: one guest's wait", by=BY, value=statistics.median(waits) * 1e3, unit="ms", note=note
    )
    yield Row(part="wifi", what="RSS of the daemon, 0 members", by=BY, value=rss, unit="MB", note=f"{GUESTS} members")


def version() -> str:
    told = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "opennds"], capture_output=True, text=True, check=False
    )
    return f"openNDS {told.stdout.strip()}".strip()


def started(network: Network) -> subprocess.Popen[bytes]:
    folder, space = network.folder, network.gateway
    space.sysctl(net__ipv4__ip_forward=1)
    space.run("nft", "-f", "-", given=NAT)
    (folder / "opennds.conf").write_text(CONFIG, "ascii")
    text = (SCRIPTS / "libopennds.sh").read_text("utf-8")
    text = re.sub(r"^.*nft (rename|add) chain ip filter (INPUT|FORWARD) .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r'^(\tif \[ -z "\$(input|forward)_priority" \]; then)$', r"\1 :", text, flags=re.MULTILINE)
    patched = folder / "libopennds.sh"
    patched.write_text(text, "utf-8")
    patched.chmod(0o755)
    for chain in ("INPUT", "FORWARD"):
        space.run("iptables", "-w", "-A", chain, "-m", "comment", "--comment", "keep")
    for name in ("up", "work"):
        (folder / f"etc-{name}").mkdir()
    script = (
        "mount --make-rprivate / && mount -t overlay o -o lowerdir=/etc,upperdir=$0/etc-up,workdir=$0/etc-work /etc"
        f" && mount --bind $0/libopennds.sh {SCRIPTS}/libopennds.sh && mount -t tmpfs t /var/lib/misc"
        " && ln -s $0/leases /var/lib/misc/dnsmasq.leases && exec opennds -f -d 2 -c $0/opennds.conf"
    )
    log = folder / "opennds.log"
    process = space.start("unshare", "-m", "sh", "-c", script, str(folder), log=log)

    def up() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"openNDS ended: {log.read_text('utf-8', 'replace')[-500:]}")
        return "now running" in log.read_text("utf-8", "replace")

    until(up, within_s=60, what="openNDS runs")
    return process


def log_in(phone: Phone) -> None:
    """Clicks on until there is nothing to click on."""
    url = "http://www.example.net/"
    answer = phone.fetch(url, within_s=30)
    for _ in range(STEPS):
        if answer.location:
            url = urljoin(url, answer.location)
            answer = phone.fetch(url, within_s=30)
        elif found := forms(answer.text):
            url = urljoin(url, found[0].action or url)
            answer = _clicked(phone, url, found[0].fields)
        with contextlib.suppress(OSError):
            if phone.online():
                return
    raise RuntimeError(f"openNDS let nobody in: {answer.status} {answer.text[:300]}")


def _clicked(phone: Phone, url: str, fields: dict[str, str]) -> Answer:
    return phone.fetch(f"{url.partition('?')[0]}?{urlencode(fields)}", within_s=30)
