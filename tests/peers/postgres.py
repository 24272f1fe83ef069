"""A PostgreSQL server for one test session."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The URL of a server in `folder`. It refuses to run as root, so then it runs as `nobody`."""
    pytest.importorskip("psycopg", reason="pip install 'storegate[postgres]'")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    root = os.geteuid() == 0
    if root and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL can't run as root, and there is no runuser")
    user = ["runuser", "-u", "nobody", "--"] if root else []
    if root:
        for each in (folder, *folder.parents[:3]):
            each.chmod(0o755)
        shutil.chown(folder, "nobody")
    tools = programs[-1].parent

    def run(*command: str | Path) -> None:
        subprocess.run([*user, *command], cwd=folder, check=True, capture_output=True, timeout=60)

    run(tools / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
    options = f"-c listen_addresses= -c unix_socket_directories={folder}"
    run(tools / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        run(tools / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
