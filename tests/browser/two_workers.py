"""Two workers with a bus, behind nginx: to a browser one server. Each connection goes to the other worker than the last."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.conftest import START_SECONDS, Server, StartServer
from tests.redis import Redis

CONFIG = """
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
    upstream chat {{ {upstream} }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 2m;
        location / {{
            proxy_pass http://chat;
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_read_timeout 1h;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"""


class TwoWorkers(Server):
    """As `Server`, for what a browser needs of it."""

    def __init__(self, start: StartServer, database: str, folder: Path) -> None:
        self._redis = Redis()
        self._redis.start()
        settings = {"CHAT_DATABASE_URL": database, "CHAT_BUS_URL": self._redis.url, "CHAT_TRUSTED_PROXIES": "1"}
        self._workers = [start(**settings) for _ in range(2)]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.http, self.ws = f"http://127.0.0.1:{self.port}", f"ws://127.0.0.1:{self.port}"
        upstream = " ".join(f"server 127.0.0.1:{worker.port};" for worker in self._workers)
        (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, upstream=upstream, port=self.port))
        nginx = shutil.which("nginx") or str(shutil.which("nginx", path="/usr/sbin"))
        self.process = subprocess.Popen([nginx, "-c", str(folder / "nginx.conf"), "-g", "daemon off;"])
        until = time.monotonic() + START_SECONDS
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            assert time.monotonic() < until
            time.sleep(0.02)

    @property
    def log(self) -> str:
        return "".join(worker.log for worker in self._workers)

    def end(self) -> None:
        for worker in self._workers:
            worker.end()
        self.process.terminate()
        self.process.wait(START_SECONDS)
        self._redis.stop()
