# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Find the index of a source, or have it made: one process scans, others wait, and all map the same file."""

from __future__ import annotations

import json
import logging
import shlex
import socket
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ...utils.cache_folder import CACHE_VARIABLE
from ...utils.files import mark_used
from ...utils.locks import FolderLock
from .entries import Entries, entries_in_memory
from .file_runs import FileRuns, join
from .freed_memory import give_back_freed_memory
from .looks import Listings, Looks, in_future, note_stamps, noting, one_opening, settle, tell
from .pair_runs import PairRuns
from .records import RECORD_SUFFIX, StaleIndexError, key_of, read_entries, read_record, remove_unused, write_index
from .scan import list_ahead
from .scan_log import ScanLog
from .settings import (
    ALWAYS,
    FEW_FILES,
    MODE_VARIABLE,
    OFF,
    REBUILD,
    SMALL_LIST_BYTES,
    index_folder,
    index_mode,
)


logger = logging.getLogger(__name__)

# Of files that may list others.
_LISTS = (".jsonl", ".csv", ".parquet", ".txt", ".lst")
ASK_AGAIN_SECONDS, TELL_AFTER_SECONDS = 0.1, 3.0

_Found = TypeVar("_Found")
_told_unwritable: set[str] = set()
_told_future: set[str] = set()


def remember_files(
    kind: str, root: Path, options: Mapping[str, Any], find: Callable[[], FileRuns | PairRuns]
) -> Entries:
    """Return the files or pairs of a source, by its index if there is one that holds.

    Args:
        kind: what is asked for.
        root: the folder or list; what is found depends on it and the options only.
        options: plain values.
        find: looks for them on the disk, by `looks` and `scan`. Its warnings are kept and told again.

    Raises:
        Exception: whatever `find` raises; no index is then made.
    """
    source = _Source(kind, root, options)
    with one_opening() as listings:
        record = source.look_up()
        if record is not None and record[1] is not None:
            return record[1]
        with source.scanning(listings) as done:
            if done is not None and done[1] is not None:
                return done[1]
            files, looks = _find(find)
            entries = source.keep(looks, listings, None, files)
        return entries_in_memory(files) if entries is None else entries


def remember_answer(kind: str, root: Path, options: Mapping[str, Any], find: Callable[[], str | None]) -> str | None:
    """Return what is asked of a source, by its index if there is one that holds; see `remember_files`."""
    source = _Source(kind, root, options)
    with one_opening() as listings:
        record = source.look_up()
        if record is None:
            with source.scanning(listings) as record:
                if record is None:
                    answer, looks = _find(find)
                    source.keep(looks, listings, answer, None)
                    return answer
        found: str | None = record[0]
        return found


class _Source:
    """What is asked of a folder or list."""

    def __init__(self, kind: str, root: Path, options: Mapping[str, Any]) -> None:
        self._mode = index_mode()
        self._root = root
        self._about = {"kind": kind, "root": str(root), "options": dict(options)}
        self._key = key_of(kind, root, options)
        self._folder = index_folder()
        # An index of another machine stays where the same path is another folder here.
        self._own = self._folder / f"{self._key}.{socket.gethostname()}{RECORD_SUFFIX}"
        self._shared = self._folder / f"{self._key}{RECORD_SUFFIX}"
        self._target = self._shared
        self._is_large = False

    def look_up(self) -> tuple[Any, Entries | None] | None:
        """Return the answer and the entries of the index; None without one that holds."""
        if self._mode in (OFF, REBUILD):
            return None
        for path in (self._own, self._shared):
            try:
                record = read_record(path)
                if record is None:
                    continue
                entries = read_entries(path, record) if "entries" in record else None
            except StaleIndexError as reason:
                level = logging.WARNING if reason.is_damage else logging.INFO
                logger.log(level, "%s: its index %s is made anew: %s", self._root, path, reason)
                if path == self._shared and _machine_of(path) not in (None, socket.gethostname()):
                    self._target = self._own
                continue
            mark_used(path)
            note_stamps(record["folders"], record["files"])
            for message in record["told"]:
                tell(message, stacklevel=4)
            return record["answer"], entries
        return None

    @contextmanager
    def scanning(self, listings: Listings) -> Iterator[tuple[Any, Entries | None] | None]:
        """Context manager to scan in; gives what another process has found meanwhile, or None.

        Only one process scans a large source; others wait for it.
        """
        self._is_large = self._mode != OFF and (self._mode == ALWAYS or _is_large(self._root, listings))
        if not self._is_large:
            yield None
            return
        listings.at_end = give_back_freed_memory
        with self._lock() as lock:
            found = self.look_up() if lock is not None and lock.waited else None
            if found is not None:
                yield found
                return
            if lock is not None and lock.is_held:
                with ScanLog(self._folder / f"{self._key}.scan", listings) as log:
                    _list_all(self._root, listings)
                    if log.resumed:
                        logger.info("%s: %d folders that a scan before had listed", self._root, log.resumed)
                    yield None
            else:
                _list_all(self._root, listings)
                yield None

    def keep(self, looks: Looks, listings: Listings, answer: Any, files: FileRuns | PairRuns | None) -> Entries | None:
        """Write the index of a large source, and return its entries; None where there is none."""
        if not self._is_large and not (self._mode != OFF and files is not None and len(files) >= FEW_FILES):
            return None
        settle(looks, listings)
        self._tell_future(looks)
        if not looks.is_certain:
            logger.info("%s: no index is kept, as a folder or file could not be read", self._root)
            return None
        try:
            entries = write_index(self._target, looks, self._about, answer, files)
            if files is not None:
                remove_unused(self._folder)
            return entries
        except OSError as error:
            self._tell_unwritable(error)
            return None

    @contextmanager
    def _lock(self) -> Iterator[_Lock | None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = _Lock(FolderLock(self._folder, name=f".{self._key}.lock", activity="scanning"), self._root)
            lock.wait()
        except OSError as error:
            self._tell_unwritable(error)
            yield None
            return
        try:
            yield lock
        finally:
            lock.release()

    def _tell_future(self, looks: Looks) -> None:
        places = [] if str(self._root) in _told_future else in_future(looks)
        if places:
            _told_future.add(str(self._root))
            others = "" if len(places) == 1 else f" and {len(places) - 1:,} more"
            warnings.warn(
                f"{self._root}: it is scanned at each opening, because changes of {places[0]}{others} lie in the "
                "future by the clock of this machine; set the clock right, and then the times: "
                f"find {shlex.quote(str(self._root))} -exec touch {{}} +",
                stacklevel=2,
            )

    def _tell_unwritable(self, error: OSError) -> None:
        if str(self._folder) in _told_unwritable:
            return
        _told_unwritable.add(str(self._folder))
        warnings.warn(
            f"{self._folder}: the index of {self._root} cannot be kept there ({error.strerror or error}): it is in "
            f"memory, and every process scans the data itself; free disk space, set {CACHE_VARIABLE} to a folder that "
            f"can be written, or {MODE_VARIABLE}=0 to keep none",
            stacklevel=2,
        )


class _Lock:
    def __init__(self, lock: FolderLock, root: Path) -> None:
        self._lock, self._root = lock, root
        self.waited = False

    @property
    def is_held(self) -> bool:
        return self._lock.is_held

    def wait(self) -> None:
        began, has_told = time.monotonic(), False
        while not self._lock.try_acquire():
            self.waited = True
            if not has_told and time.monotonic() - began > TELL_AFTER_SECONDS:
                logger.info("%s: waiting for another process that scans it", self._root)
                has_told = True
            time.sleep(ASK_AGAIN_SECONDS)

    def release(self) -> None:
        self._lock.__exit__()


def _find(find: Callable[[], _Found]) -> tuple[_Found, Looks]:
    """Return what is found and what was looked at; warnings are told also where an error ends the search."""
    found: list[_Found] = []
    error: Exception | None = None
    with noting() as looks:
        try:
            found.append(find())
        except Exception as raised:
            error = raised
    for message in looks.told:
        tell(message, stacklevel=5)
    if error is not None:
        raise error
    return found[0], looks


def _is_large(root: Path, listings: Listings) -> bool:
    """Tell whether a source has many files; looks at no more folders than that takes."""
    if root.is_file():
        return _is_long(root)
    try:
        listing = listings.list(str(root))
    except OSError:
        return False
    if any(name.endswith(_LISTS) and _is_long(Path(root, name)) for name in listing.names()):
        return True
    files, waiting = 0, deque([str(root)])
    while waiting and files < FEW_FILES:
        place = waiting.popleft()
        try:
            listing = listings.list(place)
        except OSError:
            continue
        # A folder of folders costs a look each as well.
        files += 1 + (0 if listing.files is None else listing.files.size)
        waiting += [join(place, name) for name in listing.folders if name not in listing.links]
    return files >= FEW_FILES


def _is_long(path: Path) -> bool:
    try:
        return path.stat().st_size >= SMALL_LIST_BYTES
    except OSError:
        return False


def _list_all(root: Path, listings: Listings) -> None:
    if root.is_dir():
        list_ahead(root, listings)


def _machine_of(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_bytes())["machine"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
