"""The cloud's commands: `messages` says which there are, `doing` does them, `refresh` brings a catalogue."""

from __future__ import annotations

from edge.commands.doing import Commands
from edge.commands.messages import Asked, CommandReply

__all__ = ["Asked", "CommandReply", "Commands"]
