"""What `storegate doctor` looks at of the guest Wi-Fi: each part that a guest's first minute needs, in that order."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shutil
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge import dhcp_watch
from edge.cli import wifi_foreign
from edge.cli.checks import Line, Verdict
from edge.cli.wifi_trust import distrusted
from edge.errors import StoregateError

if TYPE_CHECKING:
    from devices.access.orders import GateStatus
    from edge.config import Config

ASK_S = 3.0
PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
"""Where Debian keeps what ordinary users do not look for."""
MOST_SHOWN = 8
"""Networks on one line."""
MAX_FILE = 1024 * 1024
MADE_BY = "# Made by `storegate render {program}`"
PLACES = {
    "dnsmasq": ("etc/dnsmasq.conf", "etc/dnsmasq.d/*", "etc/storegate/*.conf"),
    "hostapd": ("etc/hostapd/*.conf", "etc/storegate/*.conf"),
}
"""Where a rendered file may lie."""
RENDER = {
    "dnsmasq": (
        "sudo storegate render dnsmasq --out /etc/dnsmasq.d/storegate.conf, then sudo systemctl restart dnsmasq"
    ),
    "hostapd": "sudo storegate render hostapd --out /etc/hostapd/hostapd.conf, then sudo systemctl restart hostapd",
}
TIMER = "etc/systemd/system/timers.target.wants/storegate-dhcp.timer"
TIMER_ON = "sudo systemctl enable --now storegate-dhcp.timer"
GATE = "sudo systemctl enable --now storegate-gate; journalctl -u storegate-gate says why it ended"

Ask = Callable[["Config"], Awaitable["GateStatus"]]


def wifi(
    config: Config,
    *,
    ask: Ask | None = None,
    run: wifi_foreign.Run | None = None,
    root: Path = Path("/"),
    path: str = PATH,
) -> Iterator[Line]:
    """Nothing where there is no guest Wi-Fi. All but `config`: tests have a box of their own."""
    if config.gate.driver == "fake":
        yield _note("guest Wi-Fi", 'gate.driver is "fake": no network is touched', "for the demo and tests only")
        return
    if not config.gate.interface:
        return
    yield from programs(config, path)
    yield from interfaces(config, root)
    yield from gate(config, ask or asked)
    yield from forwarding(config, root)
    yield from firewalls(config, run or wifi_foreign.ran(path))
    yield from rendered(config, "dnsmasq", root)
    if config.access_point.interface:
        yield from rendered(config, "hostapd", root)
    yield from policy(config)
    yield from ways(config)
    yield from certificate(config, root)
    yield from told(config, root)
    yield from doors(config)


def programs(config: Config, path: str) -> Iterator[Line]:
    needed = {"nft": "nftables", "dnsmasq": "dnsmasq"}
    if config.access_point.interface:
        needed["hostapd"] = "hostapd"
    missing = [package for program, package in needed.items() if shutil.which(program, path=path) is None]
    if missing:
        yield _wrong("wifi programs", f"not installed: {', '.join(missing)}", f"sudo apt install {' '.join(missing)}")
    else:
        yield _ok("wifi programs", f"{', '.join(needed)} are installed")


def interfaces(config: Config, root: Path) -> Iterator[Line]:
    """There, up, and with the address that guests are told."""
    for key, name in (("gate.interface", config.gate.interface), ("gate.uplink", config.gate.uplink)):
        what = f"wifi {name}"
        if not (root / "sys/class/net" / name).exists():
            there = sorted(each.name for each in (root / "sys/class/net").glob("*"))
            yield _wrong(
                what, f"there is no {name}; there is {', '.join(there) or 'none'}", f"ip link; or correct {key}"
            )
        elif _text(root / "sys/class/net" / name / "operstate").strip() not in {"up", "unknown"}:
            yield _wrong(what, "it is down", f"ip link set {name} up; is the cable in, the access point on?")
        else:
            yield _ok(what, f"{key}, up")
    for text in filter(None, (config.gate.address4, config.gate.address6)):
        own = ipaddress.ip_interface(text)
        if not _has(str(own.ip)):
            hint = f"ip addr add {own.with_prefixlen} dev {config.gate.interface}, and for good: docs/wifi.md"
            yield _wrong("wifi address", f"this box has no address {own.ip}", hint)


def _has(address: str) -> bool:
    """Whether this machine has it."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
        return True


def gate(config: Config, ask: Ask) -> Iterator[Line]:
    """Asked over its socket, as the daemon does."""
    try:
        said = asyncio.run(_said(config, ask))
    except StoregateError as error:
        yield _wrong("gate", str(error), error.hint if Path(config.gate.socket).exists() else GATE)
        return
    if said.rules == "in_place" and said.interface == "up":
        repairs = f"; its rules were put back {said.repairs} times" if said.repairs else ""
        closed = f"; closed to guests: {', '.join(said.onlink[:MOST_SHOWN])}" if said.onlink else ""
        text = f"version {said.version}, rules in the kernel, fair shares: {said.fairness or 'none'}{closed}{repairs}"
        if said.fairness == "none" and (config.gate.down_mbit or config.gate.up_mbit):
            hint = "a kernel with sch_cake or sch_fq_codel (modprobe sch_cake), then restart storegate-gate"
            yield _note("fair shares", "down_mbit or up_mbit are set, but the kernel can't share them", hint)
        if said.repairs:
            hint = "another program changes table inet storegate: put rules of your own into another table"
            yield _note("gate", text, hint)
        else:
            yield _ok("gate", text)
    else:
        problem = said.problem or f"rules: {said.rules}, {config.gate.interface}: {said.interface}"
        yield _wrong("gate", problem, said.hint or GATE)


async def _said(config: Config, ask: Ask) -> GateStatus:
    return await ask(config)


async def asked(config: Config) -> GateStatus:
    """Raises GateError."""
    from devices.access.link import GateLink  # noqa: PLC0415

    link = GateLink(Path(config.gate.socket), answer_s=ASK_S)
    try:
        await link.connect(lambda: None)
        return await link.status()
    finally:
        await link.close()


def firewalls(config: Config, run: wifi_foreign.Run) -> Iterator[Line]:
    """Other programs' rules: what our table lets pass, theirs may still drop."""
    for chain, add in wifi_foreign.closed_chains(config, run):
        text = f"{chain} drops what is forwarded, guests' packets too: they get no internet"
        yield _wrong("firewall", text, add)


def forwarding(config: Config, root: Path) -> Iterator[Line]:
    """The gate switches it on once its rules are in."""
    wanted = [("ipv4", config.gate.interface), ("ipv4", config.gate.uplink)]
    wanted += [("ipv6", "all")] if config.gate.address6 else []
    for version, name in wanted:
        switch = root / "proc/sys/net" / version / "conf" / name / "forwarding"
        if _text(switch).strip() != "1":
            hint = "another program switched it off, or the gate never came up: sudo systemctl restart storegate-gate"
            yield _wrong("wifi forwarding", f"{version} is not forwarded: {name}", hint)


def rendered(config: Config, program: str, root: Path) -> Iterator[Line]:
    """Whether the program runs, since its file was made, and with what `storegate render` would make now."""
    files = _made(root, program)
    if not files:
        yield _wrong(program, "no configuration of ours was found", RENDER[program])
        return
    file = files[0]
    try:
        good = _text(file) in _as_now(config, program)
    except StoregateError as error:
        yield _wrong(program, str(error), error.hint)
        return
    if not good:
        yield _wrong(program, f"{file} is not what gateway.toml says now", RENDER[program])
        return
    started, others = wifi_foreign.began_s(root, program, file)
    if not started:
        text = f"none runs by {file}" + (f", though another {program} does" if others else "")
        yield _wrong(program, text, f"sudo systemctl enable --now {program}; journalctl -u {program}")
    elif max(started) < file.stat().st_mtime - 1:
        yield _wrong(program, f"{file} is newer than the {program} that runs", f"sudo systemctl restart {program}")
    elif program == "dnsmasq" and dhcp_watch.look(config, proc=root / "proc", net=root / "sys/class/net") is False:
        own = ipaddress.ip_interface(config.gate.address4).ip
        text = f"it runs, but not for {own}: guests get no address, or no names"
        yield _wrong(program, text, "does another program have ports 53 or 67 (ss -lunp)? journalctl -u dnsmasq")
    else:
        yield _ok(program, f"runs by {file}")


def _made(root: Path, program: str) -> list[Path]:
    return [path for place in PLACES[program] for path in sorted(root.glob(place)) if _is_made(path, program)]


def _is_made(path: Path, program: str) -> bool:
    return path.is_file() and _text(path).startswith(MADE_BY.format(program=program))


def _as_now(config: Config, program: str) -> Sequence[str]:
    """Raises StoregateError. dnsmasq's with and without the portal's name: the certificate has a line of its own."""
    from devices.access import render  # noqa: PLC0415

    if program == "dnsmasq":
        return [render.dnsmasq(config, api=api) for api in (True, False)]
    secret = config.access_point.passphrase_file
    return [render.hostapd(config, passphrase=_text(Path(secret)).partition("\n")[0] if secret else "")]


def policy(config: Config) -> Iterator[Line]:
    from edge.policies import load  # noqa: PLC0415

    try:
        found = load(config.portal.policy)
    except StoregateError as error:
        yield _wrong("policy", str(error), error.hint)
        return
    logs = f"keeps {', '.join(found.logs.fields)} for {found.log_days} days" if found.log_days else "keeps no records"
    ways = f"; ways in: {', '.join(found.ways)}" if found.ways else ""
    yield _ok("policy", f"{found.consent}, {logs}{ways}")


def ways(config: Config) -> Iterator[Line]:
    """By the portal's document: the daemon's, or the disk's while none runs."""
    from edge.cli.document_doubts import in_force as documents_of  # noqa: PLC0415
    from edge.policies import in_force  # noqa: PLC0415
    from edge.shop import Portal  # noqa: PLC0415
    from edge.status.wifi import shut_out  # noqa: PLC0415

    found = in_force(config.portal.policy)
    if found.problem:
        return
    try:
        portals = documents_of(config, "portals")
    except StoregateError as error:
        yield _note("ways in", f"the portal's document can't be read: {error}", error.hint or "run this as root")
        return
    portal = next((each for each in portals if isinstance(each, Portal)), None)
    if problem := shut_out(portal, config, found.policy):
        hint = "set up a way that the policy allows, and name it in ways of the portal's document: docs/wifi.md"
        yield _wrong("ways in", problem, hint)


def certificate(config: Config, root: Path) -> Iterator[Line]:
    """As the daemon judges it (its name, its days, its key, its chain), and as phones would."""
    from edge.board import Board  # noqa: PLC0415
    from edge.clock import Clock  # noqa: PLC0415
    from edge.web.tls import Tls  # noqa: PLC0415

    board, portal = Board(), config.portal
    tls = Tls.of(config, board=board, clock=Clock())
    if tls is None:
        hint = "phones find the portal all the same; for option 114, the shake and SMS set portal.name: docs/wifi.md"
        yield _note("certificate", "none is set: the portal is plain http", hint)
        return
    left, life = board.wifi.tls_days_left, board.wifi.tls_life_days or 0.0
    renew = "renew it (DNS-01) and put it at portal.cert_file; no restart is needed"
    if tls.problem or left is None:
        yield _wrong("certificate", f"{tls.problem}; guests get plain http", tls.hint)
        return
    text = f"for {portal.name}, {int(left)} days left"
    if left < life / 3:
        yield _note("certificate", text, renew)
    elif _text(Path(portal.cert_file)).count("BEGIN CERTIFICATE") == 1:
        hint = "portal.cert_file takes the full chain (fullchain.pem): phones do not fetch what is missing"
        yield _note("certificate", f"{text}, without the certificate of who signed it", hint)
    elif (context := tls.context()) is not None and (why := distrusted(context, portal.name, root)):
        hint = "with an authority of your own, each phone has to be told to trust it; guests' phones need a public one"
        yield _note("certificate", f"{text}, but not signed by an authority that this system knows: {why}", hint)
    else:
        yield _ok("certificate", text)


def told(config: Config, root: Path) -> Iterator[Line]:
    """Whether phones are told of the portal's API (option 114) while its certificate is good, and only then."""
    from devices.access import render  # noqa: PLC0415
    from edge.board import Board  # noqa: PLC0415
    from edge.clock import Clock  # noqa: PLC0415
    from edge.web.tls import Tls  # noqa: PLC0415

    files = _made(root, "dnsmasq")
    if not files or not config.portal.name:
        return
    tls = Tls.of(config, board=Board(), clock=Clock())
    usable = tls is not None and tls.usable
    if f"114,{render.api_url(config.portal.name)}" in _text(files[0]):
        if not usable:
            text = "phones are told of the portal's API, and there is no certificate with which it could answer"
            yield _wrong("option 114", text, f"{RENDER['dnsmasq']}; {TIMER_ON} does it by itself")
        elif not (root / TIMER).exists():
            yield _note("option 114", "nobody would take it back when the certificate ends", TIMER_ON)
    elif usable:
        yield _note("option 114", "phones are not told of the portal's API", f"{RENDER['dnsmasq']}; or {TIMER_ON}")


def doors(config: Config) -> Iterator[Line]:
    """What a guest's phone meets first; asked only while the daemon runs, whose absence has a line already."""
    if not _takes(config.listen.admin.host, config.listen.admin.port):
        return
    own = str(ipaddress.ip_interface(config.gate.address4).ip)
    guest = config.listen.guest
    if not _has(own):
        yield _wrong("portal", f"nobody reaches it: this box has no address {own}", "mend the guests' interface first")
    elif not _takes(own, guest.port):
        hint = f"was the daemon restarted since gateway.toml changed (listen.guest: {guest.host}, {guest.port})?"
        yield _wrong("portal", f"nothing answers on {own}:{guest.port}", hint)
    elif not _resolves(own, config.gate.dns_port):
        hint = "see the status page: does the captive DNS run? does another program have the port (ss -lunp)?"
        yield _wrong("captive DNS", f"nothing answers on {own}:{config.gate.dns_port}", hint)
    else:
        yield _ok("portal", f"answers on {own}:{guest.port}, captive DNS on {config.gate.dns_port}")


def _takes(host: str, port: int) -> bool:
    try:
        with socket.create_connection(({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port), ASK_S):  # noqa: S104
            return True
    except OSError:
        return False


def _resolves(host: str, port: int) -> bool:
    from devices.access.dns import wire  # noqa: PLC0415

    question = wire.ask("captive.apple.com", wire.A, int.from_bytes(os.urandom(2)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(ASK_S)
        try:
            line.connect((host, port))
            line.send(question)
            return wire.is_answer(line.recv(2048), question)
        except OSError:
            return False


def _text(path: Path) -> str:
    """Empty where it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE).decode("utf-8", "replace")
    except OSError:
        return ""


def _ok(what: str, text: str) -> Line:
    return Line(what=what, verdict=Verdict.OK, text=text)


def _note(what: str, text: str, hint: str) -> Line:
    return Line(what=what, verdict=Verdict.NOTE, text=text, next=hint)


def _wrong(what: str, text: str, hint: str) -> Line:
    return Line(what=what, verdict=Verdict.WRONG, text=text, next=hint)
