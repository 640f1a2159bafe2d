# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A teacher's disparity for many images, as parquet shards that `datasets` reads; resumable, split over processes.

An output shard depends on the items of its input shard only, whoever computes it, and is complete or absent. A later
run with the same settings computes the absent ones only. Processes need to share nothing but the folder.

Pictures are decoded ahead, labels are encoded and written behind the forward pass, all in bounded memory.
"""

from __future__ import annotations

import json
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, TypeAlias

import numpy as np
from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from tqdm import tqdm

from ..data.decoding.disparity_codec import ENCODINGS
from ..data.decoding.errors import too_many_broken
from ..data.depth_stream import DepthStream
from ..data.samples import SampleDataset
from ..geometry.disparity import depth_to_disparity
from ..inference.prediction import Prediction
from ..inference.predictor import DepthPredictor
from ..utils.files import create_file, sha256_of_file
from ..version import __version__
from .inputs import LabelItem, Naming, ShardWork, StreamInputs, TableInputs, label_row
from .shards import (
    PROVENANCE_FILE,
    SHARD_PATTERN,
    STORED_IMAGES,
    ShardSummary,
    ShardWriter,
    completed,
    remove_unfinished,
)
from .verify import VerifyReport as VerifyReport
from .verify import verify_labels as verify_labels


logger = logging.getLogger(__name__)

_Outcome: TypeAlias = "dict[str, Any] | tuple[str, str]"

WEIGHT_SUFFIXES = (".safetensors", ".bin")
ENCODING_THREADS = min(4, os.cpu_count() or 1)
# Predicted maps that wait for their encoding, and encoded rows that wait for the disk: they bound the memory.
WAITING_MAPS = 2 * ENCODING_THREADS
ROWS_PER_GROUP = 32
WAITING_GROUPS = 2
# Where all of so many images in one shard fail, it is an outage rather than chance.
MANY_IMAGES = 8
LARGEST_BROKEN_SHARE = 0.1


@dataclass
class LabelReport:
    """What one process's share of the shards holds, those of earlier runs included.

    Attributes:
        labelled: number of images with a label.
        skipped: (name, reason) of each image that could not be read, or whose prediction was NaN or not codable.
        shards: the shard files.
    """

    labelled: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    shards: list[Path] = field(default_factory=list)


def label_images(
    predictor: DepthPredictor,
    dataset: SampleDataset | DepthStream,
    output_dir: str | os.PathLike[str],
    *,
    provenance: dict[str, Any],
    shard_size: int = 256,
    process_index: int = 0,
    process_count: int = 1,
    names_relative_to: str | os.PathLike[str] | None = None,
    progress: bool = True,
    store_images: str = "bytes",
    encoding: str = "linear",
    max_broken_share: float = LARGEST_BROKEN_SHARE,
) -> LabelReport:
    """Labels a dataset's images and writes parquet shards.

    Columns: `image` (the encoded bytes as they came, a PNG where there are none; or the reference), `disparity`
    (16-bit PNG, to be decoded by `data.reading.decode_disparity`), `disparity_minimum`, `disparity_maximum`,
    `disparity_encoding`, `name`, `source_row` (position in the data set or the input shard), `width`, `height` (after
    the EXIF orientation). A metric teacher's depth is stored as disparity 1 / depth. Each shard's footer holds the
    provenance and the skipped images. `datasets.load_dataset(output_dir)` and `data.open_source(output_dir)` open the
    folder; `verify_labels` checks it.

    A map-style data set gives `labels-00000-of-NNNNN.parquet`, shard k with the items k * shard_size onwards. A
    stream gives `labels-00000-of-NNNNN-0000.parquet`, shard j with the rows of the stream's shard (file) j, in parts
    of `shard_size`; it cannot keep more processes busy than it has files.

    Two runs at once by mistake do each other no harm: they only do the work twice. What may pass by itself is not kept
    as a result: a shard in which the teacher's pass failed for an image (out of memory), and one of at least 8 images
    of which none could be read, stay absent, so that a repeated run tries again.

    Args:
        predictor: the teacher.
        dataset: samples with "image" and "name", or a stream from `open_source` with `streaming`; labels in it are
            not used.
        output_dir: made if absent.
        provenance: where the labels come from, JSON values, e.g. from `describe_teacher`. Kept in `provenance.json`.
        shard_size: images per shard.
        process_index, process_count: this process computes the shards k with k % process_count == process_index.
        names_relative_to: folder that is cut off from the names, so that no path of this machine is published.
        progress: show a bar on the terminal.
        store_images: "bytes", or "reference": only the path from `output_dir`, or the URL (`tar://` of `fsspec` for
            tar archives); of images that are embedded in a table, none, as `source_row` says which they are.
        encoding: "linear" or "log", see `data.reading.encode_disparity`. "log" suits metric teachers.
        max_broken_share: of the images that this process tried, 0..1; the run stops when more, and more than ten,
            cannot be read.

    Raises:
        ValueError: an empty dataset, wrong counts or choices, `output_dir` holds the labels of a run with other
            settings, the teacher failed on every readable image of a shard, too many images cannot be read, or, after
            all others were done, shards that could not be read or made.
        OSError: a shard cannot be written, e.g. because the disk is full. The finished ones stay.
    """
    _check_arguments(shard_size, process_index, process_count, store_images, encoding)
    if not 0 <= max_broken_share <= 1:
        raise ValueError(f"max_broken_share must lie in 0..1, got {max_broken_share}")
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    naming = Naming(names_relative_to, folder)
    inputs = _inputs(dataset, shard_size, naming)
    if inputs.shard_count < process_count and process_index == 0:
        logger.warning("%d shards for %d processes: some have nothing to do", inputs.shard_count, process_count)
    provenance = {**provenance, **inputs.description(), "store_images": store_images, "encoding": encoding}
    _write_provenance(folder, provenance)
    remove_unfinished(folder)
    own_shards = range(process_index, inputs.shard_count, process_count)
    counts = [inputs.item_count(shard) for shard in own_shards]
    total = None if None in counts else sum(count for count in counts if count is not None)
    with tqdm(total=total, desc="pseudo-labels", unit="image", disable=not progress) as bar:
        run = _LabelRun(folder, inputs, naming, provenance, max_broken_share, bar)
        run.label(predictor, own_shards)
    report = LabelReport()
    for shard in own_shards:
        for file in inputs.files(shard, run.completed):
            if file not in run.unmade:
                _add_shard(report, folder / file, run.completed(file))
    failures = [
        f"{len(reasons)} {what}: {'; '.join(reasons.values())}"
        for reasons, what in ((run.unread, "input shards could not be read"), (run.unmade, "shards could not be made"))
        if reasons
    ]
    if failures:
        raise ValueError(f"{'. '.join(failures)}. The others are done; mend the cause and repeat the same command")
    return report


def describe_teacher(predictor: DepthPredictor, name_or_path: str | os.PathLike[str]) -> dict[str, Any]:
    """What decides the labels on the teacher's side, for `label_images(provenance=...)`; no dates, no local paths.

    Returns:
        teacher (Hub id or folder name), revision (commit on the Hub, None for a folder), weights_sha256 (per file;
        None where the Hub's files are not in the local cache), kind, input_size, flip_averaging, precision,
        package_version.
    """
    folder = Path(name_or_path)
    is_local = folder.is_dir()
    revision = None if is_local else getattr(predictor.model.config, "_commit_hash", None)
    return {
        "teacher": folder.resolve().name if is_local else os.fspath(name_or_path),
        "revision": revision,
        "weights_sha256": _weight_hashes(folder if is_local else _cached_folder(os.fspath(name_or_path), revision)),
        "kind": predictor.prediction_kind,
        "input_size": predictor.input_size,
        "flip_averaging": predictor.flip_averaging,
        "precision": predictor.precision,
        "package_version": __version__,
    }


@dataclass
class _OpenShard:
    """An output shard in the making: items at the teacher, then outcomes that wait for the disk.

    An outcome is a row, or (name, reason) of an image without a label, or the promise of either.
    """

    work: ShardWork
    items: deque[LabelItem] = field(default_factory=deque)
    handed_all: bool = False
    is_given_up: bool = False
    teacher_failed: bool = False
    failure_in_model: str = ""
    outcomes: list[Future[_Outcome] | _Outcome] = field(default_factory=list)
    # Of the writing thread:
    writer: ShardWriter | None = None
    coding_failed: bool = False
    rows: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)


class _LabelRun:
    """One process's pass over its shards."""

    def __init__(
        self,
        folder: Path,
        inputs: TableInputs | StreamInputs,
        naming: Naming,
        provenance: dict[str, Any],
        max_broken_share: float,
        bar: tqdm[Any],
    ) -> None:
        self._folder = folder
        self._inputs = inputs
        self._naming = naming
        self._provenance = provenance
        self._bar = bar
        self._max_broken_share = max_broken_share
        self._open: deque[_OpenShard] = deque()
        self._read = self._broken = 0
        # By input shard and by file: why it is not done.
        self.unread: dict[str, str] = {}
        self.unmade: dict[str, str] = {}

    def completed(self, file: str) -> ShardSummary | None:
        return completed(self._folder / file)

    def label(self, predictor: DepthPredictor, shards: range) -> None:
        background = _Background()
        try:
            for prediction in predictor(self._sources(shards)):
                # Shards without images may stand before the one that the prediction belongs to.
                self._finish_predicted(background)
                self._take(self._open[0], prediction, predictor.prediction_kind, background)
                self._bar.update()
                self._finish_predicted(background)
            self._finish_predicted(background)
            background.wait()
        except BaseException:
            # What is predicted to its end is worth keeping, whatever happened to the rest.
            with suppress(Exception):
                self._finish_predicted(background)
            raise
        finally:
            background.close()
            for shard in self._open:
                _abandon(shard)

    def _sources(self, shards: range) -> Iterator[tuple[str, Callable[[], np.ndarray]] | None]:
        """Hands the items to the predictor, whose threads read them; each output shard ends with a bar line."""
        for index in shards:
            try:
                is_done = True
                for work in self._inputs.work(index, self.completed):
                    is_done = False
                    yield from self._sources_of(work)
                if is_done:
                    self._bar.update(self._inputs.item_count(index) or 0)
            except Exception as error:
                # Archives, parquet files and connections fail in many ways; the other input shards can go on.
                reason = self._naming.published(f"shard {index}: {type(error).__name__}: {error}")
                logger.error("an input shard cannot be read, going on with the next: %s", reason)
                self.unread[str(index)] = reason
                if self._open and not self._open[-1].handed_all:
                    self._open[-1].is_given_up = self._open[-1].handed_all = True
                    yield None

    def _sources_of(self, work: ShardWork) -> Iterator[tuple[str, Callable[[], np.ndarray]] | None]:
        shard = _OpenShard(work)
        self._open.append(shard)
        for item in work.items:
            shard.items.append(item)
            yield item.name, item.image
        shard.handed_all = True
        yield None

    def _take(self, shard: _OpenShard, prediction: Prediction, kind: str, background: _Background) -> None:
        item = shard.items.popleft()
        if prediction.values is None:
            reason = self._naming.published(prediction.error or "no prediction")
            shard.outcomes.append((item.name, reason))
            shard.teacher_failed = shard.teacher_failed or prediction.image_size is not None
            if prediction.failed_in_model:
                shard.failure_in_model = f"the teacher failed on {item.name}: {reason}"
        else:
            shard.outcomes.append(background.encode(_outcome, item, prediction.values, kind, self._provenance))
        if len(shard.outcomes) == ROWS_PER_GROUP:
            background.write(self._write, shard, shard.outcomes)
            shard.outcomes = []
        self._count(prediction, item.name)

    def _count(self, prediction: Prediction, name: str) -> None:
        if prediction.values is not None or prediction.image_size is not None:
            self._read += 1
            return
        self._broken += 1
        if too_many_broken(self._broken, self._read, self._max_broken_share):
            raise ValueError(
                f"{self._broken} of {self._broken + self._read} images could not be read, more than the share "
                f"{self._max_broken_share:g} that max_broken_share allows; the last one is {name}: "
                f"{self._naming.published(prediction.error or '')}. If this has passed, remove the shards "
                "that left images out (`depth-anything-hf verify --remove-skipped`) and repeat the same command"
            )

    def _finish_predicted(self, background: _Background) -> None:
        while self._open and self._open[0].handed_all and not self._open[0].items:
            shard = self._open.popleft()
            if shard.is_given_up:
                background.write(_abandon, shard)
            else:
                background.write(self._finish, shard, shard.outcomes)

    def _write(self, shard: _OpenShard, outcomes: list[Future[_Outcome] | _Outcome]) -> None:
        """One row group; in the writing thread, as all that follows."""
        if shard.is_given_up:
            return
        try:
            if shard.writer is None:
                shard.writer = ShardWriter(self._folder / shard.work.file, self._provenance["store_images"])
            done = [outcome.result() if isinstance(outcome, Future) else outcome for outcome in outcomes]
            shard.coding_failed |= any(
                isinstance(promise, Future) and isinstance(outcome, tuple)
                for promise, outcome in zip(outcomes, done, strict=True)
            )
            rows = [outcome for outcome in done if isinstance(outcome, dict)]
            shard.skipped += [outcome for outcome in done if isinstance(outcome, tuple)]
            shard.rows += len(rows)
            shard.writer.write(rows)
        except BaseException:
            shard.is_given_up = True
            _abandon(shard)
            raise

    def _finish(self, shard: _OpenShard, outcomes: list[Future[_Outcome] | _Outcome]) -> None:
        self._write(shard, outcomes)
        if shard.is_given_up or shard.writer is None:
            return
        try:
            failure = shard.failure_in_model
            is_teachers_fault = shard.teacher_failed or shard.coding_failed
            if is_teachers_fault and not shard.rows and not (failure and len(shard.skipped) < MANY_IMAGES):
                # Not a fault of the images, so that the shard must not count as done, and the next ones will not fare
                # better. A few that are too large for the memory may stand together.
                name, reason = shard.skipped[-1]
                raise ValueError(f"the teacher failed on all images of a shard, e.g. {name}: {reason}")
            if not shard.rows and len(shard.skipped) >= MANY_IMAGES:
                failure = f"none of its {len(shard.skipped)} images could be read, e.g. {': '.join(shard.skipped[-1])}"
            if failure:
                logger.error("%s is left out: %s", shard.work.file, failure)
                self.unmade[shard.work.file] = f"{shard.work.file}: {failure}"
            elif self.completed(shard.work.file) is None:
                shard.writer.finish(shard.skipped, self._provenance, shard.work.is_last)
        finally:
            _abandon(shard)


class _Background:
    """Threads that encode labels and, one by one, write shards; what waits for them is bounded."""

    def __init__(self) -> None:
        self._encoders = ThreadPoolExecutor(ENCODING_THREADS, thread_name_prefix="encode")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._slots = BoundedSemaphore(WAITING_MAPS)
        self._writing: deque[Future[None]] = deque()

    def encode(self, function: Callable[..., _Outcome], *arguments: Any) -> Future[_Outcome]:
        self._slots.acquire()
        future = self._encoders.submit(function, *arguments)
        future.add_done_callback(lambda _: self._slots.release())
        return future

    def write(self, function: Callable[..., None], *arguments: Any) -> None:
        """Raises what an earlier task raised."""
        self._writing.append(self._writer.submit(function, *arguments))
        while len(self._writing) > WAITING_GROUPS or (self._writing and self._writing[0].done()):
            self._writing.popleft().result()

    def wait(self) -> None:
        while self._writing:
            self._writing.popleft().result()

    def close(self) -> None:
        # The writer waits for encoders, never the other way round.
        self._writer.shutdown()
        self._encoders.shutdown()


def _abandon(shard: _OpenShard) -> None:
    """Removes the unfinished file; harmless for a finished shard."""
    if shard.writer is not None:
        shard.writer.abandon()


def _outcome(item: LabelItem, values: np.ndarray, kind: str, provenance: dict[str, Any]) -> _Outcome:
    try:
        disparity = depth_to_disparity(values) if kind == "depth" else values
        return label_row(item, disparity, provenance["encoding"], provenance["store_images"])
    except ValueError as error:
        return item.name, str(error)


def _inputs(dataset: SampleDataset | DepthStream, shard_size: int, naming: Naming) -> TableInputs | StreamInputs:
    if isinstance(dataset, DepthStream):
        return StreamInputs(dataset, shard_size, naming)
    if len(dataset) == 0:
        raise ValueError("the dataset is empty, there is nothing to label")
    return TableInputs(dataset, shard_size, naming)


def _add_shard(report: LabelReport, path: Path, summary: ShardSummary | None) -> None:
    if summary is None:
        raise ValueError(f"{path} was there and is gone; does another process remove shards?")
    report.shards.append(path)
    report.labelled += summary.labelled
    report.skipped += summary.skipped


def _check_arguments(
    shard_size: int, process_index: int, process_count: int, store_images: str, encoding: str
) -> None:
    if shard_size < 1:
        raise ValueError(f"shard_size must be at least 1, got {shard_size}")
    if not 0 <= process_index < process_count:
        raise ValueError(f"process_index must lie in 0..{process_count - 1}, got {process_index}")
    for name, value, choices in (("store_images", store_images, STORED_IMAGES), ("encoding", encoding, ENCODINGS)):
        if value not in choices:
            raise ValueError(f"{name} must be one of {list(choices)}, got {value!r}")


def _write_provenance(folder: Path, provenance: dict[str, Any]) -> None:
    text = json.dumps(provenance, indent=2, sort_keys=True) + "\n"
    path = folder / PROVENANCE_FILE
    if not path.exists() and any(folder.glob(SHARD_PATTERN)) and not path.exists():
        raise ValueError(f"{folder} holds labels without a {PROVENANCE_FILE}; choose another output folder")
    # Of two runs that begin at once one writes it, and the other one compares itself with it.
    if not create_file(path, text):
        _check_same_run(folder, json.loads(path.read_text(encoding="utf-8")), json.loads(text))


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


def _weight_hashes(folder: Path | None) -> dict[str, str] | None:
    if folder is None:
        return None
    weights = sorted(path for path in folder.iterdir() if path.suffix in WEIGHT_SUFFIXES and path.is_file())
    return {path.name: sha256_of_file(path) for path in weights}


def _cached_folder(name: str, revision: str | None) -> Path | None:
    """Where the files of a model from the Hub lie on this machine."""
    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, ValueError):
        # Another cache folder, or not a name on the Hub at all.
        return None
