"""The way a guest goes, without a browser: probe, redirect, splash page, its form, what comes of it."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from tests.peers.wifi.given_http import Answer, Form, forms
from tests.peers.wifi.given_network import GUEST4
from tests.peers.wifi.given_phone import Phone

PROBE = "http://captive.apple.com/hotspot-detect.html"
ACCEPT = "/portal/accept"
LEAVE = "/portal/leave"


class Splash:
    """The page that the phone was led to, with its form."""

    def __init__(self, phone: Phone, *, family: int = 4) -> None:
        led = phone.fetch(PROBE, family=family)
        assert led.status == 302, (led.status, led.text[:500])
        self.phone = phone
        self.url = urljoin(PROBE, led.location)
        self.page = phone.fetch(self.url)
        assert self.page.status == 200, (self.page.status, self.page.text[:500])

    @property
    def forms(self) -> list[Form]:
        return [form for form in forms(self.page.text) if urlsplit(form.action).path == ACCEPT]

    def form(self, **fields: str) -> dict[str, str]:
        """As the browser would send it: all forms of the page have the same hidden fields."""
        assert self.forms, self.page.text
        found = next((form for form in self.forms if form.fields.get("way") == fields.get("way")), self.forms[0])
        had = {name: value for name, value in found.fields.items() if name != "marketing"}
        return {**had, **fields}

    def send(self, fields: dict[str, str], *, headers: dict[str, str] | None = None, method: str = "POST") -> Answer:
        address = urljoin(self.url, ACCEPT)
        at_home = {"Origin": f"{urlsplit(self.url).scheme}://{urlsplit(self.url).netloc}"}
        return self.phone.fetch(address, data=fields, headers={**at_home, **(headers or {})}, method=method)


def log_in(phone: Phone, way: str = "click", *, family: int = 4, **fields: str) -> Answer:
    """The answer to its form."""
    splash = Splash(phone, family=family)
    return splash.send(splash.form(way=way, **fields))


def is_in(answer: Answer) -> bool:
    return answer.status == 303 and urlsplit(answer.location).path == "/portal/welcome"


def let_in(phone: Phone, way: str = "click", *, family: int = 4, **fields: str) -> None:
    answer = log_in(phone, way, family=family, **fields)
    assert is_in(answer), (answer.status, answer.location, answer.text[:2000])


def leave(phone: Phone) -> Answer:
    """By the welcome page's button."""
    page = phone.fetch(f"http://{GUEST4}/portal/welcome")
    form = next(form for form in forms(page.text) if urlsplit(form.action).path == LEAVE)
    return phone.fetch(f"http://{GUEST4}{LEAVE}", data=form.fields, headers={"Origin": f"http://{GUEST4}"})
