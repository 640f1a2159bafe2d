# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Models that were converted for engines, kept on disk: whole or not at all, the longest unused ones removed.

Of each model there are a file in the engine's own form and a JSON file with its size and checksum, written last. An
engine may end the process when it opens a damaged file, so that checksums are compared before.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..export.formats import Runner
from ..utils.cache_folder import cache_folder
from ..utils.files import atomic_write, finish_file, mark_used, remove_abandoned, unfinished_file
from ..version import __version__
from .engine_source import ModelSource, digest_of


logger = logging.getLogger(__name__)

CACHE_FOLDER = cache_folder("engines")
# All models together, in bytes; the one in use may be larger.
LARGEST_CACHE = 8 * 2**30
# A conversion takes less by far.
LOCK_SECONDS = 1800
# To be raised when the graph that is converted changes, so that models of before are not taken.
GRAPH_VERSION = 1
CHUNK = 16 * 2**20


class EngineCache:
    """The folder of converted models.

    Args:
        folder: None: that of the package's cache, see `cache_folder`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or CACHE_FOLDER

    def entry(self, source: ModelSource, engine: str, precision: str) -> CacheEntry:
        """Return the place of a model, known by its weights, the precision and the versions of what makes it."""
        identity = {**source.identity(), "engine": engine, "precision": precision, "made_by": _versions(engine)}
        return CacheEntry(self, digest_of(identity)[:32], engine, precision)

    def describe(self) -> tuple[int, int]:
        """Return how many models there are, and their bytes."""
        sizes = [path.stat().st_size for path in self._models()]
        return len(sizes), sum(sizes)

    def remove_unused(self, kept: Path) -> None:
        """Remove the longest unused models beyond the limit, but for one that is `kept`, and what kills left."""
        with suppress(OSError):
            remove_abandoned(self.folder)
            models = sorted(self._models(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
            models.sort(key=lambda path: path != kept)
            total = 0
            for path in models:
                total += path.stat().st_size
                if total > LARGEST_CACHE and path != kept:
                    for each in (path.with_suffix(".json"), path):
                        each.unlink(missing_ok=True)

    def _models(self) -> list[Path]:
        return list(self.folder.glob("*.model"))


class CacheEntry:
    """One model of the cache, there or not."""

    def __init__(self, cache: EngineCache, key: str, engine: str, precision: str) -> None:
        self._cache = cache
        self._engine, self._precision = engine, precision
        self._model = cache.folder / f"{key}.model"
        self._record = cache.folder / f"{key}.json"

    @property
    def place(self) -> Path:
        """The folder of the cache."""
        return self._cache.folder

    def is_of(self, source: ModelSource) -> bool:
        """Return whether it is the place of the model that now has the source's name."""
        return self._cache.entry(source, self._engine, self._precision)._model == self._model

    def open(self, threads: int) -> Runner | None:
        """Open the model; None where there is none, or a damaged one, which is removed."""
        record = self._read_record()
        if record is None or "metadata" not in record:
            return None
        try:
            size, checksum = record["bytes"], record["crc32"]
            if self._model.stat().st_size != size or _crc32(self._model, record["metadata"]) != checksum:
                raise ValueError("its content has changed")
            runner = open_compiled(self._model, self._engine, record["metadata"], threads)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            logger.warning("%s is damaged and made again: %s", self._model, error)
            for path in (self._record, self._model):
                with suppress(OSError):
                    path.unlink()
            return None
        mark_used(self._model)
        return runner

    def failure(self) -> str | None:
        """Return why the model could not be converted before; None where that is not known."""
        record = self._read_record()
        return None if record is None else record.get("failure")

    def note_failure(self, reason: str) -> None:
        """Remember that the model cannot be converted."""
        with suppress(OSError):
            self.place.mkdir(parents=True, exist_ok=True)
            atomic_write(self._record, json.dumps({"failure": reason}))

    def save(self, metadata: dict[str, Any], write: Callable[[Path], object]) -> bool:
        """Keep a model; return whether that could be done.

        Args:
            metadata: of the model.
            write: writes the file of the engine.
        """
        unfinished = unfinished_file(self._model)
        try:
            self.place.mkdir(parents=True, exist_ok=True)
            write(unfinished)
            checksum = _crc32(unfinished, metadata)
            record = {"metadata": metadata, "bytes": unfinished.stat().st_size, "crc32": checksum}
            self._record.unlink(missing_ok=True)
            finish_file(unfinished, self._model)
            atomic_write(self._record, json.dumps(record))
        except OSError as error:
            logger.warning("the converted model cannot be kept in %s: %s", self.place, error)
            with suppress(OSError):
                unfinished.unlink()
            return False
        self._cache.remove_unused(self._model)
        return True

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from converting the same model; without effect where files cannot be locked."""
        lock = None
        try:
            self.place.mkdir(parents=True, exist_ok=True)
            lock = FileLock(f"{self._model}.lock")
            lock.acquire(timeout=LOCK_SECONDS)
        except (OSError, NotImplementedError, Timeout):
            lock = None
        try:
            yield
        finally:
            if lock is not None:
                lock.release()

    def _read_record(self) -> dict[str, Any] | None:
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) else None


def open_compiled(path: Path, engine: str, metadata: dict[str, Any], threads: int) -> Runner:
    """Open a file of the cache in its engine.

    Raises:
        ValueError: it is damaged.
        RuntimeError: likewise.
    """
    if engine == "onnxruntime":
        from ..export.onnx_file import open_file

        return open_file(path, threads)
    from ..export.openvino_file import open_compiled as open_blob

    return open_blob(path, metadata, threads)


def engine_version(engine: str) -> str:
    """Return the version of an engine; empty where it is not installed."""
    try:
        return version(engine)
    except PackageNotFoundError:
        # Other distributions have the same module: onnxruntime-gpu, -directml, -training.
        others = packages_distributions().get(engine)
        return version(others[0]) if others else ""


def _versions(engine: str) -> dict[str, str]:
    """Return versions and processor that a converted model depends on."""
    made_by = {
        "depth_anything_hf": f"{__version__}, graph {GRAPH_VERSION}",
        "torch": version("torch"),
        engine: engine_version(engine),
    }
    if engine == "openvino":
        from ..export.openvino_file import core

        made_by["processor"] = str(core().get_property("CPU", "FULL_DEVICE_NAME"))
        made_by["instructions"] = ",".join(core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
    return made_by


def _crc32(path: Path, metadata: dict[str, Any]) -> int:
    """Return the checksum of a model and of what is known of it, by which its maps get their unit."""
    checksum = zlib.crc32(json.dumps(metadata, sort_keys=True).encode())
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return checksum
