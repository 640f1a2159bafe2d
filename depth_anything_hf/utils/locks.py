# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One process at a time works in a folder or writes a file; the system frees the lock with the process.

That holds after a kill, too.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import WeakSet

from filelock import lock_descriptor


logger = logging.getLogger(__name__)

LOCK_FILE = ".lock"

# Windows locks the first byte, which no other process can then read; the holder's name comes after it.
_LOCKED_BYTES = 1
_LONGEST_HOLDER_BYTES = 1000


class FolderLock:
    """Context manager that keeps other processes out of a folder, from `acquire` to its end or the process's death.

    Where the file system knows no locks, it warns and excludes no one. The lock file is deleted at the end.

    Args:
        folder: to keep others out of.
        name: of the lock's file in the folder; other names are other locks.
        activity: what its holder does in the folder, for the message ("training").
        advice: what the user of the second process can do, for the message.
    """

    def __init__(
        self, folder: Path, *, name: str = LOCK_FILE, activity: str = "at work", advice: str = "wait for its end"
    ) -> None:
        self.path = folder / name
        self._activity, self._advice = activity, advice
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether others are kept out, which they are not where the file system knows no locks."""
        return self._descriptor is not None

    def __enter__(self) -> FolderLock:
        return self

    def acquire(self) -> None:
        """Take the lock, or raise; a lock that is held already stays so.

        Raises:
            ValueError: another process has it; the message says which one, and what to do.
            OSError: the lock's file cannot be opened, e.g. because there is no such folder.
        """
        if self.try_acquire():
            return
        holder = self._holder()
        who = "this process" if holder == _own_name() else "another process"
        raise ValueError(
            f"{who} is {self._activity} in {self.path.parent}; {holder or 'it'} holds {self.path.name}: {self._advice}"
        )

    def try_acquire(self) -> bool:
        """Take the lock if it is free; return whether this process may work in the folder.

        Raises:
            OSError: the lock's file cannot be opened.
        """
        while self._descriptor is None:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                is_locked = lock_descriptor(descriptor, blocking=False)
            except OSError as error:
                os.close(descriptor)
                with suppress(OSError):
                    self.path.unlink()
                logger.warning("%s cannot be locked (%s): a second process is not kept out", self.path, error)
                return True
            # The previous holder may have deleted the file after it was opened here; then another one counts.
            if is_locked and _is_open_at(self.path, descriptor):
                self._descriptor = descriptor
                _held.add(self)
                with suppress(OSError):
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, b" " * _LOCKED_BYTES + _own_name().encode())
            else:
                os.close(descriptor)
                if not is_locked:
                    return False
        return True

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            _held.discard(self)
            if os.name == "posix":
                # First the file and then the lock, so that no process locks a file that is about to be deleted.
                self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None
            if os.name != "posix":
                # Here no open file can be deleted, neither by its holder nor under a process that came next.
                with suppress(OSError):
                    self.path.unlink()

    def forget(self) -> None:
        """Leave the lock to the process that took it; for a forked process."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _holder(self) -> str:
        try:
            with open(self.path, "rb", buffering=0) as file:
                file.seek(_LOCKED_BYTES)
                return (file.read(_LONGEST_HOLDER_BYTES) or b"").decode(errors="replace").strip()
        except OSError:
            return ""


@contextmanager
def hold_file(path: Path) -> Iterator[None]:
    """Create a file and lock it while it is written, so that `unlink_unless_held` leaves it alone in any process.

    The number of a process tells nothing about life and death where containers share the name of a host. Without
    effect where the file system knows no locks, and on Windows, where a locked file can be written by its holder only
    through one handle.

    Raises:
        OSError: the file cannot be created.
    """
    if os.name != "posix":
        yield
        return
    descriptor = _locked_descriptor(path)
    try:
        yield
    finally:
        os.close(descriptor)


def unlink_unless_held(path: Path) -> bool:
    """Delete a file unless a process is writing it, as far as locks tell; return whether it is gone.

    Raises:
        OSError: the file cannot be deleted.
    """
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    except OSError:
        # Of another user, most often.
        return False
    try:
        # The lock is kept until the file is gone, so that no process takes it for its own meanwhile.
        if os.name == "posix":
            with suppress(OSError):
                if not lock_descriptor(descriptor, blocking=False):
                    return False
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
    if os.name != "posix":
        # Here no open file can be deleted.
        path.unlink(missing_ok=True)
    return True


def _locked_descriptor(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            is_locked = lock_descriptor(descriptor, blocking=False)
        except OSError:
            # A file system without locks.
            return descriptor
        # Between its creation and its lock another process may have deleted it as abandoned.
        if is_locked and _is_open_at(path, descriptor):
            return descriptor
        os.close(descriptor)


def _own_name() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _is_open_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


_held: WeakSet[FolderLock] = WeakSet()


def _forget_all() -> None:
    for lock in list(_held):
        lock.forget()
    _held.clear()


# A forked process, e.g. one that reads data, shares the lock and would keep it after the death of its parent.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
