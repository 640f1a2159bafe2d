# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Many files in an order, as runs of names in one folder: a byte a letter or less, where a path object takes 1 KB."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath
from typing import NamedTuple


# Of a list, more names become several runs, as names that are not packed yet take ten times the memory.
LONGEST_RUN = 1 << 16
# Names are compressed from so many bytes on, at this level.
LONG_BYTES, FASTEST = 2048, 1
# No name of a file has it.
SEPARATOR = "\0"


def suffix_of(name: str) -> str:
    """Return the suffix of a file's name as `Path.suffix` has it."""
    dot = name.rfind(".")
    return name[dot:] if 0 < dot < len(name) - 1 else PurePath(name).suffix


def stem_of(name: str) -> str:
    """Return the name without its suffix."""
    return name.removesuffix(suffix_of(name))


def join(folder: str, name: str) -> str:
    """Return the path of a file as `str(Path(folder, name))` has it, for a folder that is written so."""
    if folder == os.curdir:
        return name
    return f"{folder}{name}" if folder.endswith(os.sep) else f"{folder}{os.sep}{name}"


class FileRun(NamedTuple):
    """Consecutive files of one folder.

    Attributes:
        folder: as `str(Path)` writes it.
        stored: their names, encoded as the file system has them, with zero bytes between; compressed if many.
        length: of these in bytes, before they are compressed.
        size: how many.
        suffix: that all of them end in, as it is written; None where they differ, or have none.
    """

    folder: str
    stored: bytes
    length: int
    size: int
    suffix: str | None

    @property
    def packed(self) -> bytes:
        """The names, encoded, with zero bytes between."""
        return self.stored if len(self.stored) == self.length else zlib.decompress(self.stored)

    def may_have(self, parts: Iterable[bytes]) -> bool:
        """Return whether any name may have one of these parts; False is certain."""
        packed = self.packed
        return any(part in packed for part in parts)

    def names(self) -> list[str]:
        """Return the names."""
        return os.fsdecode(self.packed).split(SEPARATOR)

    def stems(self) -> list[str]:
        """Return the names without suffix."""
        if self.suffix is None:
            return [stem_of(name) for name in self.names()]
        length = -len(self.suffix)
        return [name[:length] for name in self.names()]

    def suffixes(self) -> set[str]:
        """Return the suffixes in small letters."""
        if self.suffix is not None:
            return {self.suffix.lower()}
        return {suffix_of(name).lower() for name in self.names()}

    def paths(self) -> list[Path]:
        """Return the paths."""
        folder = Path(self.folder)
        return [folder / name for name in self.names()]


def pack_run(folder: str, names: list[str]) -> FileRun:
    """Return a run of files; there must be at least one name."""
    packed = os.fsencode(SEPARATOR.join(names))
    # Of a list in an order of its own, nearly each file is a run: folder and suffix once in memory.
    folder, suffix = sys.intern(folder), sys.intern(suffix_of(names[0]))
    ending = os.fsencode(suffix)
    # Each place where it occurs before a zero byte or the end is the end of another name.
    is_common = bool(suffix) and packed.endswith(ending) and packed.count(ending + b"\0") == len(names) - 1
    # Names of a folder are much alike: a scan of millions has all of them in memory.
    stored = zlib.compress(packed, FASTEST) if len(packed) >= LONG_BYTES else packed
    stored = stored if len(stored) < len(packed) else packed
    return FileRun(folder, stored, len(packed), len(names), suffix if is_common else None)


class FileRuns:
    """Files in an order, as runs.

    Args:
        runs: in this order.
    """

    def __init__(self, runs: Iterable[FileRun] = ()) -> None:
        self.runs = list(runs)

    @classmethod
    def of_paths(cls, paths: Iterable[Path | str]) -> FileRuns:
        """Return files that are given as paths, in their order."""
        found, folder, names = cls(), "", list[str]()
        for path in paths:
            place, name = split_path(path)
            if place != folder or not names or len(names) >= LONGEST_RUN:
                found.add(folder, names)
                folder, names = place, []
            names.append(name)
        found.add(folder, names)
        return found

    def add(self, folder: str, names: list[str]) -> None:
        """Append files of a folder."""
        if names:
            self.runs.append(pack_run(folder, names))

    def __len__(self) -> int:
        return sum(run.size for run in self.runs)

    def __iter__(self) -> Iterator[Path]:
        for run in self.runs:
            yield from run.paths()

    def first(self) -> Path:
        """Return the first file."""
        return next(iter(self))

    def names(self) -> Iterator[str]:
        """Yield the names without folders."""
        for run in self.runs:
            yield from run.names()

    def folders(self) -> list[str]:
        """Return the folders in the order of their first files."""
        return list(dict.fromkeys(run.folder for run in self.runs))

    def suffixes(self) -> set[str]:
        """Return the suffixes in small letters."""
        return set[str]().union(*(run.suffixes() for run in self.runs))

    def keep(
        self, choose: Callable[[str, list[str]], list[str]], where: Callable[[FileRun], bool] | None = None
    ) -> FileRuns:
        """Return the files that a function chooses among the names of a folder.

        Args:
            choose: is given a folder and names in it.
            where: tells of a run whether the function may leave any out; None: of all.
        """
        kept = (run if where is not None and not where(run) else _chosen(run, choose) for run in self.runs)
        return FileRuns(each for each in kept if each is not None)

    def with_suffixes(self, suffixes: Iterable[str], *, are_wanted: bool = True) -> FileRuns:
        """Return the files whose suffix in small letters is one of these; with `are_wanted=False` the others."""
        wanted = frozenset(suffixes)

        def choose(folder: str, names: list[str]) -> list[str]:
            return [name for name in names if (suffix_of(name).lower() in wanted) is are_wanted]

        found = FileRuns()
        for run in self.runs:
            if run.suffix is None:
                chosen = _chosen(run, choose)
            else:
                chosen = run if (run.suffix.lower() in wanted) is are_wanted else None
            if chosen is not None:
                found.runs.append(chosen)
        return found

    def in_folders(self, is_wanted: Callable[[str], bool]) -> FileRuns:
        """Return the files of the folders that a function wants."""
        return FileRuns(run for run in self.runs if is_wanted(run.folder))

    def without(self, paths: Iterable[Path]) -> FileRuns:
        """Return the files that are not among these."""
        unwanted: dict[str, set[str]] = {}
        for path in paths:
            folder, name = split_path(path)
            unwanted.setdefault(folder, set()).add(name)
        if not unwanted:
            return self

        def choose(folder: str, names: list[str]) -> list[str]:
            others = unwanted.get(folder)
            return [name for name in names if name not in others] if others else names

        return self.keep(choose, lambda run: run.folder in unwanted)

    def alike(self) -> Iterator[FileRuns]:
        """Yield groups of files, which are alike where folder and suffix in small letters are the same."""
        groups: dict[tuple[str, str], list[FileRun]] = {}
        for run in self.runs:
            for suffix in run.suffixes() if run.suffix is not None else _in_order(run):
                groups.setdefault((run.folder, suffix), []).append(run)
        for (_, suffix), runs in groups.items():
            yield FileRuns(runs).with_suffixes([suffix])

    def some(self, count: int) -> list[Path]:
        """Return at most `count` of the files, at even distances, to look into."""
        step = -(-len(self) // count)
        chosen, before = list[Path](), 0
        for run in self.runs:
            names = run.names()[-before % step :: step] if step else []
            chosen += [Path(run.folder, name) for name in names]
            before += run.size
        return chosen


def split_path(path: Path | str) -> tuple[str, str]:
    """Return the folder of a file as `str(Path)` has it, and its name."""
    if isinstance(path, Path):
        return str(path.parent), path.name
    folder, name = os.path.split(path)
    return folder or os.curdir, name


def _chosen(run: FileRun, choose: Callable[[str, list[str]], list[str]]) -> FileRun | None:
    names = run.names()
    chosen = choose(run.folder, names)
    if len(chosen) == len(names):
        return run
    return pack_run(run.folder, chosen) if chosen else None


def _in_order(run: FileRun) -> list[str]:
    return list(dict.fromkeys(suffix_of(name).lower() for name in run.names()))
