# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A teacher's disparity for many images, as parquet shards that `datasets` reads; resumable, split over processes.

Shard k holds items k * shard_size to (k + 1) * shard_size of the dataset, whoever computes it, and is complete or
absent. A later run with the same settings computes the absent ones only.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from . import __version__
from .data.datasets import SampleDataset
from .data.reading import UnreadableImageError, encode_disparity, read_image
from .geometry import depth_to_disparity
from .inference import DepthPredictor, Prediction
from .visualization import encode_png


PROVENANCE_FILE = "provenance.json"
WEIGHT_SUFFIXES = (".safetensors", ".bin")
# The images that a shard leaves out stand in its own metadata, so that the shard stays one file, complete or absent.
SKIPPED_KEY = b"skipped"
# The range is float64: rounded to float32 it would add an error as large as a code step where the range is narrow.
FEATURES = datasets.Features(
    {
        "image": datasets.Image(),
        "disparity": datasets.Image(),
        "disparity_minimum": datasets.Value("float64"),
        "disparity_maximum": datasets.Value("float64"),
        "name": datasets.Value("string"),
        "width": datasets.Value("int32"),
        "height": datasets.Value("int32"),
    }
)


@dataclass
class LabelReport:
    """What one process's share of the shards holds, those of earlier runs included.

    Attributes:
        labelled: number of images with a label.
        skipped: (name, reason) of each image that could not be read or predicted.
        shards: the shard files.
    """

    labelled: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    shards: list[Path] = field(default_factory=list)


def label_images(
    predictor: DepthPredictor,
    dataset: SampleDataset,
    output_dir: str | os.PathLike[str],
    *,
    provenance: dict[str, Any],
    shard_size: int = 256,
    process_index: int = 0,
    process_count: int = 1,
    names_relative_to: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> LabelReport:
    """Labels a dataset's images and writes `labels-00000-of-NNNNN.parquet` shards.

    Columns: `image` (the file's own bytes where the sample's name is its file, else a PNG), `disparity` (16-bit PNG,
    to be decoded by `data.reading.decode_disparity`), `disparity_minimum`, `disparity_maximum`, `name`, `width`,
    `height` (after the EXIF orientation). A metric teacher's depth is stored as disparity 1 / depth.
    `datasets.load_dataset(output_dir)` and `data.open_source(output_dir)` open the folder.

    Args:
        predictor: the teacher.
        dataset: samples with "image" and "name"; labels in it are not used.
        output_dir: made if absent.
        provenance: where the labels come from, JSON values, e.g. from `describe_teacher`. Kept in `provenance.json`.
        shard_size: images per shard; a shard is held in memory until it is complete.
        process_index, process_count: this process computes the shards k with k % process_count == process_index.
        names_relative_to: folder that is cut off from the names, so that no path of this machine is published.
        progress: show a bar on the terminal.

    Raises:
        ValueError: an empty dataset, wrong counts, `output_dir` holds the labels of a run with other settings, or the
            teacher failed on every readable image of a shard.
    """
    _check_counts(len(dataset), shard_size, process_index, process_count)
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    _write_provenance(folder, {**provenance, "images": len(dataset), "shard_size": shard_size})
    shard_count = -(-len(dataset) // shard_size)
    report = LabelReport()
    own_shards = range(process_index, shard_count, process_count)
    total = sum(len(_positions(shard, shard_size, len(dataset))) for shard in own_shards)
    with tqdm(total=total, desc="pseudo-labels", unit="image", disable=not progress) as bar:
        for shard in own_shards:
            path = folder / f"labels-{shard:05d}-of-{shard_count:05d}.parquet"
            positions = _positions(shard, shard_size, len(dataset))
            if not _is_complete(path):
                source = _ImageReader(dataset, names_relative_to)
                rows, skipped = _label_shard(predictor, source, positions, bar)
                _write_shard(path, rows, skipped)
            else:
                bar.update(len(positions))
            _add_shard(report, path)
    return report


def describe_teacher(predictor: DepthPredictor, name_or_path: str | os.PathLike[str]) -> dict[str, Any]:
    """What decides the labels on the teacher's side, for `label_images(provenance=...)`; no dates, no local paths.

    Returns:
        teacher (Hub id or folder name), revision (commit on the Hub, None for a folder), weights_sha256 (per file, of
        a folder), kind, input_size, precision, package_version.
    """
    folder = Path(name_or_path)
    is_local = folder.is_dir()
    return {
        "teacher": folder.resolve().name if is_local else os.fspath(name_or_path),
        "revision": None if is_local else getattr(predictor.model.config, "_commit_hash", None),
        "weights_sha256": _weight_hashes(folder) if is_local else None,
        "kind": predictor.kind,
        "input_size": predictor.input_size,
        "precision": predictor.precision,
        "package_version": __version__,
    }


class _ImageReader:
    """Reads samples for the predictor's decoding threads and keeps what a row needs until the prediction is there."""

    def __init__(self, dataset: SampleDataset, names_relative_to: str | os.PathLike[str] | None) -> None:
        self._dataset = dataset
        self._root = None if names_relative_to is None else Path(names_relative_to).expanduser()
        self._read: dict[int, tuple[str, dict[str, Any]]] = {}

    def image(self, position: int) -> np.ndarray:
        sample = self._dataset[position]
        name, image = str(sample["name"]), sample["image"]
        content, suffix = _encoded_image(name, image)
        cell = {"bytes": content, "path": f"{Path(name).stem}{suffix}"}
        self._read[position] = (self.published(name), cell)
        return image

    def pop(self, position: int) -> tuple[str, dict[str, Any]]:
        """Name and encoded image of an item; for one that was never read, its position and nothing."""
        return self._read.pop(position, (f"item {position}", {}))

    def published(self, text: str) -> str:
        """A name or message without the folder that names are relative to."""
        return text if self._root is None else text.replace(f"{self._root}{os.sep}", "")


def _label_shard(
    predictor: DepthPredictor, source: _ImageReader, positions: range, bar: tqdm[Any]
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    rows: list[dict[str, Any]] = []
    skipped: list[tuple[str, str]] = []
    teacher_failed = False
    for position, prediction in zip(positions, predictor(_on_demand(source, positions)), strict=True):
        name, image_cell = source.pop(position)
        if prediction.values is None:
            skipped.append((name, source.published(prediction.error or "no prediction")))
            teacher_failed = teacher_failed or prediction.image_size is not None
        else:
            rows.append(_row(name, image_cell, _disparity(prediction, predictor.kind)))
        bar.update()
    if teacher_failed and not rows:
        # Not a fault of the images, so that the shard must not count as done.
        raise ValueError(f"the teacher failed on all images of a shard, e.g. {skipped[-1][0]}: {skipped[-1][1]}")
    return rows, skipped


def _on_demand(source: _ImageReader, positions: range) -> Iterator[tuple[str, Any]]:
    for position in positions:
        yield f"item {position}", lambda position=position: source.image(position)


def _disparity(prediction: Prediction, kind: str) -> np.ndarray:
    values = prediction.values
    assert values is not None
    return depth_to_disparity(values) if kind == "depth" else values


def _row(name: str, image_cell: dict[str, Any], disparity: np.ndarray) -> dict[str, Any]:
    png, minimum, maximum = encode_disparity(disparity)
    height, width = disparity.shape
    return {
        "image": image_cell,
        "disparity": {"bytes": png, "path": f"{Path(image_cell['path']).stem}_disparity.png"},
        "disparity_minimum": minimum,
        "disparity_maximum": maximum,
        "name": name,
        "width": width,
        "height": height,
    }


def _encoded_image(name: str, image: np.ndarray) -> tuple[bytes, str]:
    """The file's bytes if the sample's name is a file that shows exactly this image, else a PNG; and the suffix."""
    path = Path(name)
    try:
        content = path.read_bytes()
        if np.array_equal(read_image(content), image):
            return content, path.suffix
    except (OSError, UnreadableImageError, ValueError):
        # Not a file, or not this image's: names are free.
        pass
    return encode_png(image), ".png"


def _write_shard(path: Path, rows: list[dict[str, Any]], skipped: list[tuple[str, str]]) -> None:
    features = FEATURES.arrow_schema
    schema = features.with_metadata({**(features.metadata or {}), SKIPPED_KEY: json.dumps(skipped).encode()})
    # A leading dot hides the unfinished file from everything that lists the folder.
    unfinished = path.with_name(f".{path.name}.unfinished")
    with pq.ParquetWriter(unfinished, schema) as writer:
        # `datasets` cannot read a row group without rows; a file without row groups it can.
        if rows:
            writer.write_table(pa.Table.from_pylist(rows, schema=schema), row_group_size=len(rows))
    os.replace(unfinished, path)


def _is_complete(path: Path) -> bool:
    try:
        return SKIPPED_KEY in (pq.read_schema(path).metadata or {})
    except (FileNotFoundError, pa.ArrowInvalid):
        # An empty or torn file is what a power cut leaves; it is computed again.
        return False


def _add_shard(report: LabelReport, path: Path) -> None:
    report.shards.append(path)
    report.labelled += pq.read_metadata(path).num_rows
    report.skipped += [(name, reason) for name, reason in json.loads(pq.read_schema(path).metadata[SKIPPED_KEY])]


def _positions(shard: int, shard_size: int, image_count: int) -> range:
    return range(shard * shard_size, min((shard + 1) * shard_size, image_count))


def _check_counts(image_count: int, shard_size: int, process_index: int, process_count: int) -> None:
    if image_count == 0:
        raise ValueError("the dataset is empty, there is nothing to label")
    if shard_size < 1:
        raise ValueError(f"shard_size must be at least 1, got {shard_size}")
    if not 0 <= process_index < process_count:
        raise ValueError(f"process_index must lie in 0..{process_count - 1}, got {process_index}")


def _write_provenance(folder: Path, provenance: dict[str, Any]) -> None:
    text = json.dumps(provenance, indent=2, sort_keys=True) + "\n"
    path = folder / PROVENANCE_FILE
    if path.exists():
        _check_same_run(folder, json.loads(path.read_text(encoding="utf-8")), json.loads(text))
        return
    if any(folder.glob("labels-*.parquet")):
        raise ValueError(f"{folder} holds labels without a {PROVENANCE_FILE}; choose another output folder")
    unfinished = folder / f".{PROVENANCE_FILE}.{os.getpid()}"
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


def _check_same_run(folder: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    different = [
        f"{key}: {there.get(key)!r} there, {here.get(key)!r} now"
        for key in sorted(there.keys() | here.keys())
        if there.get(key) != here.get(key)
    ]
    if different:
        raise ValueError(
            f"{folder} is the output folder of another run ({'; '.join(different)}); "
            "choose another one, or repeat the earlier settings to continue that run"
        )


def _weight_hashes(folder: Path) -> dict[str, str]:
    hashes = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in WEIGHT_SUFFIXES and path.is_file():
            with path.open("rb") as file:
                hashes[path.name] = _sha256(file)
    return hashes


def _sha256(file: io.BufferedReader) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
