# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Folders and files of a run that are complete or absent whenever it is killed, and how they are found again.

A folder is filled under a hidden name, synchronised to the disk, listed in `manifest.json` with sizes and checksums,
and renamed. Hidden names that a kill leaves behind (`.NAME.unfinished`, `.NAME.replaced`, `.NAME.deleted`) are dealt
with by `repair_folder` at the next start. While a run is going on, it holds a lock on `.lock`.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any


try:
    import fcntl
except ImportError:
    # Windows has no such locks.
    fcntl = None  # type: ignore[assignment]

LOCK_FILE = ".lock"
MANIFEST_FILE = "manifest.json"
STATE_FOLDER = "state"
CHUNK_BYTES = 1 << 24


def list_checkpoints(folder: Path) -> list[Path]:
    """The `checkpoint-N` folders, oldest first, whole or damaged."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()]
    return sorted(found, key=step_of)


def step_of(checkpoint: Path) -> int:
    """N of `checkpoint-N`."""
    return int(checkpoint.name.removeprefix("checkpoint-"))


def find_checkpoint(folder: Path, wanted: str | None) -> Path | None:
    """The checkpoint that `resume_from_checkpoint` means; None where there is nothing to go on from.

    Args:
        folder: of the run.
        wanted: None, a checkpoint's folder, or "latest": the newest undamaged one, with a warning per damaged one.

    Raises:
        FileNotFoundError: a named checkpoint does not exist.
        ValueError: a named checkpoint is damaged, or all are.
    """
    if wanted is None:
        return None
    if wanted != "latest":
        path = Path(wanted)
        if not (path / MANIFEST_FILE).is_file():
            raise FileNotFoundError(f"{path} is no checkpoint of a run: {path / MANIFEST_FILE} is missing")
        damage = damage_of(path)
        if damage:
            raise ValueError(f"{path} is damaged: {damage}; name another one, or 'latest' for the newest whole one")
        return path
    damaged = []
    for checkpoint in reversed(list_checkpoints(folder)):
        damage = damage_of(checkpoint)
        if damage is None:
            return checkpoint
        damaged.append(f"{checkpoint}: {damage}")
        warnings.warn(f"{checkpoint} is damaged and left out: {damage}", stacklevel=2)
    if damaged:
        raise ValueError(
            f"no whole checkpoint is left in {folder} ({'; '.join(damaged)}); remove these folders to start the run "
            "again from its beginning"
        )
    return None


def set_aside_later_checkpoints(checkpoint: Path, folder: Path) -> list[Path]:
    """Renames the checkpoints that came after one from which a run goes on, to `abandoned-checkpoint-N`.

    They are another future of the run, which "latest" must not find.

    Args:
        checkpoint: of any run; only the folder's own have others after them.
        folder: of the run.

    Returns:
        The new folders, oldest first.
    """
    if checkpoint.resolve().parent != folder.resolve():
        return []
    renamed = []
    for later in [each for each in list_checkpoints(folder) if step_of(each) > step_of(checkpoint)]:
        place, number = later.with_name(f"abandoned-{later.name}"), 2
        while place.exists():
            place, number = later.with_name(f"abandoned-{later.name}-{number}"), number + 1
        os.replace(later, place)
        renamed.append(place)
    return renamed


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


def rotate_checkpoints(folder: Path, newest: int, keep: int) -> None:
    """Deletes what is older than the `keep` newest whole checkpoints up to step `newest`, damaged ones included.

    At least one is kept. Later ones, which were damaged when the run went on, are left alone until they are written
    again.
    """
    kept, keep = 0, max(1, keep)
    for checkpoint in reversed([each for each in list_checkpoints(folder) if step_of(each) <= newest]):
        if kept >= keep:
            remove_folder(checkpoint)
        elif damage_of(checkpoint, checksums=False) is None:
            kept += 1


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


def read_log(path: Path) -> list[dict[str, Any]]:
    """The entries of a log with one JSON object per line, each with its step.

    Lines that are none, as a kill or a power cut leaves them, are left out.
    """
    lines = path.read_text(errors="replace").splitlines(keepends=True) if path.exists() else []
    entries = [_parsed(line) for line in lines if line.endswith("\n")]
    return [entry for entry in entries if isinstance(entry, dict) and "step" in entry]


def drop_log_after(path: Path, step: int) -> None:
    """Removes log entries that a resumed run will write again."""
    if path.exists():
        kept = [json.dumps(entry) + "\n" for entry in read_log(path) if entry["step"] <= step]
        write_atomically(path, "".join(kept))


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


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
