# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of a folder by their path in it without suffix, looked up one sub-folder after the other."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from .index.file_runs import FileRun, FileRuns
from .layout_names import drop_kind_words


# Whose files are kept by their names at a time.
FOUND_FOLDERS = 4
# COLMAP calls the maps of a.jpg a.jpg.geometric.bin and a.jpg.photometric.bin.
OF_COLMAP = re.compile(r"\.(?:jpe?g|png|tiff?)\.(?:geometric|photometric)$", re.IGNORECASE)
_FORMAT_ENDING = re.compile(r"_(?:mm|16bit|kitti)$")


def drop_format_ending(stem: str) -> str:
    """Return the stem of an image of whose prediction a file has this stem, as a_mm and a_16bit are of a."""
    return _FORMAT_ENDING.sub("", stem)


class FilesByStem:
    """Files below a folder by their stem: the path in it, by `/`, without suffix.

    Args:
        root: the folder.
        files: below it, in the order of their paths.
        others: stem -> file, wherever it lies; instead of those of the same stem.

    Raises:
        ValueError: two of the files have one stem.
    """

    def __init__(self, root: Path, files: FileRuns, others: Mapping[str, Path] | None = None) -> None:
        self._root = str(root)
        self.is_short = False
        self.runs: list[tuple[str, FileRun]] = [(self._inside(run.folder), run) for run in files.runs]
        self._by_folder: dict[str, list[FileRun]] = {}
        for inside, run in self.runs:
            self._by_folder.setdefault(inside, []).append(run)
        self._others: dict[str, dict[str, Path]] = {}
        self._refuse_same_names()
        for stem, path in (others or {}).items():
            inside, _, name = stem.rpartition("/")
            self._others.setdefault(inside, {})[name] = path
        self._found: dict[str, dict[str, str | Path]] = {}
        self._count = len(files) + sum(
            len(set(names) - set(self._stems_in(inside))) for inside, names in self._others.items()
        )

    def __len__(self) -> int:
        return self._count

    def items(self) -> Iterator[tuple[str, Path]]:
        """Yield (stem, file) of all."""
        for inside, key, path in self._entries():
            yield f"{inside}/{key}" if inside else key, path

    def first_without(self, others: FilesByStem) -> Path:
        """Return the first file of whose stem others have none; there must be one."""
        found = (path for inside, key, path in self._entries() if key not in others.in_folder(inside, like=self))
        return next(found)

    def _entries(self) -> Iterator[tuple[str, str, Path]]:
        """Yield (sub-folder, last part of the stem, file) of all, those of the folder first."""
        for inside, run in self.runs:
            found = self._of_folder(inside)
            for key in self.keys(run):
                file = found[key]
                yield inside, key, file if isinstance(file, Path) else Path(run.folder, file)
        for inside, names in self._others.items():
            there = set(self._stems_in(inside))
            for name, path in names.items():
                if name not in there:
                    yield inside, self._key(name), path

    def folders(self) -> list[str]:
        """Return the sub-folders that have files, by `/`; "" is the folder itself."""
        return list(dict.fromkeys((*self._by_folder, *self._others)))

    def keys(self, run: FileRun) -> list[str]:
        """Return the last part of the stem of each file of a run."""
        stems = _stems(run)
        return list(map(self._key, stems)) if self.is_short else stems

    def in_folder(self, inside: str, like: FilesByStem) -> Mapping[str, str | Path]:
        """Return last part of the stem -> name of the file in that sub-folder, or path of one that lies elsewhere.

        Args:
            inside: the sub-folder.
            like: whose files are looked up in it.
        """
        # In the folder itself a short name is another one than the same name that was not shortened.
        return self._of_folder(inside) if inside or self.is_short == like.is_short else {}

    def place_of(self, inside: str) -> str:
        """Return the sub-folder's path."""
        return self._by_folder[inside][0].folder if inside in self._by_folder else ""

    def shorten(self) -> None:
        """Leave the words for image and label out of the names, as in rgb_0.png and depth_0.png.

        Not where two files of a folder would then have one name: these words are not what tells image and label apart.
        """
        for inside in self.folders():
            stems = {*self._stems_in(inside), *self._others.get(inside, ())}
            if len({_without_kind(stem) for stem in stems}) < len(stems):
                return
        self.is_short = True
        self._found.clear()

    def _of_folder(self, inside: str) -> dict[str, str | Path]:
        found = self._found.pop(inside, None)
        if found is None:
            # Runs of one folder come one after the other, but for those of folders in it.
            while len(self._found) >= FOUND_FOLDERS:
                del self._found[next(iter(self._found))]
            found = self._find(inside)
        # Last, as it was used last: that of a folder among whose files there are folders is used after each of them.
        self._found[inside] = found
        return found

    def _find(self, inside: str) -> dict[str, str | Path]:
        found: dict[str, str | Path] = {}
        for run in self._by_folder.get(inside, ()):
            found.update(zip(self.keys(run), run.names(), strict=True))
        for name, path in self._others.get(inside, {}).items():
            found[self._key(name)] = path
        return found

    def _stems_in(self, inside: str) -> list[str]:
        return [stem for run in self._by_folder.get(inside, ()) for stem in _stems(run)]

    def _key(self, stem: str) -> str:
        return _without_kind(stem) if self.is_short else stem

    def _inside(self, folder: str) -> str:
        if folder == self._root:
            return ""
        inside = folder if self._root == os.curdir else folder[len(self._root) :].lstrip(os.sep)
        return inside.replace(os.sep, "/")

    def _refuse_same_names(self) -> None:
        before: dict[str, dict[str, str]] = {}
        for inside, run in self.runs:
            stems = _stems(run)
            is_whole = len(self._by_folder[inside]) == 1
            if is_whole and len(set(stems)) == len(stems):
                continue
            known = {} if is_whole else before.setdefault(inside, {})
            for stem, name in zip(stems, run.names(), strict=True):
                if stem in known:
                    first, second = Path(run.folder, known[stem]), Path(run.folder, name)
                    raise ValueError(
                        f"{first} and {second} have the same name, except for the suffix; keep one of them"
                    )
                known[stem] = name


def _stems(run: FileRun) -> list[str]:
    stems = run.stems()
    if b"metric" in run.packed.lower():
        return [OF_COLMAP.sub("", stem) for stem in stems]
    return stems


def _without_kind(stem: str) -> str:
    return drop_kind_words(drop_format_ending(stem))
