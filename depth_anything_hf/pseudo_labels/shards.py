# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Parquet shards of pseudo-labels: their columns, atomic writing, and the manifest of their checksums.

A shard is written under a hidden name of its own, synchronized to the disk and renamed. Then its line of the manifest
is written, a file `manifest/<shard>.entry` with one JSON object (`cat manifest/*` is the whole manifest); after a kill
in between it is made from the shard. (`datasets` takes no file of this suffix for data.)
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from ..data.decoding.label_masks import MASKS_COLUMN, SHARE_COLUMNS
from ..data.row_tables import add_row_table
from ..data.rows import UNIT_COLUMN
from ..utils.files import atomic_write, finish_file, remove_abandoned, sha256_of_file, unfinished_file, write_error
from ..utils.locks import hold_file
from ..utils.outputs import refuse_to_replace
from .ray_folder import remove_abandoned_runs


SHARD_PATTERN = "labels-*.parquet"
MANIFEST_FOLDER = "manifest"
# All lines of the manifest in one file, for the Hub.
MANIFEST_FILE = "manifest.jsonl"
# Keys in the shard's own footer, so that the shard by itself says what it holds and leaves out.
SUMMARY_KEY = b"labels"
PROVENANCE_KEY = b"provenance"
STORED_IMAGES = ("bytes", "reference")
_MAGIC = b"PAR1"
_NAME = re.compile(r"labels-(?P<index>\d+)-of-(?P<count>\d+)(-(?P<part>\d+))?\.parquet")
ADVICE = "the finished shards are kept; free disk space and run the same command again"

# The range is float64: rounded to float32 it would add an error as large as a code step where the range is narrow.
FEATURES = datasets.Features(
    {
        "image": datasets.Image(),
        "disparity": datasets.Image(),
        "disparity_minimum": datasets.Value("float64"),
        "disparity_maximum": datasets.Value("float64"),
        "disparity_encoding": datasets.Value("string"),
        "name": datasets.Value("string"),
        "source_row": datasets.Value("int64"),
        "width": datasets.Value("int32"),
        "height": datasets.Value("int32"),
    }
)
UNIT_FEATURES = {UNIT_COLUMN: datasets.Value("string")}
FIT_FEATURES = {
    "fit_scale": datasets.Value("float64"),
    "fit_shift": datasets.Value("float64"),
    "fit_inliers": datasets.Value("float32"),
    "fit_residual": datasets.Value("float32"),
    "fit_ok": datasets.Value("bool"),
}
# Not as pictures: their bits are no colours.
MASK_FEATURES = {MASKS_COLUMN: datasets.Value("binary")} | {
    column: datasets.Value("float32") for column in SHARE_COLUMNS.values()
}


def features_of(provenance: Mapping[str, Any]) -> datasets.Features:
    """Return the columns of the shards of a run: the fit of two teachers and masks only where they are made."""
    features = dict(FEATURES)
    features |= UNIT_FEATURES if UNIT_COLUMN in provenance else {}
    features |= FIT_FEATURES if "fit" in provenance else {}
    features |= MASK_FEATURES if provenance.get("masks") else {}
    if provenance.get("store_images") == "reference":
        features["image"] = datasets.Value("string")
    return datasets.Features(features)


@dataclass(frozen=True)
class ShardSummary:
    """Summary in the footer of a complete shard.

    Attributes:
        labelled: number of rows.
        items: number of images of the input, the skipped ones included.
        skipped: (name, reason) of each image without a label.
        is_last: False if a further part of the same input shard follows.
        stored_images: "bytes" or "reference".
        provenance: of the run that made the shard.
        file: name that the shard was written under; None in those of earlier versions.
        bad_fits: number of rows whose two teachers do not fit each other.
    """

    labelled: int
    items: int
    skipped: list[tuple[str, str]]
    is_last: bool
    stored_images: str
    provenance: dict[str, Any]
    file: str | None = None
    bad_fits: int = 0


@dataclass(frozen=True)
class ManifestEntry:
    """A line of the manifest: file name, number of rows and skipped images, size and checksum of the file."""

    file: str
    rows: int
    skipped: int
    bytes: int
    sha256: str


class ShardWriter:
    """Write one shard by groups of rows; it appears in the folder at `finish`.

    Args:
        path: of the shard.
        stored_images: "bytes" (column `image` holds encoded pictures) or "reference" (it holds paths or URLs).
        provenance: of the run, which tells what further columns there are.

    Raises:
        OSError: the file cannot be written, e.g. on a full disk; the message says that finished shards are kept.
    """

    def __init__(self, path: Path, stored_images: str = "bytes", provenance: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self._stored_images = stored_images
        self._schema = features_of({**(provenance or {}), "store_images": stored_images}).arrow_schema
        self._unfinished = unfinished_file(path)
        self._rows = self._bad_fits = 0
        self._lock = ExitStack()
        try:
            self._lock.enter_context(hold_file(self._unfinished))
            # Pictures do not shrink any further, and their bytes in the statistics would double the file's footer.
            self._writer = pq.ParquetWriter(
                self._unfinished, self._schema, compression="NONE", use_dictionary=False, write_statistics=False
            )
        except OSError as error:
            self._discard()
            raise write_error(path, error, ADVICE) from error

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Add one row group."""
        # `datasets` cannot read a row group without rows; a file without row groups it can.
        if rows:
            self._rows += len(rows)
            self._bad_fits += sum(row.get("fit_ok") is False for row in rows)
            try:
                table = pa.Table.from_pylist(list(rows), schema=self._schema)
                self._writer.write_table(table, row_group_size=len(rows))
            except OSError as error:
                raise write_error(self.path, error, ADVICE) from error

    def finish(self, skipped: list[tuple[str, str]], provenance: dict[str, Any], is_last: bool = True) -> None:
        """Complete the shard and write its line of the manifest."""
        summary = {
            "items": self._rows + len(skipped),
            "skipped": skipped,
            "is_last": is_last,
            "stored_images": self._stored_images,
            "file": self.path.name,
        }
        summary |= {"bad_fits": self._bad_fits} if self._bad_fits else {}
        self._writer.add_key_value_metadata(
            {SUMMARY_KEY: json.dumps(summary), PROVENANCE_KEY: json.dumps(provenance, sort_keys=True)}
        )
        try:
            self._writer.close()
            add_row_table(self._unfinished)
            finish_file(self._unfinished, self.path)
            write_entry(self.path)
        except OSError as error:
            raise write_error(self.path, error, ADVICE) from error
        finally:
            self._lock.close()

    def abandon(self) -> None:
        """Remove what was written so far; harmless after `finish`."""
        # Closing may fail on a full disk; the file is removed anyway.
        with suppress(OSError, pa.ArrowException):
            self._writer.close()
        self._discard()

    def _discard(self) -> None:
        self._unfinished.unlink(missing_ok=True)
        self._lock.close()


def shard_name(index: int, count: int, part: int | None = None) -> str:
    """Return the file name of an output shard, or of a part of it where its length is not known beforehand."""
    return f"labels-{index:05d}-of-{count:05d}" + ("" if part is None else f"-{part:04d}") + ".parquet"


def division_of(name: str) -> tuple[int, bool] | None:
    """Return the number of (input) shards that a shard's file name tells, and whether it is a part; None without."""
    found = _NAME.fullmatch(name)
    if found is None or int(found["index"]) >= int(found["count"]):
        return None
    return int(found["count"]), found["part"] is not None


def read_summary(path: Path) -> ShardSummary | None:
    """Return the summary of a shard that is complete by its footer; None for an absent or truncated file."""
    try:
        metadata = pq.read_metadata(path)
        summary = json.loads((metadata.metadata or {})[SUMMARY_KEY])
        return ShardSummary(
            labelled=metadata.num_rows,
            items=summary["items"],
            skipped=[(name, reason) for name, reason in summary["skipped"]],
            is_last=summary["is_last"],
            stored_images=summary["stored_images"],
            provenance=dict(json.loads(metadata.metadata.get(PROVENANCE_KEY, b"{}"))),
            file=summary.get("file"),
            bad_fits=summary.get("bad_fits", 0),
        )
    except (KeyError, ValueError, TypeError, OSError, pa.ArrowException):
        # A power cut may leave an empty or truncated file; it is computed again.
        return None


def read_completed(path: Path) -> ShardSummary | None:
    """Return the summary of a shard that is complete, else None; a missing line of the manifest is added.

    A copy under the name of another shard is none. This checks the shard's footer and length; `verify_labels` checks
    all bytes.
    """
    summary = read_summary(path)
    if summary is None or summary.file not in (None, path.name):
        return None
    entry = read_entry(path)
    if entry is None:
        write_entry(path)
    elif entry.bytes != path.stat().st_size:
        return None
    return summary


def entry_path(path: Path) -> Path:
    """Return the file that holds the manifest's line of a shard."""
    return path.parent / MANIFEST_FOLDER / f"{path.stem}.entry"


def read_entry(path: Path) -> ManifestEntry | None:
    """Return the manifest's line of a shard; None if it is absent or damaged."""
    try:
        return ManifestEntry(**json.loads(entry_path(path).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_entry(path: Path) -> None:
    """Write the manifest's line of a complete shard.

    Raises:
        ValueError: the shard is not complete.
    """
    while True:
        before = _identity(path)
        summary = read_summary(path)
        if summary is None:
            raise ValueError(
                f"{path} is not complete, although it was written without an error; check the disk, then run the same "
                "command again"
            )
        size, digest = path.stat().st_size, sha256_of_file(path)
        entry = ManifestEntry(path.name, summary.labelled, len(summary.skipped), size, digest)
        atomic_write(entry_path(path), json.dumps(asdict(entry)) + "\n")
        # Another run may have replaced the shard with its own meanwhile; whoever writes the line last sees that.
        if _identity(path) == before:
            return


def check_joined_manifest(folder: Path) -> None:
    """Check that `join_manifest` replaces nothing of the user's.

    Raises:
        FileExistsError: another file of its name.
    """
    path = folder / MANIFEST_FILE
    if os.path.lexists(path) and (path.is_symlink() or _read_joined(path) is None):
        refuse_to_replace([path], "move it away")


def join_manifest(folder: Path) -> Path:
    """Write the manifest's lines of all shards into one file for the Hub, and return it.

    Raises:
        FileExistsError: another file of its name.
    """
    check_joined_manifest(folder)
    shards = sorted(folder.glob(SHARD_PATTERN))
    for path in shards:
        if read_entry(path) is None:
            write_entry(path)
    atomic_write(folder / MANIFEST_FILE, "".join(entry_path(path).read_text(encoding="utf-8") for path in shards))
    return folder / MANIFEST_FILE


def restore_manifest(folder: Path) -> None:
    """Write the manifest's lines of shards that came from the Hub, from the one file that holds all lines there."""
    for entry in _read_joined(folder / MANIFEST_FILE) or []:
        path = folder / Path(entry.file).name
        if path.is_file() and not entry_path(path).exists():
            atomic_write(entry_path(path), json.dumps(asdict(entry)) + "\n")


def _read_joined(path: Path) -> list[ManifestEntry] | None:
    """Return the lines of a joined manifest; None where there is none, or another file."""
    try:
        return [ManifestEntry(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, TypeError):
        return None


def is_own_shard(path: Path) -> bool:
    """Return whether a file was written as a shard, by its name and content; damaged ones included.

    A whole parquet file without a summary is the user's, whatever its name; so is what is no parquet file at all and
    has no line in the manifest.
    """
    if _NAME.fullmatch(path.name) is None or path.is_symlink() or not path.is_file():
        return False
    entry = read_entry(path)
    if read_summary(path) is not None or (entry is not None and entry.bytes == path.stat().st_size):
        return True
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
        # A power cut may leave nothing, or zeros; what the manifest lists may have any damage.
        return entry is not None or not start.strip(b"\0") or start == _MAGIC
    return False


def foreign_shards(folder: Path) -> list[Path]:
    """Return the files that have the names of shards and are the user's, sorted.

    Those that have a line of the manifest are not opened: there may be very many.
    """
    listed = {path.stem for path in (folder / MANIFEST_FOLDER).glob("*.entry")}
    unknown = [path for path in folder.glob(SHARD_PATTERN) if path.stem not in listed and _NAME.fullmatch(path.name)]
    return sorted(path for path in unknown if not is_own_shard(path))


def remove_shard(path: Path) -> None:
    """Remove a shard and its line of the manifest."""
    path.unlink(missing_ok=True)
    entry_path(path).unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> list[Path]:
    """Remove what processes that are gone have left unfinished in a folder of labels, and return it."""
    return [*remove_abandoned(folder, folder / MANIFEST_FOLDER), *remove_abandoned_runs(folder)]


def _identity(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
