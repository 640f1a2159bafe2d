# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Re-read shards of pseudo-labels: which are damaged, which are missing, which images have two labels."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..data.decoding.disparity_codec import decode_disparity
from ..data.decoding.images import read_image
from ..data.decoding.label_masks import MASKS_COLUMN, SHARE_COLUMNS, decode_masks, masks_of_row
from ..utils.files import sha256_of_file
from ..utils.messages import counted
from ..utils.paths import local_path
from .provenance import (
    PROVENANCE_FILE,
    VERSION_KEY,
    footer_differences,
    read_provenance,
    under_todays_keys,
)
from .shards import (
    SHARD_PATTERN,
    ShardSummary,
    division_of,
    is_own_shard,
    read_entry,
    read_summary,
    remove_shard,
    restore_manifest,
    shard_name,
    write_entry,
)


READING_THREADS = min(4, os.cpu_count() or 1)
ROWS_AT_ONCE = 4 * READING_THREADS


@dataclass
class VerifyReport:
    """State of a folder of pseudo-labels.

    Attributes:
        shards: number of shard files.
        labelled: number of rows in the undamaged ones.
        skipped: (name, reason) of each image that the undamaged ones leave out.
        damaged: (file name, reason) of each shard that must not be used.
        removed: names of the shards that were deleted. Files that were never written as shards are not.
        missing: names of the shards that are not there.
        duplicates: names of images that are labelled more than once.
    """

    shards: int = 0
    labelled: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """True if nothing is damaged or missing and no image is labelled twice."""
        return not (self.damaged or self.missing or self.duplicates)


def verify_labels(
    folder: str | os.PathLike[str],
    *,
    remove_damaged: bool = False,
    remove_skipped: bool = False,
    check_pixels: bool = True,
) -> VerifyReport:
    """Re-read all shards of a folder.

    Of each shard: the bytes and their checksum are those of the manifest; rows and skipped images add up; every
    picture and label decodes; the label is as large as its picture (of images stored by reference, as the size in the
    row); the label fills its range; masks have its size and the stored shares. Of the folder: no shard is missing, and
    no image occurs twice. An undamaged shard without a line in the manifest gets one. Each shard's footer agrees with
    `provenance.json`, or where that is gone with most of the others; what is missing is then told by footers and file
    names.

    Args:
        folder: what `label_images` wrote.
        remove_damaged: delete the damaged shards, so that a repeated run makes them again. A file that was never
            written as a shard is named as damaged and stays.
        remove_skipped: delete also the undamaged shards that leave images out, so that a repeated run tries those
            again, e.g. after an outage; they are then missing.
        check_pixels: False leaves out the decoding, which takes most of the time; checksums are checked all the same.

    Raises:
        FileNotFoundError: no labels at all in the folder.
    """
    root = local_path(folder)
    shards = sorted(root.glob(SHARD_PATTERN))
    provenance = read_provenance(root)
    if not shards and not provenance:
        raise FileNotFoundError(
            f"{root} holds no labels: expected {SHARD_PATTERN} and {PROVENANCE_FILE}; check the path"
        )
    restore_manifest(root)
    report = VerifyReport(shards=len(shards))
    hashes = []
    run = provenance or _most_common_footer(shards)
    division = _division(run, [path.name for path in shards])
    sound: dict[str, ShardSummary] = {}
    for path in shards:
        summary, fault = _check_shard(path, check_pixels)
        fault = fault or _foreign(path.name, summary, run, division)
        if summary is None or fault:
            report.damaged.append((path.name, fault))
            continue
        if read_entry(path) is None:
            write_entry(path)
        sound[path.name] = summary
        report.labelled += summary.labelled
        report.skipped += summary.skipped
        hashes.append(_hashes(path))
    report.duplicates = _repeated_names([root / name for name in sound], hashes)
    present = {path.name for path in shards}
    report.missing = [name for name in _expected(division, sound.get) if name not in present]
    if remove_damaged:
        report.removed = [name for name, _ in report.damaged if is_own_shard(root / name)]
        for name in report.removed:
            remove_shard(root / name)
    if remove_skipped:
        with_gaps = [name for name, summary in sound.items() if summary.skipped]
        for name in with_gaps:
            remove_shard(root / name)
        report.removed += with_gaps
        report.missing = sorted([*report.missing, *with_gaps])
    return report


def missing_shards(folder: str | os.PathLike[str]) -> list[str]:
    """Return the names of the missing shards, found by file names and footers.

    Raises:
        FileNotFoundError: no labels at all in the folder.
    """
    root = local_path(folder)
    provenance = read_provenance(root)
    present = {path.name for path in root.glob(SHARD_PATTERN)}
    if not present and not provenance:
        raise FileNotFoundError(
            f"{root} holds no labels: expected {SHARD_PATTERN} and {PROVENANCE_FILE}; check the path"
        )
    run = provenance or _most_common_footer(sorted(root.glob(SHARD_PATTERN)))
    expected = _expected(_division(run, sorted(present)), lambda name: read_summary(root / name))
    return [name for name in expected if name not in present]


def _check_shard(path: Path, check_pixels: bool) -> tuple[ShardSummary | None, str]:
    """Return the shard's summary, and what is wrong with it ("" if nothing is)."""
    entry, summary = read_entry(path), read_summary(path)
    size = path.stat().st_size
    if entry is not None and entry.bytes != size:
        return summary, f"{size} bytes, expected {entry.bytes} by the manifest"
    if entry is not None and entry.sha256 != sha256_of_file(path):
        return summary, "its checksum differs from the manifest's"
    if summary is None:
        if not is_own_shard(path):
            return None, "not written by this package; move it out of the folder"
        return None, "not a complete shard: truncated, or not written by this package"
    if entry is not None and (entry.rows, entry.skipped) != (summary.labelled, len(summary.skipped)):
        return summary, f"{counted(summary.labelled, 'row')}, expected {entry.rows} by the manifest"
    if summary.labelled + len(summary.skipped) != summary.items:
        found = f"{counted(summary.labelled, 'row')} and {len(summary.skipped)} skipped"
        return summary, f"{found} for {counted(summary.items, 'image')}"
    return summary, next(_row_faults(path, summary.stored_images), "") if check_pixels else ""


def _row_faults(path: Path, stored_images: str) -> Iterator[str]:
    try:
        with ThreadPoolExecutor(READING_THREADS, thread_name_prefix="verify") as pool:
            for batch in pq.ParquetFile(path).iter_batches(batch_size=ROWS_AT_ONCE):
                rows = batch.to_pylist()
                faults = pool.map(_row_fault, rows, [stored_images] * len(rows))
                yield from (f"{row['name']}: {fault}" for row, fault in zip(rows, faults, strict=True) if fault)
    except (OSError, pa.ArrowException) as error:
        yield f"cannot be read: {error}"


def _row_fault(row: dict[str, Any], stored_images: str) -> str:
    try:
        size = (row["height"], row["width"])
        minimum, maximum, encoding = (row[f"disparity_{key}"] for key in ("minimum", "maximum", "encoding"))
        disparity = decode_disparity(row["disparity"]["bytes"], minimum, maximum, encoding)
        if disparity.shape != size:
            return f"its label is {disparity.shape} and its image {size} (height, width)"
        if stored_images == "bytes" and (shape := read_image(row["image"]).shape[:2]) != size:
            return f"its image is {shape} and its label {size} (height, width)"
        if fault := _mask_fault(row, size) or _fit_fault(row):
            return fault
    except (KeyError, TypeError, ValueError) as error:
        return str(error)
    return _range_fault(disparity, minimum, maximum, encoding)


def _mask_fault(row: dict[str, Any], size: tuple[int, int]) -> str:
    """Return what is wrong with the masks of a row: their size, their bits, their shares; "" without masks."""
    made = masks_of_row(row)
    if row.get(MASKS_COLUMN) is None:
        return f"it has no masks, and the share of {made[0]}" if made else ""
    masks = decode_masks(row[MASKS_COLUMN], made)
    for name, mask in masks.items():
        if mask.shape != size:
            return f"its masks are {mask.shape} and its image {size} (height, width)"
        share, stored = float(mask.mean()), row[SHARE_COLUMNS[name]]
        if not np.isclose(share, stored, rtol=0, atol=1e-6):
            return f"its mask {name} covers {share:.4f} of the pixels, expected {stored:.4f} by its stored share"
    return ""


def _fit_fault(row: dict[str, Any]) -> str:
    """Return what is wrong with the fit of two teachers in a row; "" without one."""
    if not row.get("fit_ok"):
        return ""
    scale, shift = row["fit_scale"], row["fit_shift"]
    if scale is None or shift is None or not (np.isfinite([scale, shift]).all() and scale > 0):
        return f"its fit is told to be good, with scale {scale} and shift {shift}"
    return ""


def _range_fault(disparity: np.ndarray, minimum: float, maximum: float, encoding: str) -> str:
    coded = disparity[disparity > 0] if encoding == "log" else disparity[~np.isnan(disparity)]
    found = (float(coded.min()), float(coded.max())) if coded.size else (0.0, 0.0)
    is_finite = np.isfinite([minimum, maximum]).all()
    if not (is_finite and np.allclose(found, (minimum, maximum), rtol=1e-5, atol=1e-5 * abs(maximum - minimum))):
        return f"its label spans {found[0]:g}..{found[1]:g}, expected {minimum:g}..{maximum:g} by its stored range"
    return ""


def _identities(path: Path) -> list[tuple[str, str]]:
    """Return (name, what is unique to an image) for each row: the name with the row in the input, or in its shard."""
    columns = [column for column in ("name", "source_row") if column in pq.read_schema(path).names]
    rows = pq.read_table(path, columns=columns).to_pylist()
    division = division_of(path.name)
    # Rows of a stream are counted in each of its shards anew.
    shard = path.name.split("-of-")[0] if division is not None and division[1] else ""
    return [(row["name"], f"{row['name']}\0{row.get('source_row')}\0{shard}") for row in rows]


def _hashes(path: Path) -> np.ndarray:
    """Return eight bytes per image: hashes of many millions of images fit the memory."""
    digests = b"".join(hashlib.blake2b(each.encode(), digest_size=8).digest() for _, each in _identities(path))
    return np.frombuffer(digests, dtype=np.uint64)


def _repeated_names(shards: list[Path], hashes: list[np.ndarray]) -> list[str]:
    if not hashes:
        return []
    values, counts = np.unique(np.concatenate(hashes), return_counts=True)
    repeated = values[counts > 1]
    times: Counter[tuple[str, str]] = Counter()
    for path, own in zip(shards, hashes, strict=True):
        is_repeated = np.isin(own, repeated)
        if is_repeated.any():
            times.update(each for each, again in zip(_identities(path), is_repeated, strict=True) if again)
    return sorted({name for (name, _), count in times.items() if count > 1})


def _most_common_footer(shards: list[Path]) -> dict[str, Any]:
    """Return the provenance that most shards have in their footers; {} where none has any."""
    found = [summary.provenance for path in shards if (summary := read_summary(path)) is not None]
    texts = [json.dumps({**under_todays_keys(footer), VERSION_KEY: None}, sort_keys=True) for footer in found]
    return dict(json.loads(Counter(texts).most_common(1)[0][0])) if texts else {}


def _division(run: dict[str, Any], names: list[str]) -> tuple[int, bool] | None:
    """Return the number of (input) shards of a run, and whether they have parts; None where nothing tells."""
    if "shard_size" in run:
        parts = run.get("input_shards") is not None
        return (run["input_shards"], True) if parts else (-(-run["images"] // run["shard_size"]), False)
    told = [division for name in names if (division := division_of(name)) is not None]
    return Counter(told).most_common(1)[0][0] if told else None


def _foreign(name: str, summary: ShardSummary | None, run: dict[str, Any], division: tuple[int, bool] | None) -> str:
    """Return how a shard contradicts the run of the other ones, or its own name; "" if it does not."""
    differences = [] if summary is None else footer_differences(summary.provenance, run)
    if division not in (None, division_of(name)):
        differences.append("its name is none of this run's")
    if differences:
        return f"it is of another run: {'; '.join(differences)}"
    if summary is not None and summary.file not in (None, name):
        return f"it was written as {summary.file}: a copy, or renamed"
    return ""


def _expected(division: tuple[int, bool] | None, summary_of: Callable[[str], ShardSummary | None]) -> Iterator[str]:
    """Yield the names of the shards that a run makes, as far as they are known."""
    if division is None:
        return
    count, has_parts = division
    for index in range(count):
        if not has_parts:
            yield shard_name(index, count)
            continue
        part = 0
        while (summary := summary_of(shard_name(index, count, part))) is not None and not summary.is_last:
            yield shard_name(index, count, part)
            part += 1
        yield shard_name(index, count, part)
