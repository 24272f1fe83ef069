"""The journal: what the shop did, and what the cloud has still to hear, in one SQLite file with one writer.

`journal` is what callers see; `file` opens, checks and migrates; `writer` is the thread that commits groups; `outbox`
is what waits and how it is bounded. `head` says how far the journal got, `presence` whether its files are still there;
`folding`, `spans` and `reserve` serve the rest. The shop's rules are in `edge.store`.
"""

from edge.journal.journal import Journal
from edge.journal.outbox import Row
from edge.journal.writer import OutboxStats

__all__ = ["Journal", "OutboxStats", "Row"]
