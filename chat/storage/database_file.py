"""Owns the watch over an SQLite database's files: do they still lie where the next start looks for them?

An open file that is deleted or replaced takes commits as before, and nobody will ever see them: SQLite
does not look (sqlite.org/howtocorrupt.html, section 4.4), so we do.
"""

import logging
import os

from sqlalchemy.exc import SQLAlchemyError

from chat.errors import BadSetting
from chat.files import open_own

Identity = tuple[int, int] | None  # device and inode; None: no such file can be found


class FileReplaced(SQLAlchemyError):
    """The database's file was deleted or replaced under the running server."""


class DatabaseFile:
    """The files of one database: itself, and the WAL that holds the newest commits. Without a path, none."""

    def __init__(self, path: str | None, log: logging.Logger) -> None:
        self._path = path
        self._log = log
        self._database: Identity = None  # as the first connection made or found it
        self._wal: Identity = None  # since the writer connected; SQLite deletes it with its last connection
        self._gone: set[str] = set()  # the paths that the log has been told of

    def make(self) -> None:
        """Make the file if there is none, for nobody else on this machine to read: before the first connection.

        Raises:
            BadSetting: its folder is missing, or takes no new file from this user.
        """
        if not self._path or self._database is not None:
            return
        try:
            os.close(open_own(self._path, os.O_EXCL | os.O_WRONLY))
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            name = "CHAT_DATABASE_URL"
            raise BadSetting(
                f"{name}: {self._path} cannot be made: {error.strerror}. Make its folder, for the server's user to write "
                "in, or name another file.",
                name,
            ) from None
        except OSError:  # it is there; or cannot be made, as SQLite will say
            pass

    def connected(self) -> None:
        """The file has been made, or found."""
        if self._path and self._database is None:
            self._database = _identity(self._path)
            if os.name == "posix" and os.stat(self._path).st_mode & 0o077:
                self._log.warning("others on this machine may read %s; chmod 600 keeps it yours", self._path)

    def writer_connected(self) -> None:
        self._wal = None

    def check(self) -> None:
        """Look before something is read. Raises FileReplaced."""
        if self._path and self._database is not None:
            self._compare(self._path, self._database)

    def check_committed(self) -> None:
        """Look after a commit, and before it is acknowledged. Raises FileReplaced."""
        self.check()
        if self._path and self._wal is not None:
            self._compare(f"{self._path}-wal", self._wal)
        elif self._path:
            self._wal = _identity(f"{self._path}-wal")

    def _compare(self, path: str, expected: Identity) -> None:
        if _identity(path) == expected:
            if path in self._gone:
                self._gone.discard(path)
                self._log.warning("%s is back: messages are stored again", path)
            return
        if path not in self._gone:  # told once, not for each commit that fails by it
            self._gone.add(path)
            self._log.error(
                "%s was deleted or replaced under the running server: nothing is stored until the "
                "file is put back or the server is restarted",
                path,
            )
        raise FileReplaced(path)


def _identity(path: str) -> Identity:
    try:
        found = os.stat(path)
    except OSError:  # it is gone, or its folder is: unmounted, unreadable, a file now
        return None
    return found.st_dev, found.st_ino
