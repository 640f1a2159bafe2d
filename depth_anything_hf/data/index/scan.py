# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Find the files below a folder: fast, in the order of their paths, with links followed once."""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from .file_runs import FileRuns, join
from .looks import Listing, Listings, list_folder, one_opening


# Threads wait for network disks; on a disk at hand they only get into each other's way.
THREADS = 16
# Folders that are listed or wait for that.
AHEAD = 4 * THREADS
# Folders by which the two are told apart, and the share of the time that was waited.
PROBED, WAITING = 16, 0.5
BAR_AFTER_SECONDS = 2.0


def scan_files(root: Path | str) -> FileRuns:
    """Return all files below a folder, linked folders included, without hidden files and folders, sorted by path.

    Linked folders are followed once, those that are below the folder anyway not at all.
    """
    with one_opening():
        kept, seen = dict[str, Listing](), set[tuple[int, int]]()
        linked = [str(root)]
        while linked:
            followed = linked
            linked = []
            # Folders themselves before links to them, so that their own names win.
            for start in followed:
                for place, listing in _walk(start, seen):
                    kept[place] = listing
                    linked += [join(place, name) for name in listing.folders if name in listing.links]
        return _in_order(str(root), kept)


def _walk(start: str, seen: set[tuple[int, int]]) -> Iterator[tuple[str, Listing]]:
    """Yield the folders below one that no link leads to and that were not seen yet, each before those in it."""
    waiting = [start]
    while waiting:
        place = waiting.pop()
        try:
            listing = list_folder(place)
        except OSError:
            # Whoever opens the data is told by what is missing; such an outcome is not kept.
            continue
        if listing.identity not in seen:
            seen.add(listing.identity)
            yield place, listing
            waiting += [join(place, name) for name in reversed(listing.folders) if name not in listing.links]


def _in_order(root: str, kept: dict[str, Listing]) -> FileRuns:
    """Return the files of folders sorted by path: those of a folder lie where its name is among its neighbours."""
    found = FileRuns()
    # What is still to come, last first: a folder, or names in one.
    rest: list[tuple[str, list[str] | None]] = [(root, None)]
    while rest:
        place, names = rest.pop()
        if names is not None:
            found.add(place, names)
            continue
        listing = kept.get(place)
        if listing is None:
            continue
        inside = [name for name in listing.folders if join(place, name) in kept]
        if not inside:
            if listing.files is not None:
                found.runs.append(listing.files)
            continue
        names, parts, start = listing.names(), list[tuple[str, list[str] | None]](), 0
        for folder in inside:
            end = bisect_left(names, folder, start)
            parts += [(place, names[start:end]), (join(place, folder), None)]
            start = end
        rest += reversed([*parts, (place, names[start:])])
    return found


def regular(files: FileRuns) -> FileRuns:
    """Return those of scanned files that are files, and no broken links or the like."""

    def choose(folder: str, names: list[str]) -> list[str]:
        irregular = list_folder(folder).irregular
        return [name for name in names if name not in irregular]

    return files.keep(choose, lambda run: bool(list_folder(run.folder).irregular))


def walk_folders(root: Path | str) -> Iterator[tuple[str, list[str]]]:
    """Yield folders below one, links followed once, each with the names of those in it, sorted.

    As in `os.walk`, names that are removed from the list are not entered.
    """
    waiting, seen = [(str(root), os.path.realpath(root))], set[str]()
    while waiting:
        place, real = waiting.pop()
        try:
            listing = list_folder(place)
        except OSError:
            continue
        names = [] if real in seen else list(listing.folders)
        seen.add(real)
        yield place, names
        for name in reversed(names):
            path = join(place, name)
            waiting.append((path, os.path.realpath(path) if name in listing.links else join(real, name)))


def list_ahead(root: Path | str, listings: Listings) -> None:
    """List all folders below one, except for those that links lead to, with a bar where that takes long.

    Args:
        root: the folder.
        listings: that are filled, so that whoever asks next need not wait.
    """
    waiting = deque([str(root)])
    name = os.path.basename(os.path.abspath(root))
    with (
        tqdm(desc=f"scan {name}", unit=" files", delay=BAR_AFTER_SECONDS, disable=None) as bar,
        ThreadPoolExecutor(THREADS, thread_name_prefix="scan") as pool,
    ):

        def take(listing: Listing | None, place: str) -> None:
            if listing is not None:
                bar.update(0 if listing.files is None else listing.files.size)
                waiting.extend(join(place, name) for name in listing.folders if name not in listing.links)

        wall, processor, probed = time.monotonic(), time.thread_time(), 0
        while waiting and probed < PROBED:
            place = waiting.popleft()
            probed += place not in listings.known
            take(_try(listings, place), place)
        waited = (time.monotonic() - wall) - (time.thread_time() - processor)
        in_threads = waited > WAITING * (time.monotonic() - wall)
        if not in_threads:
            while waiting:
                place = waiting.popleft()
                take(_try(listings, place), place)
        running = deque[tuple[str, Future[Listing | None]]]()
        while waiting or running:
            while waiting and len(running) < AHEAD:
                place = waiting.popleft()
                running.append((place, pool.submit(_try, listings, place)))
            place, future = running.popleft()
            take(_moved(listings, future.result(), place), place)


def _moved(listings: Listings, listing: Listing | None, place: str) -> Listing | None:
    """Copy the names in a listing of a thread: glibc never gives back the memory of a thread's own heap."""
    if listing is None or listing.files is None:
        return listing
    files = listing.files._replace(stored=bytes(memoryview(listing.files.stored)))
    listings.known[place] = listing._replace(files=files)
    return listings.known[place]


def _try(listings: Listings, place: str) -> Listing | None:
    try:
        return listings.list(place)
    except OSError:
        return None
