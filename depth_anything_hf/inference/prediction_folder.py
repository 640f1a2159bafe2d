# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The folder that `predict` writes: its list of own files, what is missing in it, and what must not be replaced.

`predictions.json` in the folder names every file that was written, with the image and the options that it was made
from. A file that is not listed, or has changed since, belongs to the user.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.prediction_list import (
    FILE_KIND,
    FILE_VERSION,
    LIST_FILE,
    digest_of_place,
    digest_of_source,
    is_own_file,
    read_entries,
    real_place,
    stamp_of,
)
from ..export.formats import weights_files
from ..models.hub_files import ADAPTER_CONFIG_FILE
from ..utils.files import atomic_write, remove_abandoned
from ..utils.locks import FolderLock
from ..utils.outputs import check_folder, existing_folder, refuse_to_replace
from ..utils.redaction import redact_name
from .engine_source import is_weights_file
from .prediction_sources import ImageFile, assign_targets


CONFIGURATIONS = ("config.json", "preprocessor_config.json", ADAPTER_CONFIG_FILE)
SECONDS_BETWEEN_LISTS = 5.0
# Of the time of a run, at most this share is spent on writing its list.
LARGEST_LIST_SHARE = 0.05


@dataclass(frozen=True)
class Planned:
    """An image and where its files go.

    Attributes:
        source: the image.
        target: relative to the folder, with `/`, without the suffixes of the files.
        is_new: whether no earlier run has listed it.
    """

    source: ImageFile
    target: str
    is_new: bool


class PredictionFolder:
    """What a folder of predictions holds, and what may be written there.

    Args:
        folder: need not exist yet.
        overwrite: whether files that are not this folder's own may be replaced.

    Raises:
        ValueError: the folder's list cannot be read.
        OSError: there is no such folder and none can be made, or it takes no files.
    """

    def __init__(self, folder: Path, overwrite: bool = False) -> None:
        check_folder(folder)
        self.folder = folder
        self._overwrite = overwrite
        self._entries = read_entries(folder)
        self._options: dict[str, Any] = {}
        self._settings: dict[str, str] = {}
        self._lock = FolderLock(folder, activity="predicting")
        self._next_list = 0.0

    def __enter__(self) -> PredictionFolder:
        """Make the folder and keep other processes out of it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        # Another process may have written meanwhile.
        self._entries = read_entries(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._options:
                self._write_list()
        finally:
            self._lock.__exit__()

    @property
    def is_exclusive(self) -> bool:
        """Whether other processes are kept out now, see `FolderLock`."""
        return self._lock.is_held

    def plan(self, sources: Sequence[ImageFile], suffixes: Sequence[str]) -> list[Planned]:
        """Say where the files of each image go.

        Args:
            sources: images, none twice.
            suffixes: of the files of one image.

        Raises:
            FileExistsError: files that were not written by a run here would be replaced; the message names them.
            ValueError: an image itself, or the result of another image of that name, would be replaced.
        """
        known = {name: str(entry["target"]) for name, entry in self._entries.items()}
        targets = assign_targets([source.name for source in sources], known)
        planned = [
            Planned(source, target, source.name not in known) for source, target in zip(sources, targets, strict=True)
        ]
        places = {real_place(source.path): source.path for source in sources}
        for place in {(self.folder / each.target).parent for each in planned}:
            existing_folder(place)
        theirs = []
        for each in planned:
            self._check_same_image(each)
            for suffix in suffixes:
                path = self.folder / f"{each.target}{suffix}"
                if not os.path.lexists(path):
                    continue
                if path.is_dir() and not path.is_symlink():
                    raise IsADirectoryError(
                        f"{path} cannot be written: expected a file, but it is a folder; choose another output folder"
                    )
                if not self._overwrite and not is_own_file(self.folder, path, self._entries.get(each.source.name)):
                    theirs.append(path)
                elif real_place(path) in places:
                    raise ValueError(
                        f"the prediction of {each.source.path} would replace {path}, which is one of the images; "
                        "choose another output folder"
                    )
        refuse_to_replace(theirs, "choose another output folder, or replace them by --overwrite")
        return planned

    def missing(
        self,
        planned: Sequence[Planned],
        suffixes: Mapping[str, str],
        options: Mapping[str, Any],
        again: Collection[Planned] = (),
    ) -> list[Planned]:
        """Return what is still to predict, and list it as begun, so that files of a killed run are known as own.

        An image is predicted again when it, or one of the options, has changed since, or one of its files has, or a
        file of another format is to be added.

        Args:
            planned: as `plan` gave it.
            suffixes: of the files of one image -> the settings that this file alone depends on, "" by default.
            options: all that the values depend on apart from the image; JSON values, and `kind` among them.
            again: those of `planned` whose files do not count, and none of which stays.
        """
        digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:16]
        self._options = {digest: dict(options)}
        self._settings = dict(suffixes)
        work = [
            each for each in planned if self._overwrite or each in again or not self._is_done(each, suffixes, digest)
        ]
        for each in work:
            entry = self._entries.get(each.source.name, {})
            earlier = entry.get("files", {})
            # Files of other formats stay, with what is known of their pixels, where the values are the same.
            kept = entry.get("kept", {})
            if entry.get("is_done"):
                kept = {"files": earlier, "pixels": entry.get("pixels", {}), **_identity(entry)}
            if each in again or (kept and _identity(kept) != {"options": digest, **_stamp(each.source)}):
                kept = {}
            self._entries[each.source.name] = {
                "kind": options["kind"],
                "target": each.target,
                "source": digest_of_source(each.source.path, self.folder),
                **_stamp(each.source),
                "options": digest,
                "is_done": False,
                "files": {**{f"{each.target}{suffix}": None for suffix in suffixes}, **earlier},
                **({"kept": kept} if kept else {}),
            }
        if work:
            remove_abandoned(self.folder, *{(self.folder / each.target).parent for each in work})
            self._write_list()
        return work

    def save(self, planned: Planned, contents: Mapping[str, bytes], pixels: Mapping[str, Any]) -> None:
        """Write the files of one image, each complete or absent.

        What an earlier run wrote beyond them stays where it is of the same values, and is removed else.

        Args:
            planned: the image.
            contents: suffix -> content.
            pixels: what the list is to say of the pixels, JSON values.

        Raises:
            OSError: a file cannot be written.
        """
        entry = self._entries[planned.source.name]
        files: dict[str, Any] = {}
        for suffix, content in contents.items():
            name = f"{planned.target}{suffix}"
            # A prediction is made again in less time than a sync of it may take; one that a power cut empties is
            # found by its size.
            atomic_write(self.folder / name, content, sync=False)
            stamp = stamp_of(self.folder / name)
            files[name] = {**stamp, "crc32": f"{zlib.crc32(content):08x}"}
            if self._settings.get(suffix):
                files[name]["settings"] = self._settings[suffix]
        self._complete(entry, files, pixels)
        if time.monotonic() >= self._next_list:
            self._write_list()

    def save_files(
        self, planned: Planned, written: Mapping[str, Path], stamps: Mapping[str, Any], pixels: Mapping[str, Any]
    ) -> None:
        """Give files that are written completely their names.

        Args:
            planned: what they are of.
            written: suffix -> the file, in a folder of the same disk.
            stamps: suffix -> its size, time and checksum, as the list holds them.
            pixels: as for `save`.

        Raises:
            OSError: a file cannot be moved.
        """
        entry = self._entries[planned.source.name]
        files = {f"{planned.target}{suffix}": dict(stamp) for suffix, stamp in stamps.items()}
        for suffix, settings in self._settings.items():
            name = f"{planned.target}{suffix}"
            if settings and name in files:
                files[name]["settings"] = settings
        # Before they have their names, so that a run that is killed in between knows them as its own.
        entry["files"] = {**entry["files"], **files}
        self._write_list()
        for suffix, path in written.items():
            place = self.folder / f"{planned.target}{suffix}"
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, place)
        self._complete(entry, files, pixels)
        self._write_list()

    def drop(self, planned: Planned) -> None:
        """Forget an image of which nothing was written: its name is free again."""
        del self._entries[planned.source.name]
        self._write_list()

    def entry(self, planned: Planned) -> Mapping[str, Any] | None:
        """Return what the list says of an image; None: nothing."""
        return self._entries.get(planned.source.name)

    def _complete(self, entry: dict[str, Any], files: dict[str, Any], pixels: Mapping[str, Any]) -> None:
        """Note that the files of an image are complete; remove what an earlier run has written of other values."""
        kept = entry.pop("kept", {"files": {}, "pixels": {}})
        for name, written in kept["files"].items():
            if name not in files and is_own_file(self.folder, self.folder / name, entry):
                files[name] = written
        left = set()
        for name in entry["files"].keys() - files.keys():
            if is_own_file(self.folder, self.folder / name, entry):
                (self.folder / name).unlink(missing_ok=True)
                left.add((self.folder / name).parent)
        for folder in left - {self.folder}:
            # Only an empty one goes: that of frames, whose last file it was.
            with suppress(OSError):
                folder.rmdir()
        entry.update(is_done=True, files=files, pixels=_joined(kept["pixels"], pixels))

    def pixels(self, planned: Sequence[Planned]) -> dict[str, dict[str, Any]]:
        """Return what the list says of the pixels of images that are done, by the image's name."""
        entries = {each.source.name: self._entries.get(each.source.name, {}) for each in planned}
        return {name: entry["pixels"] for name, entry in entries.items() if entry.get("is_done") and "pixels" in entry}

    def _check_same_image(self, planned: Planned) -> None:
        entry = self._entries.get(planned.source.name)
        place = digest_of_source(planned.source.path, self.folder)
        # Lists of earlier versions hold the path itself.
        if self._overwrite or entry is None or place in (entry["source"], digest_of_place(entry["source"])):
            return
        if any(entry[key] != value for key, value in _stamp(planned.source).items()):
            raise ValueError(
                f"{self.folder / planned.target} holds the prediction of another {planned.source.name} than "
                f"{planned.source.path}; choose another output folder, or replace it by --overwrite"
            )

    def _is_done(self, planned: Planned, suffixes: Mapping[str, str], digest: str) -> bool:
        entry = self._entries.get(planned.source.name)
        if entry is None or not entry["is_done"] or entry["options"] != digest:
            return False
        if any(entry[key] != value for key, value in _stamp(planned.source).items()):
            return False
        names = {f"{planned.target}{suffix}": settings for suffix, settings in suffixes.items()}
        return names.keys() <= entry["files"].keys() and all(
            is_own_file(self.folder, self.folder / name, entry)
            and stamp_of(self.folder / name)["bytes"]
            and entry["files"][name].get("settings", "") == settings
            for name, settings in names.items()
        )

    def _write_list(self) -> None:
        begin = time.monotonic()
        record = {"kind": FILE_KIND, "version": FILE_VERSION, "options": self._options, "images": self._entries}
        atomic_write(self.folder / LIST_FILE, json.dumps(record, indent=1) + "\n")
        end = time.monotonic()
        self._next_list = end + max(SECONDS_BETWEEN_LISTS, (end - begin) / LARGEST_LIST_SHARE)


def _stamp(source: ImageFile) -> Mapping[str, int]:
    return source.stamp if source.stamp is not None else stamp_of(source.path)


def _identity(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the values of an entry depend on: options, and the image by its stamp."""
    return {key: entry.get(key) for key in ("options", "bytes", "mtime_ns")}


def _joined(earlier: Mapping[str, Any], pixels: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of the pixels by two runs of the same values, of which each wrote some formats."""
    joined = {**earlier, **{name: value for name, value in pixels.items() if value is not None or name not in earlier}}
    codes = {**earlier.get("codes", {}), **pixels.get("codes", {})}
    return {**joined, "codes": codes} if codes else joined


def describe_model(name: str, config: Any) -> dict[str, Any]:
    """Return by what a model's weights are known: the commit on the Hub, or sizes and times of files.

    Adapters alone are known by their base too.
    """
    folder = Path(name)
    if folder.is_file():
        beside = [folder, *weights_files(folder)]
        return {
            "model": redact_name(folder.resolve()),
            "files": {path.name: list(stamp_of(path).values()) for path in beside if path.is_file()},
        }
    if not folder.is_dir():
        return {"model": name, "commit": getattr(config, "_commit_hash", None)}
    # Not the JSON files of a run, and of predictions in the model's folder.
    files = sorted(filter(_is_of_model, folder.iterdir()))
    described = {
        "model": redact_name(folder.resolve()),
        "files": {path.name: list(stamp_of(path).values()) for path in files if path.is_file()},
    }
    if not (folder / ADAPTER_CONFIG_FILE).is_file():
        return described
    # They are opened by PyTorch, for which other models may not have to wait.
    from ..models.adapters import find_adapters

    adapters = find_adapters(folder, {})
    return described if adapters is None else {**described, "base": describe_model(adapters.base, config)}


def _is_of_model(path: Path) -> bool:
    is_configuration = path.name in CONFIGURATIONS or path.name.endswith(".index.json")
    return is_configuration or is_weights_file(path)
