"""Owns a file that one holder has locked, or several who share it, with a text that is the caller's affair."""

import contextlib
import os
import sys
from weakref import WeakMethod

from chat.errors import Unavailable
from chat.files import open_own

TEXT_BYTES = 1_024  # written whole each time: no rest of a longer text stays behind a shorter one

if sys.platform == "win32":
    import msvcrt

    LockedByAnother = PermissionError

    def _lock(descriptor: int, _is_shared: bool) -> None:  # there is no shared lock
        os.lseek(descriptor, TEXT_BYTES, os.SEEK_SET)  # others could not read what is locked
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    LockedByAnother = BlockingIOError

    def _lock(descriptor: int, is_shared: bool) -> None:
        # A record lock (lockf) would let a second descriptor of this process in.
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


class LockFile:
    """A lock on the file at `path`, which is made where it is missing and stays when the lock ends.

    The lock ends with its process, even with kill -9. No child keeps it: exec and fork close it.
    """

    is_holder_alive = True  # as one who locks always is

    def __init__(self, path: str, is_shared: bool = False) -> None:
        """`is_shared`: hold it together with others who share it, and with nobody else."""
        self._path = path
        self._is_shared = is_shared
        self._descriptor: int | None = None  # None: the lock is not held
        if sys.platform != "win32":
            # A forked child has a copy of the descriptor, and would hold the lock when its parent is dead.
            release = WeakMethod(self.release)
            os.register_at_fork(after_in_child=lambda: (method := release()) and method())

    def take(self, text: str) -> str | None:
        """Take the lock and write `text`, or return another holder's. Raises Unavailable: no file can be locked."""
        try:
            descriptor = open_own(self._path, os.O_RDWR)
            try:
                _lock(descriptor, self._is_shared)
            except OSError as error:
                with open(descriptor, "rb", buffering=0) as file:  # closes it
                    if isinstance(error, LockedByAnother):
                        file.seek(0)
                        return file.read(TEXT_BYTES).decode()
                    raise
        except OSError as error:
            raise Unavailable(
                f"The server cannot lock {self._path}, as it must to serve the database beside it: {error.strerror}."
            ) from None
        self.release()
        self._descriptor = descriptor
        self.write(text)
        return None

    def free(self, text: str) -> None:
        """Do nothing: the lock of a dead process is free already."""

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
            if os.path.samestat(os.fstat(self._descriptor), os.stat(self._path)):
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
