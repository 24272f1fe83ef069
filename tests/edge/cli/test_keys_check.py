"""Given a box whose keys/ lacks a file, expect a line only if something is out that needs it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from edge.cli import checks
from edge.config import parse
from edge.journal.file import migrate
from edge.keys import NAMES
from edge.status.damage import MEANS, missed

BOX = '[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\nstate_dir = "{state}"\n'


def test_each_key_has_words() -> None:
    assert MEANS.keys() == {*NAMES}


def test_the_wifis_key_is_missed_by_vouchers_and_records_only(tmp_path: Path) -> None:
    config = parse(BOX.format(state=tmp_path), where="test")
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as db:
        assert missed(db, name="wifi.key") == 0  # of a release that knew no guests
        migrate(db)
        assert list(checks.keys(config)) == []
        db.execute("INSERT INTO voucher (hash, batch) VALUES ('aa', 'b')")
    (line,) = checks.keys(config)
    assert "keys/wifi.key is gone: vouchers" in line.text
    assert line.next
