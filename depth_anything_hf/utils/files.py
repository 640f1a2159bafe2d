# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files and folders that are complete or absent at any kill: atomic, locked, checked by a manifest."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import socket
import uuid
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO


LOCK_FILE = ".lock"


MANIFEST_FILE = "manifest.json"


CHUNK_BYTES = 1 << 24


def write_manifest(folder: Path) -> None:
    """Lists every file of a folder with size and CRC-32 in `manifest.json`, and synchronises all to the disk.

    CRC-32 finds any truncation and any short burst of wrong bits, at 2 GB/s per core; it is no defence against intent.
    """
    files = [path for path in _files(folder) if path != folder / MANIFEST_FILE]
    with ThreadPoolExecutor() as threads:
        checksums = list(threads.map(_checksum, files))
    manifest = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "crc32": checksum}
        for path, checksum in zip(files, checksums, strict=True)
    }
    (folder / MANIFEST_FILE).write_text(json.dumps({"files": manifest}, indent=1) + "\n")
    synchronise(folder)


def damage_of(folder: Path, *, checksums: bool = True) -> str | None:
    """What is wrong with a folder that has a manifest, in words; None if nothing is.

    Args:
        folder: as `write_manifest` left it; files that the manifest does not list do not matter.
        checksums: read every file; False compares sizes only, which costs nothing.
    """
    try:
        listed = json.loads((folder / MANIFEST_FILE).read_text())["files"]
    except FileNotFoundError:
        return f"{MANIFEST_FILE} is missing"
    except (ValueError, KeyError, TypeError):
        return f"{MANIFEST_FILE} is not readable"
    for name, expected in listed.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != expected["bytes"]:
            return f"{name} has {path.stat().st_size} bytes, expected {expected['bytes']}"
    if checksums:
        with ThreadPoolExecutor() as threads:
            found = threads.map(_checksum, [folder / name for name in listed])
            for (name, expected), checksum in zip(listed.items(), found, strict=True):
                if checksum != expected["crc32"]:
                    return f"the content of {name} has changed since it was written (CRC-32 {checksum})"
    return None


def synchronise(folder: Path) -> None:
    """Waits until the files of a folder and their names are on the disk."""
    for path in [*_files(folder), *(each for each in folder.rglob("*") if each.is_dir()), folder]:
        _synchronise_one(path)


def remove_folder(folder: Path) -> None:
    """Deletes a folder that a kill in between must not leave half-deleted under its name."""
    doomed = _hidden(folder, "deleted")
    shutil.rmtree(doomed, ignore_errors=True)
    os.replace(folder, doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def put_in_place(unfinished: Path, target: Path) -> None:
    """Renames a finished folder to `target`; an older one there steps aside first and is deleted last.

    At every instant the old or the new folder is whole, under its name or one that `repair_folder` knows.
    """
    old = _hidden(target, "replaced")
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        os.replace(target, old)
    os.replace(unfinished, target)
    _synchronise_one(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def repair_folder(folder: Path) -> None:
    """Cleans up what a kill left in the folder of a run: an old folder comes back where the new one did not arrive."""
    for old in folder.glob(".*.replaced"):
        target = folder / old.name.removeprefix(".").removesuffix(".replaced")
        if target.exists():
            shutil.rmtree(old)
        else:
            os.replace(old, target)
    for leftover in [*folder.glob(".*.unfinished"), *folder.glob(".*.deleted")]:
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


class FolderLock:
    """Context manager: keeps other processes out of the folder of a run, from `acquire` to its end or its death.

    Where the system or the file system knows no locks, it does nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_FILE
        self._file: IO[str] | None = None

    def __enter__(self) -> FolderLock:
        return self

    def acquire(self) -> None:
        """Takes the lock; the folder must exist.

        Raises:
            ValueError: another process has it.
        """
        while fcntl is not None and self._file is None:
            file = open(self.path, "w")
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError) as error:
                file.close()
                raise ValueError(
                    f"another process is training in {self.path.parent}; wait for its end, or choose another "
                    "output_dir"
                ) from error
            except OSError:
                self.path.unlink(missing_ok=True)
                file.close()
                return
            # Whoever had the lock may have deleted the file after it was opened here; then another one counts.
            if self.path.exists() and os.path.samestat(os.stat(self.path), os.fstat(file.fileno())):
                self._file = file
            else:
                file.close()

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            # First the file and then the lock, so that nobody gets a lock on a file that is about to go.
            self.path.unlink(missing_ok=True)
            self._file.close()
            self._file = None


class replaced_folder:
    """Context manager: fill a new folder, which takes the place of `target` only when all went well."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.unfinished = unfinished_name(target)

    def __enter__(self) -> Path:
        shutil.rmtree(self.unfinished, ignore_errors=True)
        self.unfinished.mkdir(parents=True)
        return self.unfinished

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            synchronise(self.unfinished)
            put_in_place(self.unfinished, self.target)


def move_files(unfinished: Path, target: Path) -> None:
    """Files of a finished folder replace those of `target` one by one, each of them whole at every instant."""
    synchronise(unfinished)
    for path in _files(unfinished):
        place = target / path.relative_to(unfinished)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, place)
    _synchronise_one(target)
    shutil.rmtree(unfinished)


def unfinished_name(target: Path) -> Path:
    """The hidden name under which a folder or file is written before it is whole."""
    return _hidden(target, "unfinished")


def write_atomically(path: Path, text: str) -> None:
    """Writes a file that is complete or absent."""
    unfinished = unfinished_name(path)
    unfinished.write_text(text)
    _synchronise_one(unfinished)
    os.replace(unfinished, path)


def _hidden(target: Path, purpose: str) -> Path:
    return target.with_name(f".{target.name}.{purpose}")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _checksum(path: Path) -> str:
    value = 0
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            value = zlib.crc32(chunk, value)
    return f"{value:08x}"


def _synchronise_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, text: str) -> None:
    """Writes a small file that is complete or absent, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _unfinished_file(path)
    try:
        unfinished.write_text(text, encoding="utf-8")
        _sync(unfinished)
        os.replace(unfinished, path)
        _sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def create_synced(path: Path, text: str) -> bool:
    """The same for a file that must not be there yet; returns whether this call made it."""
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _unfinished_file(path)
    try:
        unfinished.write_text(text, encoding="utf-8")
        _sync(unfinished)
        try:
            os.link(unfinished, path)
        except FileExistsError:
            return False
        except OSError:
            # A file system without links: here two runs that begin within a millisecond of each other may both write.
            if path.exists():
                return False
            os.replace(unfinished, path)
        _sync(path.parent)
        return True
    finally:
        unfinished.unlink(missing_ok=True)


def _unfinished_file(path: Path) -> Path:
    """A name of its own beside a file; the leading dot hides it from everything that lists the folder."""
    return path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}.unfinished")


def sha256_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_error(path: Path, error: OSError) -> OSError:
    reason = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error))
    return OSError(
        error.errno,
        f"{path} cannot be written: {reason}. The finished shards stay; make room and repeat the same command",
    )
