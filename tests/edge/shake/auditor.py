"""Somebody who trusts nobody: the outbox's events and the documents, nothing of ours imported that decides."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from edge import telemetry as tm
from edge.shop import CarriedBy, Shop
from edge.telemetry import Telemetry


def faults(news: list[Telemetry], shop: Shop, commits: Mapping[str, str] | None = None) -> list[str]:
    """What does not follow from the seeds. `commits`: shake → what its phone was promised."""
    wins = {each.shake: each for each in news if isinstance(each, tm.DrawWon)}
    found: list[str] = []
    for shake in (each for each in news if isinstance(each, tm.ShakeMade)):
        secret = bytes.fromhex(shake.secret)
        promised = (commits or {}).get(shake.shake)
        if promised is not None and hashlib.sha256(secret).hexdigest() != promised:
            found.append(f"{shake.shake}: the secret is not the one that was promised")
        seed = hashlib.sha256(secret + shake.salt.encode()).hexdigest()
        if shake.page != page_of(shake, shop, seed):
            found.append(f"{shake.shake}: another page")
        found += won(shake, wins.pop(shake.shake, None), shop, seed)
    return found + [f"{name}: won without a shake" for name in wins]


def number(seed: str, purpose: str, below: int) -> int:
    return (int(hashlib.sha256(f"{seed}/{purpose}".encode()).hexdigest()[:32], 16) * below) >> 128


def page_of(shake: tm.ShakeMade, shop: Shop, seed: str) -> str:
    """Each bound page, as often as it weighs, in one long row."""
    if shake.beacon is not None:
        beacons = [shop.beacons[shake.beacon]]
    else:
        hanging = [each for each in shop.beacons.values() if each.carried_by is CarriedBy.NOBODY]
        here = [each for each in hanging if shake.zone is None or each.zone == shake.zone]
        beacons = sorted(here, key=lambda each: each.id)
    row = [
        each.page for beacon in beacons for each in beacon.pages for _ in range(each.weight) if each.page in shop.pages
    ]
    return row[number(seed, "page", len(row))]


def won(shake: tm.ShakeMade, told: tm.DrawWon | None, shop: Shop, seed: str) -> list[str]:
    if (shake.outcome == "won") != (told is not None):
        return [f"{shake.shake}: won and draw.won.v1 go together"]
    if shake.outcome not in {"won", "lost"}:
        return []
    draw = shop.draws.get(shop.pages[str(shake.page)].draw)
    if draw is None:
        return [f"{shake.shake}: its page has no draw"]
    roll = number(seed, f"draw/{draw.id}", 1_000_000)
    edge, campaign = 0, ""
    for prize in draw.prizes:
        edge += prize.chance_ppm
        if roll < edge:
            campaign = prize.campaign
            break
    if told is None:
        return [f"{shake.shake}: told lost, but {roll} wins {campaign}"] if campaign else []
    same = (told.draw, told.campaign, told.roll_ppm, told.below_ppm) == (draw.id, campaign, roll, edge)
    return [] if same else [f"{shake.shake}: told {told}, but {roll} is {campaign or 'nothing'}"]
