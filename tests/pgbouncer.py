"""A pgbouncer of the tests' own, from Debian's package, in transaction mode: few connections to PostgreSQL, for many."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import psycopg
from sqlalchemy import make_url

BIN = "/usr/sbin"  # where Debian's package puts it, which is not on everybody's PATH
START_SECONDS = 30
SERVERS = 3  # connections to PostgreSQL: fewer than one worker has to pgbouncer


class PgBouncer:
    """Made and begun by `PgBouncer(folder, url)`, before the database of that URL; ended by `stop`."""

    def __init__(self, folder: Path, url: str) -> None:
        behind = make_url(url)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        (folder / "users").write_text('"postgres" ""\n')
        (folder / "ini").write_text(
            f"[databases]\n* = host={behind.host} port={behind.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {folder}/users\n"
            f"pool_mode = transaction\ndefault_pool_size = {SERVERS}\nmax_client_conn = 100\n"
        )
        command = [str(shutil.which("pgbouncer") or shutil.which("pgbouncer", path=BIN)), "-q", str(folder / "ini")]
        if os.geteuid() == 0:  # which it refuses to run as
            folder.chmod(0o755)
            command = [command[0], "-u", "postgres", *command[1:]]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.url = str(behind.set(port=port))
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, "pgbouncer ended"
                assert time.monotonic() < until, "pgbouncer takes no connection"
                time.sleep(0.02)

    @staticmethod
    def is_installed() -> bool:
        return bool(shutil.which("pgbouncer") or shutil.which("pgbouncer", path=BIN))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(START_SECONDS)
