"""What a scan and a look-up mean: the scan is told, and shown on the station's screen."""

from __future__ import annotations

from edge import events as ev
from edge import telemetry as tm
from edge.effects import ShowOnKiosk
from edge.store.tx import DONE, Outcome, Tx


def scanned(event: ev.CodeScanned, tx: Tx) -> Outcome:
    """Goods are told with their GTIN; tokens and payment codes by kind only."""
    code = event.code
    tx.tell(
        tm.CodeScanned(
            device=event.device,
            station=event.station,
            transport=event.transport,
            kind=code.kind,
            gtin=code.gtin,
            item=code.item or None,
            price_fen=code.price_fen,
            weight_g=code.weight_g,
            votes=event.votes,
        ),
        at=event.at,
        subject=event.device,
    )
    if event.station is None:
        return DONE
    return Outcome(effects=(ShowOnKiosk(station=event.station, code=code),))


def used(event: ev.ProductSearched | ev.ProductViewed | ev.KioskReset, tx: Tx) -> Outcome:
    """Kiosk use, without a shopper in it."""
    match event:
        case ev.ProductSearched():
            news: tm.Telemetry = tm.ProductSearched(
                station=event.station, letters=event.letters, hits=event.hits, took_ms=event.took_ms
            )
        case ev.ProductViewed():
            news = tm.ProductViewed(station=event.station, gtin=event.gtin, via=event.via)
        case ev.KioskReset():
            news = tm.KioskVisited(station=event.station, reason=event.reason, visit_s=event.visit_s, views=event.views)
    tx.tell(news, at=event.at, subject=event.station)
    return DONE
