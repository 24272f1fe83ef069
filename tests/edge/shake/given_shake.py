"""Where the dialogues about shakes start: a shop with beacons, pages and a draw, and the events in short."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

from edge import chance, shake_nonce
from edge import events as ev
from edge.events import Heard, Via
from edge.ids import BeaconId, StationId, ZoneId
from edge.shake_answers import Exchanged, Shaken, ShakeRefusal, ShakeWhy, TicketWrong
from edge.shop import Beacon, Bound, CarriedBy, Document, Draw, Page, Prize, Shop
from edge.tokens import serial_text
from tests.edge.coupons.given_coupons import DAY_MS, Dialogue, campaign
from tests.given import NOON_MS
from tests.given_store import memory_tx

UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
COOLDOWN_MS = 5_000


def beacon(name: str, minor: int, *pages: str | Bound, zone: str = "", **changes: object) -> Beacon:
    bound = tuple(each if isinstance(each, Bound) else Bound(page=each) for each in pages)
    wanted: dict[str, object] = {"uuid": UUID, "major": 1, "zone": zone, "pages": bound}
    return Beacon(id=name, minor=minor, **(wanted | changes))  # type: ignore[arg-type]


def page(name: str, **changes: object) -> Page:
    wanted: dict[str, object] = {
        "title_zh": f"{name}页",
        "title_en": name,
        "page_url": f"https://shop.example/{name}?a=1#top",
    }
    return Page(id=name, **(wanted | changes))  # type: ignore[arg-type]


def draw(**changes: object) -> Draw:
    wanted: dict[str, object] = {
        "id": "lucky",
        "name_zh": "幸运抽奖",
        "name_en": "Lucky draw",
        "starts_ms": NOON_MS - DAY_MS,
        "ends_ms": NOON_MS + 30 * DAY_MS,
        "prizes": (Prize(campaign="milk", chance_ppm=200_000), Prize(campaign="bread", chance_ppm=300_000)),
        "wins_per_shopper": 0,
    }
    return Draw(**(wanted | changes))  # type: ignore[arg-type]


def by_id(*documents: Document) -> dict[str, Document]:
    return {str(each.id): each for each in documents}


BEACONS = (
    beacon("door", 1, "welcome", zone="entrance"),
    beacon("shelf", 2, Bound(page="milk", weight=3), "cheese", zone="dairy"),
    beacon("wall", 3, "wheel", zone="dairy"),
    beacon("bare", 4, zone="entrance"),
    beacon("cart", 5, "welcome", zone="dairy", carried_by=CarriedBy.CART),
    beacon("counter", 6, "gift", zone="till"),
    beacon("torn", 7, "gone", zone="cellar"),
)
PAGES = (page("welcome"), page("milk"), page("cheese"), page("wheel", draw="lucky"), page("gift", campaign="milk"))


def shop(*beacons: Beacon, pages: tuple[Page, ...] = PAGES, draws: tuple[Draw, ...] = (), **changes: object) -> Shop:
    campaigns = (campaign(per_member=0), campaign(id="bread", per_member=0))
    made = Shop(
        beacons=by_id(*(beacons or BEACONS)),  # type: ignore[arg-type]
        pages=by_id(*pages),  # type: ignore[arg-type]
        draws=by_id(*(draws or (draw(),))),  # type: ignore[arg-type]
        campaigns=by_id(*campaigns),  # type: ignore[arg-type]
    )
    return msgspec.structs.replace(made, **changes)


@dataclass
class Shakes(Dialogue):
    """A dialogue that can shake. Nonces, secrets and salts come from a counter: each shake has its own."""

    @classmethod
    def open(cls, of: Shop | None = None, *, units: int = 10) -> Shakes:
        made = cls(memory_tx(of or shop()))
        for name in made.tx.shop.campaigns if units else ():
            made.grant(campaign=name, units=units)
        return made

    def made(
        self,
        nonce: str = "",
        *,
        shopper: str = "anna",
        heard: tuple[str, ...] = (),
        zone: str = "",
        via: Via | None = None,
        station: str = "",
    ) -> ev.ShakeMade:
        serial = self.fresh()
        nonce = nonce or f"nonce-{serial}"
        secret = hashlib.sha256(f"secret/{nonce}".encode()).digest()
        return ev.ShakeMade(
            at=self.now,
            nonce=nonce,
            shopper=shopper,
            via=via or (Via.WIFI if zone else Via.BEACON),
            heard=tuple(Heard(beacon=BeaconId(each), distance_m=1.5 + at) for at, each in enumerate(heard)),
            zone=ZoneId(zone) if zone else None,
            station=StationId(station) if station else None,
            seed=chance.seed_of(secret, f"salt/{serial}"),
            secret=secret.hex(),
            salt=f"salt/{serial}",
            serial=serial_text(hashlib.sha256(serial.encode()).digest()[:10]),
            ticket_hash=ticket_hash(shake_nonce.shake_id(nonce)),
        )

    def shake(self, *heard: str, **more: object) -> Shaken | ShakeRefusal:
        return self.say(self.made(heard=heard, **more))  # type: ignore[arg-type, return-value]

    def shaken(self, *heard: str, wait_ms: int = COOLDOWN_MS, **more: object) -> Shaken:
        """One that is answered with yes; time goes on by the cool-down."""
        answer = self.shake(*heard, **more)
        assert isinstance(answer, Shaken), answer
        self.at_ms += wait_ms
        return answer

    def why(self, *heard: str, **more: object) -> ShakeWhy:
        answer = self.shake(*heard, **more)
        assert isinstance(answer, ShakeRefusal), answer
        return answer.why

    def open_page(self, shake_id: str) -> object:
        return self.say(ev.PageOpened(at=self.now, shake=shake_id))

    def exchange(self, shake_id: str) -> Exchanged | TicketWrong:
        return self.say(ev.TicketExchanged(at=self.now, ticket_hash=ticket_hash(shake_id)))  # type: ignore[return-value]

    def count(self, table: str) -> int:
        return int(self.tx.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def ticket_hash(shake_id: str) -> str:
    return hashlib.sha256(f"ticket of {shake_id}".encode()).hexdigest()
