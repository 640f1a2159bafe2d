# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Read a file elsewhere in checked pieces: all of it, of one version, or an error."""

from __future__ import annotations

import hashlib
import io
from typing import Any, BinaryIO, NamedTuple

from .file_systems import Patience, ShortReadError, Tries, file_system, with_tries, within


# A piece must have come within the time limit: at 30 s, of a connection of 140 kB/s and more.
PIECE_BYTES = 4 * 2**20
# By which file systems tell one version of a file from another.
_VERSION_KEYS = (
    *("ETag", "etag", "Content-MD5", "Digest", "md5Hash", "content_md5", "generation", "blob_id", "xet_hash", "oid"),
    *("VersionId", "checksum", "Last-Modified", "LastModified", "last_modified", "mtime", "updated", "created"),
)


class RemoteFile(NamedTuple):
    """A file as its server describes it.

    Attributes:
        url: of the file.
        size: bytes; None if the server does not tell.
        version: what changes with the content, as far as the server tells.
    """

    url: str
    size: int | None
    version: str

    @property
    def key(self) -> str:
        """A digest of URL, size and version."""
        return hashlib.sha256(repr(tuple(self)).encode()).hexdigest()[:32]


def look_up(url: str, patience: Patience) -> RemoteFile:
    """Ask for size and version of a file, now and not from what was listed earlier.

    Raises:
        FileNotFoundError: no such file.
        StalledError: no answer.
    """
    system, path = file_system(url)

    def ask() -> dict[str, Any]:
        forget = getattr(system, "invalidate_cache", None)
        if forget is not None:
            forget(path)
        return dict(system.info(path))

    info = with_tries(url, patience, ask)
    size = info.get("size")
    version = "; ".join(f"{key}={info[key]}" for key in _VERSION_KEYS if info.get(key))
    return RemoteFile(url, None if size is None else int(size), version)


def download(remote: RemoteFile, file: BinaryIO, patience: Patience) -> None:
    """Write the content of a file; after a failure it goes on with the byte that is missing.

    Raises:
        ShortReadError: other bytes than announced, or the file changed meanwhile.
        StalledError: nothing came for too long, several times.
        OSError: it cannot be read, or not be written.
    """
    system, path = file_system(remote.url)
    tries, done = Tries(remote.url, patience), 0
    while remote.size is None or done < remote.size:
        try:
            content = _piece(system, path, remote.size, done, patience)
        except Exception as error:
            tries.failed(error)
            continue
        file.write(content)
        done += len(content)
        tries.succeeded()
        if remote.size is None:
            break
    now = look_up(remote.url, patience)
    if now != remote:
        raise ShortReadError(f"{remote.url} changed while it was read: {_describe(remote)}, now {_describe(now)}")


def _piece(system: Any, path: str, size: int | None, start: int, patience: Patience) -> bytes:
    if size is None:
        return bytes(within(patience.read_timeout, system.cat_file, path))
    end = min(start + PIECE_BYTES, size)
    content = bytes(within(patience.read_timeout, system.cat_file, path, start=start, end=end))
    if len(content) == size and end - start < size:
        # A server without ranges sends the whole file.
        return content[start:]
    if len(content) != end - start:
        raise ShortReadError(f"expected {end - start} bytes from byte {start} on, got {len(content)}")
    return content


def _describe(remote: RemoteFile) -> str:
    return f"{remote.size} bytes ({remote.version or 'no version'})"


class WholeFile(io.RawIOBase):
    """A file elsewhere that is read in pieces, without a copy; every read has the time limit and the tries.

    Args:
        remote: the file; its size must be known.
        patience: how long to wait, and how often to try.
    """

    def __init__(self, remote: RemoteFile, patience: Patience) -> None:
        super().__init__()
        if remote.size is None:
            raise ShortReadError(f"{remote.url}: the server does not tell the size, so that the file needs the cache")
        self._remote, self._size, self._patience, self._position = remote, remote.size, patience, 0
        self._system, self._path = file_system(remote.url)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position."""
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the position on; returns fewer bytes at the end of the file only."""
        end = min(self._position + len(buffer), self._size)
        start, tries = self._position, Tries(self._remote.url, self._patience)
        while self._position < end:
            stop = min(self._position + PIECE_BYTES, end)
            try:
                content = within(
                    self._patience.read_timeout, self._system.cat_file, self._path, start=self._position, end=stop
                )
                if len(content) == self._size:
                    content = content[self._position : stop]
                if len(content) != stop - self._position:
                    raise ShortReadError(f"expected {stop - self._position} bytes, got {len(content)}")
            except Exception as error:
                tries.failed(error)
                continue
            buffer[self._position - start : stop - start] = content
            self._position = stop
            tries.succeeded()
        return max(0, end - start)
