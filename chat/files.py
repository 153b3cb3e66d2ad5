"""Owns how this program makes a file or a folder: for its owner alone, and for the user that the server runs as."""

import os
from contextlib import suppress
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o600, 0o700


def open_own(path: str | Path, flags: int) -> int:
    """Open a file, which is made if need be (0600), and return its descriptor. Raises OSError.

    What root makes gets the owner of its folder: the server is seldom root, and has to write it.
    """
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, FILE_MODE)
    except FileExistsError:
        if flags & os.O_EXCL:
            raise
        return os.open(path, flags | os.O_CREAT, FILE_MODE)
    _give_to_owner_of(Path(path).parent, descriptor)
    return descriptor


def make_folder(path: str | Path) -> None:
    """Make a folder (0700), and those above it, if need be. Raises OSError. Its owner: as `open_own` says."""
    folder = Path(path)
    if folder.is_dir():
        return
    there = next(above for above in folder.absolute().parents if above.exists())
    folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        _give_to_owner_of(there, descriptor)
        os.close(descriptor)


def _give_to_owner_of(folder: Path, descriptor: int) -> None:
    if os.name == "posix" and os.geteuid() == 0:
        owner = folder.stat()
        with suppress(OSError):  # some file systems know no owners
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
