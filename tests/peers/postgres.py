"""A PostgreSQL server for one test session."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server in a folder of its own. It refuses to run as root, so then it runs as `nobody`."""
    pytest.importorskip("psycopg", reason="pip install 'storegate[postgres]'")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    root = os.geteuid() == 0
    if root and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL can't run as root, and there is no runuser")
    user = ["runuser", "-u", "nobody", "--"] if root else []
    tools = programs[-1].parent

    with tempfile.TemporaryDirectory(prefix="storegate-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if root:
            shutil.chown(folder, "nobody")

        def run(program: str, *more: str) -> None:
            command = [*user, tools / program, "-D", folder / "data", *more]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)

        run("initdb", "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses= -c unix_socket_directories={folder}"
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
