"""A scanned or typed text → which coupon it is, checked with the keys that are known here. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from edge import tokens
from edge.coupon_answers import Refused, Why
from edge.ids import CampaignId, Serial
from edge.keys import GatewayKeys, key_id_of, public_of_text, verifier
from edge.shop import Campaign
from edge.tokens import Token, TokenError, TokenWhy, Verify


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon whose text is genuine. Whether it is still good is the ledger's to say."""

    serial: Serial
    campaign: CampaignId = CampaignId("")
    """By the token's tag among the campaigns known here; empty for a short code or a serial."""
    issued_here: bool = True
    from_ms: int = 0
    to_ms: int = 0


class CouponReader:
    def __init__(self, keys: GatewayKeys, peer_keys: Mapping[str, str]) -> None:
        """`peer_keys` as in gateway.toml. Raises StoregateError for one that is no key."""
        self._keys = keys
        self._ring: dict[bytes, Verify] = {}
        for name, text in peer_keys.items():
            public = public_of_text(f"coupons.peer_keys.{name}", text)
            self._ring[key_id_of(public)] = verifier(public)
        self._ring[keys.key_id] = verifier(keys.public)

    def read(self, text: str, campaigns: Mapping[str, Campaign], *, serial_too: bool = False) -> Read | Refused:
        """`serial_too`: a bare serial is taken as well: for people at the gateway, never for a till or a page."""
        bare = tokens.tidy(text)
        if serial_too and tokens.is_serial(bare):
            return Read(serial=Serial(bare))
        try:
            if len(bare) == tokens.SHORT_CHARS:
                return Read(serial=tokens.serial_of_short(bare, self._keys.short))
            token = tokens.decode(bare, self._ring)
        except TokenError as error:
            return Refused(why=_why(error.why, short=len(bare) == tokens.SHORT_CHARS))
        return self._of(token, campaigns)

    def _of(self, token: Token, campaigns: Mapping[str, Campaign]) -> Read:
        named = (name for name in campaigns if tokens.campaign_tag(name) == token.campaign_tag)
        return Read(
            serial=token.serial,
            campaign=CampaignId(next(named, "")),
            issued_here=token.key_id == self._keys.key_id,
            from_ms=token.from_ms,
            to_ms=token.to_ms,
        )

    def token(self, serial: Serial, campaign: str, *, holder: str, from_ms: int, to_ms: int) -> str:
        """The QR text of a coupon of ours. Hours are rounded outwards: the row of the ledger has the exact time."""
        from_hour = from_ms // tokens.HOUR_MS
        made = Token(
            key_id=self._keys.key_id,
            campaign_tag=tokens.campaign_tag(campaign),
            serial=serial,
            from_hour=from_hour,
            life_hours=min(2**24 - 1, -(-to_ms // tokens.HOUR_MS) - from_hour),
            holder_tag=tokens.holder_tag(holder),
        )
        return tokens.encode(made, self._keys.sign)

    def short_code(self, serial: Serial) -> str:
        return tokens.short_code(serial, self._keys.short)


def _why(why: TokenWhy, *, short: bool) -> Why:
    if short:  # mistyped and issued elsewhere look the same
        return Why.UNREADABLE
    known = {TokenWhy.UNKNOWN_KEY: Why.WRONG_STORE, TokenWhy.SIGNATURE: Why.FORGED}
    return known.get(why, Why.UNREADABLE)
