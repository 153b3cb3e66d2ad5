"""Owns the folder in which the workers of one gunicorn leave their figures for each other, one file each.

prometheus-client has a mode for this; it counts two registries as one, and would switch that of the host.
What a dead worker counted still counts, or Prometheus would take the smaller sum for a restart.
"""

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple

import msgspec

from chat.figures.kinds import Sample

MEMORY = Path("/dev/shm")  # a full or a hanging disk must not hide that it is
SILENT_SECONDS = 60.0  # whoever wrote nothing for so long is gone; gunicorn kills one that hangs for half of it
ENDED = "ended"  # the file with the sums of the dead

_NAME = re.compile(r"(\d+)-[0-9a-f]{12}")  # of a folder: gunicorn's process id, and which chat of which gunicorn

Snapshot = Mapping[str, Sample]  # a figure's name -> what it told


class Told(NamedTuple):
    """What one worker has told of itself."""

    pid: int
    silent_seconds: float
    snapshot: Snapshot


class Workers:
    """The folder of one chat under one gunicorn. No process but this one's user may look into it."""

    def __init__(self, key: str, master: int, parent: Path | None = None, pid: int | None = None) -> None:
        """`key`: what the chats of one process differ by. `master`: gunicorn's process id. OSError: no folder."""
        self._pid = str(pid or os.getpid())
        parent = parent or (MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir()))
        digest = blake2b(f"{key} {_begun(master)}".encode(), digest_size=6).hexdigest()
        mine = f"chat-figures-{os.getuid()}-{os.uname().nodename}-"
        for old in parent.glob(f"{mine}*"):
            found = _NAME.fullmatch(old.name.removeprefix(mine))
            if found and not _is_alive(found[1]):
                rmtree(old, ignore_errors=True)
        self._folder = parent / f"{mine}{master}-{digest}"
        self._folder.mkdir(0o700, exist_ok=True)
        if self._folder.lstat().st_uid != os.getuid():
            raise PermissionError(f"{self._folder} is another user's")

    def write(self, snapshot: Snapshot) -> None:
        """Tell the others. Once a second, and at the end. Raises OSError."""
        self._folder.mkdir(0o700, exist_ok=True)  # systemd empties /dev/shm of a user who logs out
        self._write(self._pid, snapshot)

    def others(self) -> tuple[list[Told], list[Snapshot]]:
        """Return what the living have told, and what the dead had."""
        living: list[Told] = []
        dead: list[Snapshot] = []
        with self._locked():  # or not: a sum that is wrong once is better than to wait
            for file in self._folder.glob("*.json"):
                if (pid := file.stem) == self._pid:
                    continue
                with suppress(FileNotFoundError):  # joined meanwhile
                    silent, snapshot = _read(file)
                    if _is_alive(pid) and silent < SILENT_SECONDS:
                        living.append(Told(int(pid), silent, snapshot))
                    else:
                        dead.append(snapshot)
        return living, dead

    def join(self, sums: Callable[[Sequence[Snapshot]], Snapshot]) -> None:
        """Replace the files of the dead by one, `sums` of them: else there were one more after each restart."""
        with self._locked() as is_mine:
            dead = [file for file in self._folder.glob("*.json") if not _is_alive(file.stem)]
            if not is_mine or not dead:
                return  # the next one will
            self._write(ENDED, sums([_read(file)[1] for file in dead]))
            for file in dead:
                if file.stem != ENDED:
                    file.unlink()

    def _write(self, name: str, snapshot: Snapshot) -> None:
        new = self._folder / f"{name}.new"
        new.write_bytes(msgspec.json.encode(snapshot))
        new.replace(self._folder / f"{name}.json")

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Keep others from joining meanwhile: what is in two files would count twice. False: another one has the lock."""
        import fcntl  # not on Windows, where gunicorn does not run either

        self._folder.mkdir(0o700, exist_ok=True)
        with (self._folder / "lock").open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # never wait for it: its holder may hang
                yield False
            else:
                yield True


def _read(file: Path) -> tuple[float, Snapshot]:
    """Return for how long nothing was written, and what was."""
    return max(0.0, time.time() - file.stat().st_mtime), msgspec.json.decode(file.read_bytes())


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:  # another user's
        return True
    except (ValueError, ProcessLookupError):
        return False
    return True


def _begun(pid: int) -> str:
    """Return when a process began, in clock ticks: its number may be another one's later."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""
