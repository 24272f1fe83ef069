"""Rules of gateway.toml that a single value can't break: within a section, between sections, and on the disk.

Each names the keys it looks at, and says nothing where one of them is wrong by itself: so all of them run beside
the checks of the values, and a person sees every mistake at once.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge import config_rules_wifi, places
from edge.checked import join, nearest
from edge.errors import Mistake
from edge.symbologies import CAMERA

if TYPE_CHECKING:
    from edge.config import Config, GatewaySection, ListenSection, MqttSection, ScannerSection, Strip

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104 - compared, not bound
"""Every address of IPv4, or of both families → where this machine itself reaches it."""
MIN_KEY = 16
_HOST = re.compile(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9_.-]+)?")
_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ZONE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_KEY = re.compile(r"[!-~]*")
_PATTERN = re.compile(r"[0-9PVWXC]{13}|[0-9PVWXC]{18}")
_FILES = ("password_file", "ca_file", "cert_file", "key_file")


class Rule(NamedTuple):
    """One that is broken."""

    mistake: Mistake
    needs: tuple[str, ...] = ()
    """Keys it looked at besides the mistake's."""


def broken(config: Config, wrong: Sequence[Mistake]) -> list[Mistake]:
    """Rules that are broken although all they look at is right. `wrong` is what is not."""
    bad = {mistake.path for mistake in wrong}
    bad |= {join(mistake.path.rpartition(".")[0], mistake.meant) for mistake in wrong if mistake.meant}
    return [
        rule.mistake for rule in _all(config) if not any(_is_in(key, bad) for key in (rule.mistake.path, *rule.needs))
    ]


def _is_in(key: str, bad: Iterable[str]) -> bool:
    return any(key == path or key.startswith((f"{path}.", f"{path}[")) for path in bad)


def _all(config: Config) -> Iterator[Rule]:
    yield from _gateway(config.gateway)
    yield from _mqtt(config.mqtt)
    yield from _listeners(config.listen)
    yield from _admin(config.listen)
    yield from _proxies(config.listen)
    yield from _devices(config)
    for index, scanner in enumerate(config.scanners):
        yield from _scanner(scanner, f"scanners[{index}]", config)
    for index, counter in enumerate(config.footfall):
        yield from strip(counter.strip, f"footfall[{index}].strip")
    for index, pattern in enumerate(config.codes.embedded):
        if not _PATTERN.fullmatch(pattern):
            wanted = "wanted 13 or 18 characters out of digits, P, V, W, X, C"
            yield _rule(f"codes.embedded[{index}]", f"got {pattern!r}, {wanted}")
    yield from _keys(config)
    yield from _radios(config)
    yield from _places(config)
    yield from (_rule(path, problem, needs=needs) for path, problem, needs in config_rules_wifi.broken(config))


def _rule(path: str, problem: str, meant: str = "", *, needs: Iterable[str] = ()) -> Rule:
    return Rule(Mistake(path, problem, meant), tuple(needs))


def _gateway(gateway: GatewaySection) -> Iterator[Rule]:
    for name in ("tenant", "store", "id"):
        if getattr(gateway, name) in {".", ".."}:
            yield _rule(f"gateway.{name}", f"got {getattr(gateway, name)!r}: it goes into paths, where that is a step")
    try:
        ZoneInfo(gateway.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield _rule("gateway.timezone", f"got {gateway.timezone!r}, wanted a name like Asia/Shanghai")
    if not gateway.state_dir.strip() or "\0" in gateway.state_dir:
        yield _rule("gateway.state_dir", f"got {gateway.state_dir!r}, wanted a folder")


def _mqtt(mqtt: MqttSection) -> Iterator[Rule]:
    if mqtt.host and not _HOST.fullmatch(mqtt.host):
        text = f"got {mqtt.host!r}, wanted a name or an address alone: port and tls have keys of their own"
        yield _rule("mqtt.host", text)
    if bool(mqtt.cert_file) != bool(mqtt.key_file):
        yield _rule("mqtt.key_file", "cert_file and key_file go together", needs=("mqtt.cert_file", "mqtt.key_file"))
    if (mqtt.ca_file or mqtt.cert_file) and not mqtt.tls:
        needs = ("mqtt.ca_file", "mqtt.cert_file", "mqtt.tls")
        yield _rule("mqtt.tls", "ca_file and cert_file need tls = true", needs=needs)
    for name in _FILES:
        if "\0" in getattr(mqtt, name):
            yield _rule(f"mqtt.{name}", "has a zero byte in it")


def _listeners(listen: ListenSection) -> Iterator[Rule]:
    seen: dict[tuple[str, int], str] = {}
    every = {"guest": listen.guest, "shop": listen.shop, "admin": listen.admin}
    for name, listener in every.items():
        for first, other in seen.items():
            if listener.port and first[1] == listener.port and _same_host(first[0], listener.host):
                needs = [f"listen.{each}.{key}" for each in (name, other) for key in ("host", "port")]
                yield _rule(f"listen.{name}.port", f"{listener.port} is the port of listen.{other} too", needs=needs)
                break
        seen.setdefault((listener.host, listener.port), name)


def _same_host(one: str, other: str) -> bool:
    """Whether two listeners would want the same address."""
    pair = {"127.0.0.1" if host == "localhost" else host for host in (one, other)}
    return len(pair) == 1 or "::" in pair or ("0.0.0.0" in pair and not any(":" in each for each in pair))  # noqa: S104


def _admin(listen: ListenSection) -> Iterator[Rule]:
    path, token = "listen.admin_token", listen.admin_token.reveal()
    if not _KEY.fullmatch(token):
        yield _rule(path, "has characters beyond ASCII, or spaces: it could not be sent")
    elif listen.admin.host not in LOOPBACK and len(token) < MIN_KEY:
        problem = f"is shorter than {MIN_KEY} characters" if token else "is missing"
        text = f"{problem}: beyond loopback the admin listener asks for one; `openssl rand -hex 24` makes one"
        yield _rule(path, text, needs=("listen.admin.host",))
    if listen.public_url and not _is_web_address(listen.public_url):
        text = f"got {listen.public_url!r}, wanted https://… or http://… as phones of shoppers reach it"
        yield _rule("listen.public_url", text)


def _proxies(listen: ListenSection) -> Iterator[Rule]:
    for index, text in enumerate(listen.proxies):
        try:
            (net,) = places.networks([text])
        except ValueError:
            yield _rule(f"listen.proxies[{index}]", f"got {text!r}, wanted an address like 127.0.0.1, or a network")
            continue
        if not net.prefixlen:
            yield _rule(f"listen.proxies[{index}]", f"got {text!r}: everybody could say that they are somebody else")


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return fits and text.isprintable() and " " not in text and not parts.query and not parts.fragment


def _devices(config: Config) -> Iterator[Rule]:
    """What is plugged in: (path, id, what it is, key of that, device)."""
    plugged: list[tuple[str, str, str, str, str]] = []
    for index, scanner in enumerate(config.scanners):
        plugged.append((f"scanners[{index}]", scanner.id, scanner.transport, "transport", scanner.device))
    for index, counter in enumerate(config.footfall):
        plugged.append((f"footfall[{index}]", counter.id, counter.source, "source", counter.device))
    seen: dict[str, str] = {}
    for path, name, what, key, device in plugged:
        if seen.setdefault(name, path) != path:
            yield _rule(f"{path}.id", f"{name!r} is used twice", needs=(f"{seen[name]}.id",))
        if not device and what not in {"fake", "camera"}:
            yield _rule(f"{path}.device", f"is missing: a {what} device needs its path", needs=(f"{path}.{key}",))
        if "\0" in device:
            yield _rule(f"{path}.device", "has a zero byte in it")


def _scanner(scanner: ScannerSection, path: str, config: Config) -> Iterator[Rule]:
    if scanner.station and scanner.station not in config.stations:
        meant = nearest(scanner.station, config.stations)
        yield _rule(f"{path}.station", f"{scanner.station!r} is not under [stations]", meant, needs=("stations",))
    if scanner.profile and not _PROFILE.fullmatch(scanner.profile):
        yield _rule(f"{path}.profile", f"got {scanner.profile!r}, wanted the name of a file, without .toml")
    for index, name in enumerate(scanner.formats):
        if name not in CAMERA:
            text = f"got {name!r}, wanted one of {', '.join(CAMERA)}"
            yield _rule(f"{path}.formats[{index}]", text, nearest(name, CAMERA))


def strip(line: Strip, path: str) -> Iterator[Rule]:
    """Rules of a strip alone."""
    if line.end <= line.start:
        needs = (join(path, "start"), join(path, "end"))
        yield _rule(path or "(top)", "end must be larger than start", needs=needs)


def _keys(config: Config) -> Iterator[Rule]:
    """Keys that could not do their work: two tills that can't be told apart, a public key that is none."""
    tills: dict[str, str] = {}
    for name, station in config.stations.items():
        path, key = join("stations", name) + ".key", station.key.reveal()
        needs = (join("stations", name) + ".kind",)
        first = tills.setdefault(key, name)
        if not _KEY.fullmatch(key):
            yield _rule(path, "has characters beyond ASCII, or spaces: it could not be sent")
        elif station.kind == "till" and not key:
            yield _rule(path, "is missing: a till without a key can't redeem", needs=needs)
        elif station.kind == "till" and first != name:
            yield _rule(path, f"is the key of {first!r} too: the key tells the tills apart", needs=needs)
    for section, keys in (("issuer_keys", config.coupons.issuer_keys), ("peer_keys", config.coupons.peer_keys)):
        for name, text in keys.items():
            if not _is_public_key(text):
                problem = "wanted an Ed25519 public key: 32 bytes in base64"
                yield _rule(join(f"coupons.{section}", name), problem)


def _radios(config: Config) -> Iterator[Rule]:
    seen: dict[str, str] = {}
    for index, radio in enumerate(config.radios):
        path = f"radios[{index}]"
        if seen.setdefault(radio.adapter, path) != path:
            needs = (f"{seen[radio.adapter]}.adapter",)
            yield _rule(f"{path}.adapter", f"{radio.adapter!r} is used twice", needs=needs)
        yield from _zone(radio.zone, f"{path}.zone")
    if "\0" in config.beacons.passwords_file:
        yield _rule("beacons.passwords_file", "has a zero byte in it")


def _places(config: Config) -> Iterator[Rule]:
    """What proves that a phone is in the shop."""
    shake, nets, zone = config.shake, "shake.wifi_networks", "shake.wifi_zone"
    for name, station in config.stations.items():
        yield from _zone(station.zone, join("stations", name) + ".zone")
    yield from _zone(shake.wifi_zone, zone)
    for index, text in enumerate(shake.wifi_networks):
        try:
            places.networks([text])
        except ValueError:
            yield _rule(f"{nets}[{index}]", f"got {text!r}, wanted a network like 10.64.0.0/16")
    if shake.wifi_zone and not config.wifi_networks:
        yield _rule(
            nets,
            "is missing: wifi_zone needs to know which addresses are on the guest Wi-Fi",
            needs=(zone, "gate.interface"),
        )
    if shake.wifi_networks and not shake.wifi_zone:
        yield _rule(zone, "is missing: whoever is in wifi_networks is in which zone?", needs=(nets,))


def _zone(zone: str, path: str) -> Iterator[Rule]:
    if zone and not _ZONE.fullmatch(zone):
        yield _rule(path, f"got {zone!r}, wanted the id of a zone (a to z, 0 to 9 and -), or nothing")


def _is_public_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except ValueError:
        return False


def doubts(config: Config) -> tuple[Mistake, ...]:
    """What works but was probably not meant, or is not safe."""
    found: list[Mistake] = []
    mqtt = config.mqtt
    if not mqtt.host:
        found.append(Mistake("mqtt.host", "is empty: nothing goes to the cloud, events wait in the outbox"))
    elif not mqtt.tls and mqtt.host not in LOOPBACK and (mqtt.password or mqtt.password_file):
        found.append(Mistake("mqtt.tls", "is off: the password goes over the network in the clear"))
    for name, station in config.stations.items():
        if station.kind == "till" and 0 < len(station.key) < MIN_KEY:
            found.append(Mistake(f"stations.{name}.key", f"is shorter than {MIN_KEY} characters: it can be guessed"))
        if station.warn_s >= station.idle_s:
            found.append(Mistake(f"stations.{name}.warn_s", "is not shorter than idle_s"))
    if config.listen.public_url.startswith("https://") and not config.listen.proxies:
        text = (
            "is empty: something in front of the gateway does https, and without its address all shoppers count as one"
        )
        found.append(Mistake("listen.proxies", text))
    if not config.coupons.issuer_keys:
        found.append(Mistake("coupons.issuer_keys", "is empty: no cloud may grant coupons"))
    return (*found, *config_rules_wifi.doubts(config))


def files(config: Config) -> tuple[Mistake, ...]:
    """Files that are not there, or not for this user. Looks at the disk."""
    found: list[Mistake] = []
    for name in _FILES:
        text = getattr(config.mqtt, name)
        try:
            if text:
                with Path(text).open("rb"):
                    pass
        except OSError as error:
            found.append(Mistake(f"mqtt.{name}", f"can't read {text}: {error.strerror}"))
    return (*found, *config_rules_wifi.files(config))
