from __future__ import annotations

import sqlite3

from edge.journal import file
from edge.store import schema


def tables(db: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(db.execute("SELECT name, sql FROM sqlite_master"))


def test_a_journal_of_any_earlier_version_becomes_the_newest() -> None:
    new = sqlite3.connect(":memory:", isolation_level=None)
    file.migrate(new)
    for version in range(1, len(schema.MIGRATIONS)):
        old = sqlite3.connect(":memory:", isolation_level=None)
        old.executescript(file.SCHEMA + "".join(schema.MIGRATIONS[:version]) + f"PRAGMA user_version = {version};")
        assert tables(old) < tables(new)
        file.migrate(old)
        assert tables(old) == tables(new)
        old.close()
    new.close()
