"""The till API as OpenAPI 3.1, out of the very types it reads and writes. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

import edge
from edge.coupon_answers import REFUSALS, Redeemed, Released, Reserved, Shown, Why
from edge.web.refusals import STATUS
from edge.web.shop.till_requests import KEY_HEADER, CommitRequest, ReleaseRequest, ReserveRequest, ShowRequest

TILL_CODES = tuple(
    why
    for why in Why
    if why not in {Why.NOT_SELF_SERVE, Why.LIMIT_REACHED, Why.NONE_LEFT} and not why.startswith("grant_")
)
"""What a till can hear; the others are for issuing."""
OTHER_CODES = {
    400: ("bad_request",),
    401: ("wrong_key",),
    413: ("too_large",),
    503: ("disk_full", "read_only", "io_error", "outbox_full", "busy", "closed", "fault"),
}
_CALLS: tuple[tuple[str, str, type, type, str], ...] = (
    ("reserve", "Hold a coupon for a receipt", ReserveRequest, Reserved, "held until `until_ms`"),
    ("commit", "The receipt is paid: the coupon is used up", CommitRequest, Redeemed, "redeemed"),
    ("release", "The receipt was not paid: give the coupon back", ReleaseRequest, Released, "free again"),
    ("show", "Look at a coupon; changes nothing", ShowRequest, Shown, "what it is and whether a till would take it"),
)
_REF = "#/components/schemas/{name}"


def document() -> dict[str, Any]:
    types = [each for call in _CALLS for each in call[2:4]]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    components["Error"] = _error()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "storegate till API",
            "version": edge.__version__,
            "description": "Coupons at the till, online or offline. Money is integer fen, times are UTC milliseconds.",
        },
        "security": [{"station": []}],
        "paths": {
            f"/till/v1/coupons/{name}": {"post": _call(name, summary, schemas[2 * i], schemas[2 * i + 1], good)}
            for i, (name, summary, _, _, good) in enumerate(_CALLS)
        },
        "components": {
            "schemas": components,
            "securitySchemes": {"station": {"type": "http", "scheme": "bearer"}},
        },
    }


def _call(name: str, summary: str, wanted: dict[str, Any], answer: dict[str, Any], good: str) -> dict[str, Any]:
    parameter = {
        "name": KEY_HEADER,
        "in": "header",
        "required": False,
        "description": "Instead of `receipt` and `line`; the same one for reserve, commit and release of a coupon.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    }
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [] if name == "show" else [parameter],
        "requestBody": {"required": True, "content": {"application/json": {"schema": wanted}}},
        "responses": {"200": {"description": good, "content": {"application/json": {"schema": answer}}}} | _refusals(),
    }


def _refusals() -> dict[str, Any]:
    lines: defaultdict[int, list[str]] = defaultdict(list)
    for why in TILL_CODES:
        lines[STATUS[why]].append(f"`{why}`: {REFUSALS[why].en.replace('{', '').replace('}', '')}")
    for status, codes in OTHER_CODES.items():
        lines[status] += [f"`{code}`" for code in codes]
    content = {"application/json": {"schema": {"$ref": _REF.format(name="Error")}}}
    return {str(status): {"description": "; ".join(told), "content": content} for status, told in sorted(lines.items())}


def _error() -> dict[str, Any]:
    codes = [str(why) for why in TILL_CODES] + [code for codes in OTHER_CODES.values() for code in codes]
    fields = {
        "code": {"type": "string", "enum": codes, "description": "stable: switch on it"},
        "message": {"type": "string", "description": "English, for a person"},
        "message_zh": {"type": "string", "description": "Chinese, for a person"},
        "hint": {"type": "string"},
        "at_ms": {"type": ["integer", "null"], "description": "used, expired …: when; not_yet: from when"},
        "place": {"type": ["string", "null"], "description": "used, reserved_elsewhere: at which till"},
        "mistakes": {"type": "array", "items": {"type": "string"}, "description": "bad_request: all of them"},
    }
    return {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "object", "required": ["code", "message"], "properties": fields}},
    }
