"""The policy in force, as desks and pages use it: see `edge.policies`, where what the rules need of it comes from."""

from __future__ import annotations

from edge.policies import Logs, Policy, in_force, load

__all__ = ["Logs", "Policy", "in_force", "load"]
