"""Shakes, the pages they showed, and what was won. No phone, no shopper."""

from __future__ import annotations

from edge.telemetry.base import Count, Kept, Telemetry


class ShakeMade(Telemetry, frozen=True, kw_only=True):
    """Somebody shook a phone and was answered.

    Anybody can check the chance in it: sha256(secret) is the `commit` that the phone had before it sent `salt`;
    seed = sha256(secret ‖ salt); docs/coupons.md says how page and draw come from the seed.
    """

    TYPE = "shake.made.v1"
    shake: str
    via: str
    """beacon | wifi | zone_code | kiosk"""
    beacon: str | None
    zone: str | None
    page: str | None
    outcome: str
    """page | coupon | won | lost | empty"""
    secret: str
    salt: str


class ShakeRefused(Telemetry, frozen=True, kw_only=True):
    """A shake was answered with no."""

    TYPE = "shake.refused.v1"
    KEPT = Kept.DIAGNOSTIC
    why: str
    via: str


class PageShown(Telemetry, frozen=True, kw_only=True):
    """The page of a shake was opened."""

    TYPE = "page.shown.v1"
    shake: str
    page: str
    beacon: str | None
    zone: str | None


class DrawWon(Telemetry, frozen=True, kw_only=True):
    """A shake won in a draw; its coupon's own event says the rest."""

    TYPE = "draw.won.v1"
    shake: str
    draw: str
    campaign: str
    serial: str
    roll_ppm: Count
    """What the seed came to, 0 to 999,999."""
    below_ppm: Count
    """It won because `roll_ppm` is below this, and not below what the prizes before it add up to."""
