# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Copies of files elsewhere in a folder of bounded size, which processes share; the longest unused ones go first."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import threading
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from ...utils.cache_folder import cache_folder
from ...utils.files import finish_file, mark_used, remove_abandoned, unfinished_file
from ...utils.locks import hold_file, unlink_unless_held
from .download import RemoteFile, download, look_up
from .file_systems import Patience, ShortReadError


logger = logging.getLogger(__name__)

# One lock for every sixteenth of the files, so that locks do not become as many as files.
_LOCKS = 256
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM})
# Of file systems without locks, such as some of networks.
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
_LONGEST_NAME = 80
MOST_AHEAD = 8


class NoRoomError(OSError):
    """A file has no place in the cache."""


class HeldFile:
    """A copy that no process removes as long as this object lives.

    Args:
        path: of the copy.

    Raises:
        FileNotFoundError: it was removed meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        if os.name == "posix":
            import fcntl

            # Windows removes no open file anyway. Where the file system knows no locks, the open file stays readable.
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_SH)
            if not path.exists() or not os.path.samestat(os.fstat(self._file.fileno()), path.stat()):
                self._file.close()
                raise FileNotFoundError(f"{path} was removed")
        mark_used(path)

    def __del__(self) -> None:
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()


class ShardCache:
    """The cache of one source.

    Args:
        size: bytes that all copies in the folder may take; 0 keeps none.
        patience: how long to wait for a server.
        folder: None: `shards/` of the package's cache folder.
    """

    def __init__(self, size: int, patience: Patience, folder: Path | None = None) -> None:
        self.size, self.patience = size, patience
        self.folder = cache_folder("shards") if folder is None else folder
        self._has_told = False
        self._reset()

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_ahead", "_pid", "_guard")}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._reset()

    def _reset(self) -> None:
        self._ahead: dict[str, Future[None]] = {}
        self._pid, self._guard = os.getpid(), threading.Lock()

    def fetch(self, url: str) -> HeldFile | RemoteFile:
        """Return the copy of a file, downloaded if it is not there; or only its description, if there is no room.

        Raises:
            FileNotFoundError: no such file.
            OSError: it cannot be read.
        """
        self._wait_for(url)
        return self._fetch(url)

    def fetch_ahead(self, url: str) -> None:
        """Begin to download a file in a thread; `fetch` waits for it, and raises what went wrong."""
        if self._pid != os.getpid():
            # Threads do not survive a fork.
            self._reset()
        with self._guard:
            running = sum(not future.done() for future in self._ahead.values())
            if self.size == 0 or url in self._ahead or running >= MOST_AHEAD:
                return
            future: Future[None] = Future()
            self._ahead[url] = future
        threading.Thread(target=self._run_ahead, args=(url, future), name="shard-cache", daemon=True).start()

    def _run_ahead(self, url: str, future: Future[None]) -> None:
        try:
            self._fetch(url)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)

    def _wait_for(self, url: str) -> None:
        if self._pid == os.getpid():
            with self._guard:
                future = self._ahead.pop(url, None)
            if future is not None:
                future.result()

    def _fetch(self, url: str) -> HeldFile | RemoteFile:
        remote = look_up(url, self.patience)
        if self.size == 0:
            return remote
        try:
            try:
                return self._fetch_version(remote)
            except ShortReadError:
                # It changed while it was read; once more, as it is now.
                remote = look_up(url, self.patience)
                return self._fetch_version(remote)
        except OSError as error:
            if not isinstance(error, NoRoomError) and error.errno not in _NO_ROOM | _NO_LOCKS:
                raise
            self._tell(error)
            return remote

    def _fetch_version(self, remote: RemoteFile) -> HeldFile:
        path = self.folder / f"{remote.key}-{Path(urlsplit(remote.url).path).name[-_LONGEST_NAME:]}"
        locks = self.folder / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        # A process that waits here waits for one that makes progress, or gives up in its time.
        with FileLock(locks / f"{int(remote.key[:8], 16) % _LOCKS:03}.lock"):
            if path.is_file() and remote.size in (None, path.stat().st_size):
                with suppress(FileNotFoundError):
                    return HeldFile(path)
            self._make_room(remote.size or 0)
            self._download(remote, path)
            return HeldFile(path)

    def _download(self, remote: RemoteFile, path: Path) -> None:
        unfinished = unfinished_file(path)
        try:
            with hold_file(unfinished):
                with unfinished.open("r+b" if unfinished.exists() else "wb") as file:
                    # Others count it as what it will be.
                    file.truncate(remote.size or 0)
                    download(remote, file, self.patience)
                # On the disk: after a power cut, a file of the right size would be taken for whole.
                finish_file(unfinished, path)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def _make_room(self, wanted: int) -> None:
        """Remove the longest unused copies until a file fits.

        Raises:
            NoRoomError: it does not, because all others are being read, or the disk is full.
        """
        if wanted > self.size:
            raise NoRoomError(f"a shard of {wanted} bytes is larger than cache_size, {self.size} bytes")
        with FileLock(self.folder / "locks" / "room.lock"):
            remove_abandoned(self.folder)
            copies = {each: each.stat() for each in self._copies()}
            total = sum(status.st_size for status in copies.values())
            free = shutil.disk_usage(self.folder).free
            for path in sorted(copies, key=lambda each: copies[each].st_mtime_ns):
                if total + wanted <= self.size and wanted <= free:
                    break
                if not path.name.startswith(".") and unlink_unless_held(path):
                    total -= copies[path].st_size
                    free += copies[path].st_size
            if wanted > free:
                raise NoRoomError(errno.ENOSPC, f"the disk of {self.folder} is full")
            if total + wanted > self.size:
                raise NoRoomError(
                    f"the {self.size} bytes of cache_size are taken by shards that are being read; raise cache_size, "
                    "or lower open_shards or the number of workers"
                )

    def _copies(self) -> list[Path]:
        with os.scandir(self.folder) as entries:
            return [Path(entry.path) for entry in entries if entry.is_file()]

    def _tell(self, error: OSError) -> None:
        if not self._has_told:
            self._has_told = True
            logger.warning(
                "%s: shards are read without the cache where they have no room in it, or it cannot be locked: %s",
                self.folder,
                error,
            )
