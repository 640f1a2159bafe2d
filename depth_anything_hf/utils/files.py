# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files that are complete or absent, whenever the process is killed or the power fails.

A file is written beside its place under a hidden name of its own, `.NAME.HOST.PROCESS.RANDOM.unfinished`, synchronized
to the disk and renamed. It is locked meanwhile. What a killed process leaves under such a name, `remove_abandoned`
removes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from .locks import hold_file, unlink_unless_held


UNFINISHED_SUFFIX = ".unfinished"

# Whether a process of another machine or container is alive is unknown, but no writer pauses for a day.
ABANDONED_AFTER_SECONDS = 24 * 3600

_CHUNK_BYTES = 1 << 20
_LONGEST_NAME_BYTES = 255
_OWN_UNFINISHED = re.compile(rf"\.\d+\.[0-9a-f]+{re.escape(UNFINISHED_SUFFIX)}$")
_NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


def atomic_write(path: Path, content: str | bytes, *, sync: bool = True) -> None:
    """Write a file that is complete or absent, also after a power cut; an older one is replaced.

    Args:
        path: of the file; its folder is made.
        content: text is encoded as UTF-8, its line ends stay as they are.
        sync: wait for the disk. False is for files that are easily made again and checked before they are used: after
            a power cut they may be empty.

    Raises:
        OSError: the file cannot be written, e.g. on a full disk; nothing is left, an older file stays.
    """
    unfinished = unfinished_file(path)
    try:
        with _written(unfinished, content):
            if sync:
                finish_file(unfinished, path)
            else:
                os.replace(unfinished, path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        _discard(unfinished)


def create_file(path: Path, content: str | bytes) -> bool:
    """Write a file only if there is none yet: of several processes, one does.

    Args:
        path: of the file; its folder is made.
        content: as for `atomic_write`.

    Returns:
        Whether this call made the file.

    Raises:
        OSError: the file cannot be written, e.g. on a full disk; nothing is left.
    """
    if path.exists():
        return False
    unfinished = unfinished_file(path)
    try:
        with _written(unfinished, content):
            fsync_file(unfinished)
            try:
                os.link(unfinished, path)
            except FileExistsError:
                return False
            except OSError:
                # A file system without links: two runs that begin within a millisecond of each other may both write.
                if path.exists():
                    return False
                os.replace(unfinished, path)
            fsync_folder(path.parent)
        return True
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        _discard(unfinished)


def unfinished_file(path: Path) -> Path:
    """Return a name of its own beside a file; the leading dot hides it from everything that lists the folder."""
    owner = f"{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
    rest = f".{owner}{UNFINISHED_SUFFIX}"
    # A name that is just short enough for the file system stays so.
    length = _LONGEST_NAME_BYTES - len(rest.encode()) - 1
    name = path.name.encode(errors="surrogateescape")[:length].decode(errors="ignore")
    return path.with_name(f".{name}{rest}")


def is_unfinished_file(path: Path) -> bool:
    """Return whether a name is one of `unfinished_file`; other programs may end theirs with the same word."""
    return _OWN_UNFINISHED.search(path.name) is not None


def finish_file(unfinished: Path, path: Path) -> None:
    """Synchronize a written file to the disk and give it its name; an older file of that name is replaced."""
    fsync_file(unfinished)
    os.replace(unfinished, path)
    fsync_folder(path.parent)


def remove_abandoned(*folders: Path) -> list[Path]:
    """Remove the unfinished files of processes that are gone from some folders, and return them.

    A file that is locked is being written, whatever the number of its process says: containers may share a host name
    and number their processes each from 1.
    """
    found = [path for folder in folders for path in folder.glob(f".*{UNFINISHED_SUFFIX}")]
    return [path for path in found if is_unfinished_file(path) and _seems_abandoned(path) and unlink_unless_held(path)]


def fsync_file(path: Path) -> None:
    """Wait until the content of a file is on the disk."""
    # Windows synchronizes only what is open for writing.
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk; Windows does that by itself and opens no folder."""
    if os.name == "posix":
        fsync_file(path)


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def write_error(path: Path, error: OSError, advice: str | None = None) -> OSError:
    """Return the error to raise where a file cannot be written, of the same type: which file, why, and what to do.

    Args:
        path: that was to be written.
        error: what the system said.
        advice: what to do; None: what fits the error.
    """
    reason = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error))
    if advice is None:
        has_no_room = error.errno in _NO_ROOM
        advice = "free disk space" if has_no_room else f"check that {path.parent} is a folder that you may write to"
        advice += " and run the same command again"
    message = f"{path} cannot be written: {reason}; {advice}"
    return OSError(message) if error.errno is None else OSError(error.errno, message)


@contextmanager
def _written(path: Path, content: str | bytes) -> Iterator[None]:
    """Write an unfinished file, which stays locked in the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with hold_file(path):
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        yield


def mark_used(path: Path) -> None:
    """Set the time of a file of a cache to now, by which the longest unused one is found; do without where that fails.

    The time is set in nanoseconds: by itself, the system notes the time of its last tick, 1 to 10 ms ago, so that two
    files used within one tick would be equally old. Of a file of another user, which may be written, it lets one set
    no other time.
    """
    now = time.time_ns()
    with suppress(OSError):
        try:
            os.utime(path, ns=(now, now))
        except PermissionError:
            os.utime(path)


def _discard(unfinished: Path) -> None:
    # Where this fails too, the error with the reason is already being raised.
    with suppress(OSError):
        unfinished.unlink(missing_ok=True)


def _seems_abandoned(path: Path) -> bool:
    try:
        age_seconds = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    *host, pid, _, _ = path.name.split(".")
    is_ours = ".".join(host).endswith(f".{socket.gethostname()}")
    # Where its process seems to live, the number may be another one's by now.
    is_gone = is_ours and pid.isdigit() and not psutil.pid_exists(int(pid))
    return is_gone or age_seconds > ABANDONED_AFTER_SECONDS
