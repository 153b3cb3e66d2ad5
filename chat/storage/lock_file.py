"""Owns a file that one holder at a time has locked, with a text about the holder.

What the text says, and how long others wait, is decided elsewhere.
"""

import contextlib
import os
import sys
import weakref

from chat.errors import Unavailable

TEXT_BYTES = 1_024  # written whole each time: no rest of a longer text stays behind a shorter one

if sys.platform == "win32":
    import msvcrt

    LockedByAnother = PermissionError

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, TEXT_BYTES, os.SEEK_SET)  # others could not read what is locked
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    LockedByAnother = BlockingIOError

    def _lock(descriptor: int) -> None:
        # A record lock (lockf) would let a second descriptor of this process in.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class LockFile:
    """A lock on the file at `path`, which is made where it is missing and stays when the lock ends.

    The lock ends with its process, even with kill -9. No child keeps it: exec and fork close it.

    Attributes:
        is_holder_alive: whether the holder that `take` found is known to be alive. One who locks always is.
    """

    is_holder_alive = True

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None  # None: the lock is not held
        self._file: os.stat_result  # which file it is that we have locked

    def take(self, text: str) -> str | None:
        """Take the lock and write `text`, or return the text of another holder.

        Raises:
            Unavailable: the file cannot be made or locked.
        """
        try:
            return self._take(text)
        except OSError as error:
            raise Unavailable(
                f"The server cannot lock {self._path}, as it must to serve the database beside it: {error.strerror}."
            ) from None

    def write(self, text: str) -> None:
        """Replace the text. Only for the holder."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):  # on a full disk the lock holds without a text
                os.lseek(self._descriptor, 0, os.SEEK_SET)
                os.write(self._descriptor, text.encode().ljust(TEXT_BYTES))

    def keep(self, text: str) -> bool:
        """Lock a new file if ours was deleted or replaced. False: another holder was faster."""
        if self._descriptor is None:
            return False
        with contextlib.suppress(OSError):
            if os.path.samestat(self._file, os.stat(self._path)):
                return True
        try:
            return self.take(text) is None
        except Unavailable:  # and nobody else can lock one either
            return True

    def release(self) -> None:
        """Give the lock back, if it is held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _take(self, text: str) -> str | None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(descriptor)
        except LockedByAnother:
            os.lseek(descriptor, 0, os.SEEK_SET)
            found = os.read(descriptor, TEXT_BYTES)
            os.close(descriptor)
            return found.decode()
        except OSError:
            os.close(descriptor)
            raise
        self.release()
        self._descriptor, self._file = descriptor, os.fstat(descriptor)
        _release_in_children(self)
        self.write(text)
        return None


def _release_in_children(lock: LockFile) -> None:
    """A forked child has a copy of the descriptor, and would hold the lock when its parent is dead."""
    if sys.platform != "win32":
        reference = weakref.ref(lock)

        def release() -> None:
            if held := reference():
                held.release()

        os.register_at_fork(after_in_child=release)
