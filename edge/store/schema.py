"""The journal's tables of the store, by `PRAGMA user_version`. A released version's text is never edited: append."""

from __future__ import annotations

from edge.store import access, coupons, footfall, gateway, presence, shake

MIGRATIONS: tuple[str, ...] = (
    gateway.SCHEMA + footfall.SCHEMA + coupons.SCHEMA,
    shake.SCHEMA + presence.SCHEMA,
    access.SCHEMA,
)
"""Text number n takes a journal from version n to n + 1."""
