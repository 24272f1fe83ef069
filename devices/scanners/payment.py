"""Payment codes at a scanner. The rule is `edge.payment`: whatever a person can scan, a page can be made to read."""

from __future__ import annotations

from edge.payment import is_payment

__all__ = ["is_payment"]
