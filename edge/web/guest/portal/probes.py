"""What phones and computers ask to find out whether there is a portal, and what a free network answers.

Nobody is recognised by this table: whoever is not let in is led to the portal whatever they ask. It is for answering
those who are let in while their DNS still leads here, and for tests: each row is a vendor's probe. Pure.
"""

from __future__ import annotations

from typing import NamedTuple

APPLE = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
FIREFOX = '<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>'
HTML, TEXT = "text/html", "text/plain"


class Probe(NamedTuple):
    vendor: str
    host: str
    path: str
    status: int = 204
    body: str = ""
    content_type: str = ""
    agent: str = ""
    """What the client calls itself, where it is known."""

    @property
    def url(self) -> str:
        return f"http://{self.host}{self.path}"


ANDROID_AGENT = "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A.240205.002)"
APPLE_AGENT = "CaptiveNetworkSupport-481.60.2 wispr"
G204 = "/generate_204"


def _of(vendor: str, *hosts: str, path: str = G204, agent: str = "") -> tuple[Probe, ...]:
    return tuple(Probe(vendor, host, path, agent=agent) for host in hosts)


def _apple(host: str, path: str) -> Probe:
    return Probe("Apple", host, path, 200, APPLE, HTML, APPLE_AGENT)


def _windows(host: str, path: str, body: str) -> Probe:
    return Probe("Windows", host, path, 200, body, TEXT, "Microsoft NCSI")


PROBES: tuple[Probe, ...] = (
    *_of("Android", "connectivitycheck.gstatic.com", "play.googleapis.com", "www.google.com", agent=ANDROID_AGENT),
    *_of("Android", "www.google.com", path="/gen_204", agent=ANDROID_AGENT),
    *_of("Android, older", "clients3.google.com", "connectivitycheck.android.com", "www.gstatic.com"),
    *_of("Android in China", "g.cn", "www.google.cn", "www.googleapis.cn"),
    *_of("Xiaomi", "connect.rom.miui.com", "connectivitycheck.platform.xiaomi.com"),
    *_of("Huawei", "connectivitycheck.platform.hicloud.com", "connectivitycheck.cbg-app.huawei.com"),
    *_of("Honor", "connectivitycheck.platform.hihonorcloud.com"),
    *_of("Meizu", "connectivitycheck.meizu.com"),
    *_of("Samsung in China", "connectivitycheck.samsung.com"),
    *_of("Oppo, Realme", *(f"conn{n}.coloros.com" for n in range(1, 6))),
    *_of("Oppo, Realme", *(f"conn{n}.coloros.com" for n in range(1, 6)), path="/generate204"),
    *_of("Vivo", "wifi.vivo.com.cn"),
    _apple("captive.apple.com", "/hotspot-detect.html"),
    _apple("captive.apple.com", "/"),
    _apple("www.apple.com", "/library/test/success.html"),
    *(_apple(host, "/") for host in ("www.ibook.info", "www.itools.info", "www.airport.us", "www.thinkdifferent.us")),
    _windows("www.msftconnecttest.com", "/connecttest.txt", "Microsoft Connect Test"),
    _windows("ipv6.msftconnecttest.com", "/connecttest.txt", "Microsoft Connect Test"),
    _windows("www.msftncsi.com", "/ncsi.txt", "Microsoft NCSI"),
    Probe("Firefox", "detectportal.firefox.com", "/canonical.html", 200, FIREFOX, HTML),
    Probe("Firefox", "detectportal.firefox.com", "/success.txt", 200, "success\n", TEXT),
    *_of("Edge", "edge.microsoft.com", path="/captiveportal/generate_204"),
    *_of("Amazon", "fireoscaptiveportal.com"),
    Probe("Roku", "captive.roku.com", "/ok", 200, "ok", TEXT),
)  # fmt: skip
_BY_URL = {(probe.host, probe.path): probe for probe in PROBES}


def probe_of(host: str, path: str) -> Probe | None:
    """The probe that asks this; `host` without a port, in small letters. What stands after `?` does not matter."""
    return _BY_URL.get((host, path.partition("?")[0]))
