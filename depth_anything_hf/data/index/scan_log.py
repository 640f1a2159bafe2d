# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Folders that a scan has listed so far, on the disk: one that was killed is taken up where it was."""

from __future__ import annotations

import json
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO

from .file_runs import pack_run
from .looks import Listing, Listings, Stamp


# What was listed in less time is listed again as quickly.
AFTER_SECONDS, FLUSH_SECONDS = 3.0, 1.0


class ScanLog:
    """Context manager: keeps listings in a file while they are made, and takes those that it finds there.

    Each line is a folder with a checksum, so that one that was not written to its end counts for nothing. Listings
    whose folder has changed since are not taken. Where it cannot be written, there is none.

    Args:
        path: of the file; it is deleted when the block ends without an error.
        listings: that are kept.
    """

    def __init__(self, path: Path, listings: Listings) -> None:
        self._path, self._listings = path, listings
        self._found: dict[str, Listing] = {}
        self._file: IO[str] | None = None
        self._began = self._flushed = time.monotonic()
        self._can_write = True
        # Folders are listed by several threads.
        self._writing = threading.Lock()
        self.resumed = 0

    def __enter__(self) -> ScanLog:
        self._found = _read(self._path)
        self._listings.find, self._listings.on_new = self._find, self._add
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._listings.find = self._listings.on_new = None
        self._close()
        if kind is None or not issubclass(kind, KeyboardInterrupt | SystemExit):
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _find(self, path: str, stamp: Stamp) -> Listing | None:
        found = self._found.pop(path, None)
        if found is None or found.stamp != stamp:
            return None
        self.resumed += 1
        return found

    def _add(self, path: str, listing: Listing) -> None:
        with self._writing:
            self._write(path, listing)

    def _write(self, path: str, listing: Listing) -> None:
        now = time.monotonic()
        if not self._can_write or now - self._began < AFTER_SECONDS:
            return
        try:
            if self._file is None:
                self._file = open(self._path, "a", encoding="ascii")  # noqa: SIM115
                # Also what was listed before the scan turned out to be long.
                for known in list(self._listings.known.items()):
                    self._file.write(_line(*known))
            self._file.write(_line(path, listing))
            if now - self._flushed > FLUSH_SECONDS:
                self._file.flush()
                self._flushed = now
        except OSError:
            # The scan goes on; whoever writes the index tells of a full disk.
            self._can_write = False
            self._close()
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()


def _line(path: str, listing: Listing) -> str:
    if not listing.is_settled:
        return ""
    values = [path, listing.folders, sorted(listing.links), listing.names(), sorted(listing.irregular)]
    text = json.dumps([*values, listing.stamp, listing.identity])
    return f"{zlib.crc32(text.encode()):08x} {text}\n"


def _read(path: Path) -> dict[str, Listing]:
    found: dict[str, Listing] = {}
    try:
        with path.open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                checksum, _, text = line.rstrip("\n").partition(" ")
                if checksum != f"{zlib.crc32(text.encode()):08x}":
                    continue
                place, folders, links, names, irregular, stamp, identity = json.loads(text)
                files = pack_run(place, names) if names else None
                listing = Listing(
                    tuple(folders), frozenset(links), files, frozenset(irregular), Stamp(*stamp), True, tuple(identity)
                )
                found[place] = listing
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return found
    return found
