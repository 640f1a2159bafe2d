# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What an opening looks at on the disk: each folder is listed once, and what the outcome depends on is noted."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from .file_runs import FileRun, join, pack_run


# A change within a tick of the file system's clock, which is 2 s on FAT, leaves the time of a folder as it was.
GRANULARITY_NS = 2_000_000_000
# Links of a folder that lead nowhere, and are looked at again at each opening; with more of them no index is kept.
MOST_DANGLING = 10_000
# Windows compares names without regard to case.
_ORDER = str.lower if os.name == "nt" else None


class Stamp(NamedTuple):
    """By what an unchanged folder or file is known.

    Attributes:
        modified: nanoseconds: of the last modification.
        changed: nanoseconds: of the last change of state, which copying programs cannot set back.
        size: bytes of a file; 0 for a folder.
    """

    modified: int
    changed: int
    size: int = 0

    def latest(self, now: int) -> int:
        """Return the later of the two times, as far as it tells when a next change would show.

        A time of modification that lies in the future was set by a program, such as one that unpacks an archive: the
        next change sets another one.
        """
        return max(self.modified, self.changed) if self.modified <= now + GRANULARITY_NS else self.changed


# Of what has changed so lately that a next change might not show: equals no stamp.
UNSETTLED = Stamp(-1, -1)


class Listing(NamedTuple):
    """What is visible in a folder.

    Attributes:
        folders: names, sorted, also of links to folders.
        links: those of them that are links.
        files: all else, sorted; None where there is none.
        irregular: names among the files that are none, such as broken links.
        stamp: when it was listed.
        is_settled: whether a later change would show in the stamp.
        identity: device and number of the folder.
    """

    folders: tuple[str, ...]
    links: frozenset[str]
    files: FileRun | None
    irregular: frozenset[str]
    stamp: Stamp
    is_settled: bool
    identity: tuple[int, int]

    def names(self) -> list[str]:
        """Return the names of the files."""
        return [] if self.files is None else self.files.names()


class Looks:
    """What was looked at, which decides whether an outcome still holds.

    Attributes:
        folders: path -> stamp; `UNSETTLED` where a later change may not show.
        files: path -> stamp, likewise; None where there was no such file.
        told: warnings.
        is_certain: False where something could not be read, which may change without a sign.
    """

    def __init__(self) -> None:
        self.folders: dict[str, Stamp] = {}
        self.files: dict[str, Stamp | None] = {}
        self.told: list[str] = []
        self.is_certain = True

    def add(self, other: Looks) -> None:
        """Take over what another has looked at; its warnings are told anew."""
        self.folders |= other.folders
        self.files |= other.files
        self.is_certain &= other.is_certain


class Listings:
    """Folders that were listed in one opening, by their paths.

    Attributes:
        known: path -> listing.
        find: returns a listing that is known from elsewhere, given the path and its stamp; None: nothing.
        on_new: is told each new one.
        at_end: is called when the opening has ended and the listings are forgotten.
    """

    def __init__(self) -> None:
        self.known: dict[str, Listing] = {}
        self.find: Callable[[str, Stamp], Listing | None] | None = None
        self.on_new: Callable[[str, Listing], None] | None = None
        self.at_end: Callable[[], None] | None = None

    def list(self, path: str) -> Listing:
        """Return the listing of a folder.

        Raises:
            OSError: it cannot be listed.
        """
        found = self.known.get(path)
        if found is None:
            now = time.time_ns()
            status = os.stat(path)
            stamp = folder_stamp(status)
            found = self.find(path, stamp) if self.find is not None else None
            if found is None:
                found = _list(path, status, now)
                if self.on_new is not None:
                    self.on_new(path, found)
            self.known[path] = found
        return found


_listings: ContextVar[Listings | None] = ContextVar("listings", default=None)
_looks: ContextVar[Looks | None] = ContextVar("looks", default=None)


@contextmanager
def one_opening() -> Iterator[Listings]:
    """Context manager in which each folder is listed once; inside of another one, that one's listings are used."""
    known = _listings.get()
    if known is not None:
        yield known
        return
    found = Listings()
    token = _listings.set(found)
    try:
        yield found
    finally:
        _listings.reset(token)
        found.known.clear()
        if found.at_end is not None:
            found.at_end()


@contextmanager
def noting() -> Iterator[Looks]:
    """Context manager that gives what is looked at inside; a block around it notes the same, except for warnings."""
    outer, looks = _looks.get(), Looks()
    token = _looks.set(looks)
    try:
        yield looks
    finally:
        _looks.reset(token)
        if outer is not None:
            outer.add(looks)


def list_folder(path: Path | str) -> Listing:
    """Return what is visible in a folder, and note it.

    Raises:
        OSError: it cannot be listed.
    """
    listings, looks, place = _listings.get() or Listings(), _looks.get(), str(path)
    try:
        found = listings.list(place)
    except OSError:
        note_uncertain()
        raise
    if looks is not None and place not in looks.folders:
        looks.folders[place] = found.stamp if found.is_settled else UNSETTLED
        _note_dangling(looks, place, found.irregular)
    return found


def _note_dangling(looks: Looks, place: str, names: frozenset[str]) -> None:
    """Note that links lead nowhere: that their files have come, as from an annex, changes no folder."""
    if len(names) > MOST_DANGLING:
        looks.is_certain = False
        return
    for name in names:
        path = join(place, name)
        if not os.path.exists(path):
            looks.files[path] = None
        elif os.path.isfile(path) or os.path.isdir(path):
            # It has come since the folder was listed.
            looks.files[path] = UNSETTLED


def note_folder(path: Path | str) -> None:
    """Note that the names in a folder matter; where it does not exist, those in the nearest one above it."""
    looks = _looks.get()
    if looks is None:
        return
    place = str(path)
    while place not in looks.folders:
        now = time.time_ns()
        try:
            stamp = folder_stamp(os.stat(place))
        except OSError:
            above = os.path.dirname(os.path.abspath(place))
            if above == place:
                looks.is_certain = False
                return
            place = above
            continue
        looks.folders[place] = stamp if is_settled(stamp, now) else UNSETTLED


def note_file(path: Path | str) -> None:
    """Note that the content of a file matters, or that it does not exist."""
    looks = _looks.get()
    if looks is not None and str(path) not in looks.files:
        now, stamp = time.time_ns(), file_stamp(path)
        looks.files[str(path)] = stamp if stamp is None or is_settled(stamp, now) else UNSETTLED


def note_stamps(folders: Mapping[str, Sequence[int]], files: Mapping[str, Sequence[int] | None]) -> None:
    """Note what an index depends on, which then matters as well."""
    looks = _looks.get()
    if looks is not None:
        looks.folders |= {path: Stamp(*stamp) for path, stamp in folders.items()}
        looks.files |= {path: None if stamp is None else Stamp(*stamp) for path, stamp in files.items()}


def settle(looks: Looks, listings: Listings) -> None:
    """Look again at folders that had changed just before they were listed, when a next change would show.

    Those that are as they were count as settled.
    """
    for path in [path for path, stamp in looks.folders.items() if stamp == UNSETTLED]:
        before = listings.known.get(path)
        if before is None:
            continue
        now = time.time_ns()
        wait = GRANULARITY_NS - (now - before.stamp.latest(now))
        if 0 < wait <= GRANULARITY_NS:
            time.sleep(wait / 1e9)
        try:
            again = _list(path, os.stat(path), time.time_ns())
        except OSError:
            continue
        if again.is_settled and again == before._replace(is_settled=True):
            listings.known[path] = again
            looks.folders[path] = again.stamp


def note_uncertain() -> None:
    """Note that something could not be read."""
    looks = _looks.get()
    if looks is not None:
        looks.is_certain = False


def tell(message: str, stacklevel: int = 2) -> None:
    """Warn; while an opening is noted, when it ends."""
    looks = _looks.get()
    if looks is None:
        warnings.warn(message, stacklevel=stacklevel + 1)
    else:
        looks.told.append(message)


def folder_stamp(status: os.stat_result) -> Stamp:
    """Return the stamp of a folder."""
    return Stamp(status.st_mtime_ns, status.st_ctime_ns)


def file_stamp(path: Path | str) -> Stamp | None:
    """Return the stamp of a file; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return Stamp(status.st_mtime_ns, status.st_ctime_ns, status.st_size)


def is_settled(stamp: Stamp, now: int) -> bool:
    """Return whether the last change is so long ago that a next one changes the stamp; now: nanoseconds."""
    return now - stamp.latest(now) >= GRANULARITY_NS


def in_future(looks: Looks) -> list[str]:
    """Return the folders and files whose last change of state lies in the future, which never settle until then."""
    places = [*looks.folders.items(), *looks.files.items()]
    found, now = [], time.time_ns() + GRANULARITY_NS
    for path in (path for path, stamp in places if stamp == UNSETTLED):
        stamp = file_stamp(path)
        if stamp is not None and stamp.changed > now:
            found.append(path)
    return found


def _list(path: str, status: os.stat_result, now: int) -> Listing:
    folders, links, files, irregular = list[str](), set[str](), list[str](), set[str]()
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name[0] == ".":
                continue
            if _is_folder(entry):
                folders.append(name)
                if entry.is_symlink():
                    links.add(name)
            else:
                files.append(name)
                if not _is_regular(entry):
                    irregular.add(name)
    folders.sort(key=_ORDER)
    files.sort(key=_ORDER)
    stamp = folder_stamp(status)
    return Listing(
        tuple(folders),
        frozenset(links),
        pack_run(path, files) if files else None,
        frozenset(irregular),
        stamp,
        is_settled(stamp, now),
        (status.st_dev, status.st_ino),
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_regular(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False
