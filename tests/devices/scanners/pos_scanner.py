"""What an HID POS scanner's firmware does: a report descriptor, and text → reports."""

from __future__ import annotations

DESCRIPTOR = bytes.fromhex(
    "058c0902a1010912a102"
    "8502150026ff00750895010501093b8102"  # byte count
    "9503058c09fb09fc09fd8102"  # AIM identifier
    "953809fe820201"  # decoded data
    "0666ff95020904090081 02".replace(" ", "")  # two of the vendor's
    + "058c25017501950809ff8102"  # decode data continued
    "c0c0"
)
"""As a Honeywell scanner has it."""

NEWLAND = bytes.fromhex("058c0902a101150026ff007508950809fe81022501750195 0809ff8102".replace(" ", "") + "c0")
"""No report id, no length, no AIM: eight bytes of data and a flag."""


def report(text: str, aim: str, *, more: bool = False) -> bytes:
    data = text.encode()
    return b"".join(
        (
            bytes([2, len(data)]),
            aim.encode(),
            data.ljust(56, b"\0"),
            b"\0\0",
            bytes([1 if more else 0]),
        )
    )


def reports(text: str, aim: str) -> list[bytes]:
    parts = [text[at : at + 56] for at in range(0, len(text), 56)]
    return [report(part, aim, more=index < len(parts) - 1) for index, part in enumerate(parts)]
