# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Label images with a teacher's disparity, into parquet shards that `datasets` reads; resumable, on many processes.

An output shard depends on the items of its input shard only, whichever process computes it, and is complete or
absent. A later run with the same settings computes the absent ones only. Processes share nothing but the folder.

Images are decoded ahead of the forward pass, labels are encoded and written behind it, all in bounded memory.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from ..data.datasets import DepthTable
from ..data.decoding.errors import too_many_broken
from ..data.depth_stream import DepthStream
from ..data.further_frames import ADVICE as FRAMES_ADVICE
from ..data.samples import SampleDataset
from ..inference.prediction import Prediction
from ..inference.predictor import DepthPredictor
from ..utils.image_names import Naming
from ..utils.messages import counted
from ..utils.paths import local_path
from .background import BackgroundThreads
from .fusion_settings import FusionSettings
from .inputs import ShardWork, StreamInputs, TableInputs, open_inputs
from .label_maps import LabelMaker
from .open_shard import OpenShard, Outcomes, encode_row
from .order import order_of_run
from .provenance import (
    AUTO_ENCODING,
    check_labels_folder,
    claim_folder,
    encoding_of_run,
    footer_differences,
    read_provenance,
    unit_of_run,
)
from .report import LabelReport as LabelReport
from .report import PictureCount, describe_taken
from .run_options import check_options
from .shards import SHARD_PATTERN, ShardSummary, read_completed, remove_unfinished
from .tries import LARGEST_TRIES, WHOLE_SHARD, count_try, forget_tries


if TYPE_CHECKING:
    from ..inference.sky_segmentation import SkySegmenter

logger = logging.getLogger(__name__)

ROWS_PER_GROUP = 32
MAPS_ADVICE = (
    "such are depth maps in most datasets; if these are, name the column of the photographs with image_column, and "
    "label into another folder"
)
# If none of so many images in one shard can be read, this is an outage rather than chance.
MANY_IMAGES = 8
LARGEST_BROKEN_SHARE = 0.1


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
    encoding: str = "auto",
    max_broken_share: float = LARGEST_BROKEN_SHARE,
    seed: int = 0,
    keep_order: bool = False,
    scale_predictor: DepthPredictor | None = None,
    masks: Sequence[str] = (),
    sky_segmenter: SkySegmenter | None = None,
    fusion: FusionSettings | None = None,
) -> LabelReport:
    """Label a dataset's images and write parquet shards.

    Columns: `image` (the encoded bytes as they came, a PNG where there are none; or the reference), `disparity`
    (16-bit PNG, decoded by `data.decoding.disparity_codec`), `disparity_minimum`, `disparity_maximum`,
    `disparity_encoding`, `name`, `source_row` (position in the dataset or the input shard), `width`, `height` (after
    the EXIF orientation). A metric teacher's depth is stored as disparity 1 / depth. Each shard's footer holds the
    provenance and the skipped images. With a scale teacher each label is that of `fuse_labels`, and there are
    `fit_scale`, `fit_shift`, `fit_inliers`, `fit_residual` and `fit_ok`; with masks `masks` (one 8-bit PNG, decoded by
    `data.decoding.label_masks`) and the share of each, such as `sky_share`. Labels that hold metres say so in
    `disparity_unit`. `datasets.load_dataset(output_dir)` and `data.open_source(output_dir)` open the
    folder; `verify_labels` checks it.

    A map-style dataset gives `labels-00000-of-NNNNN.parquet`, shard k with the items k * shard_size onwards of a
    permutation that depends on (seed, number of items) only, so that every shard is a sample of the whole. A stream,
    whose rows keep their order, gives `labels-00000-of-NNNNN-0000.parquet`, shard j with the rows of the stream's
    shard (file) j, in parts of `shard_size`; it cannot keep more processes busy than it has files.

    Two runs started at once by mistake do no harm; they only do the work twice. Failures that may pass are not kept as
    results at once: a shard with an image on which the teacher ran out of memory, and one of at least 8 images of
    which none could be read, stay absent. A repeated run tries again, and then leaves out what failed twice
    (`verify_labels(remove_skipped=True)` is the way back). Images that are too long and thin for training are left
    out, too.

    Args:
        predictor: the teacher.
        dataset: samples with "image" and "name", or a stream from `open_source` with `streaming`; labels in it are
            not used.
        output_dir: created if absent.
        provenance: where the labels come from, JSON values, e.g. from `provenance.describe_teacher`; written to
            `provenance.json`.
        shard_size: images per shard.
        process_index: number of this process, from 0; it computes the shards k with
            k % process_count == process_index.
        process_count: number of processes that share the work.
        names_relative_to: folder that is cut off from the names, so that no local path is published; names of files
            outside of it keep their last part. None: the folder of a table or stream; other names stay as they are.
        progress: show a bar on the terminal.
        store_images: "bytes", or "reference": only the path from `output_dir`, or the URL (`tar://` of `fsspec` for
            tar archives); of images that are embedded in a table, none, as `source_row` says which they are.
        encoding: "linear" or "log", see `data.decoding.disparity_codec.encode_disparity`. "auto": "log" for a teacher
            of depth, as one near pixel would coarsen the linear code of all others, and "linear" for one of disparity;
            a run that goes on keeps its code.
        max_broken_share: of the images that this process tried, 0..1; the run stops when more, and more than ten,
            cannot be read.
        seed: of the permutation, >= 0. Labels begun by a version without permutation go on in their order.
        keep_order: divide a map-style dataset in its own order, without permutation.
        scale_predictor: the teacher whose scale the labels get, see `fuse_labels`; None: they are the teacher's own.
        masks: names of masks to make, see `data.decoding.label_masks`.
        sky_segmenter: finds the mask `sky`; None: it is where both teachers are far and smooth.
        fusion: when the fit of two teachers is bad, and thresholds of the masks; None takes the defaults.

    Returns:
        What this process's share of the shards holds.

    Raises:
        ValueError: an empty dataset, wrong counts or choices, `output_dir` holds the labels of a run with other
            settings, the teacher failed on every readable image of a shard, too many images cannot be read, or, after
            all others were done, shards that could not be read or made.
        FileExistsError: files of the user's in `output_dir` have the names of shards.
        OSError: a shard cannot be written, e.g. because the disk is full. The finished ones stay.
    """
    check_options(shard_size, process_index, process_count, store_images, encoding)
    maker = LabelMaker(predictor, scale_predictor, masks, sky_segmenter, fusion or FusionSettings())
    if not 0 <= max_broken_share <= 1:
        raise ValueError(f"max_broken_share must be a number from 0 to 1, got {max_broken_share}")
    folder = local_path(output_dir)
    check_labels_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if names_relative_to is None and isinstance(dataset, DepthTable | DepthStream):
        names_relative_to = dataset.root
    naming = Naming(names_relative_to, folder)
    order = order_of_run(read_provenance(folder), seed, keep_order or isinstance(dataset, DepthStream))
    inputs = open_inputs(dataset, shard_size, naming, order)
    if inputs.shard_count < process_count and process_index == 0:
        logger.warning(
            "%d shards for %d processes: some processes have nothing to do; a smaller shard_size makes more shards",
            inputs.shard_count,
            process_count,
        )
    there = read_provenance(folder)
    if encoding == AUTO_ENCODING:
        encoding = encoding_of_run(there, maker.kind)
    provenance = {**provenance, **maker.description(), **unit_of_run(there, maker.kind)}
    provenance = {**provenance, **inputs.description(), "store_images": store_images, "encoding": encoding}
    claim_folder(folder, provenance)
    remove_unfinished(folder)
    own_shards = range(process_index, inputs.shard_count, process_count)
    counts = [inputs.item_count(shard) for shard in own_shards]
    total = None if None in counts else sum(count for count in counts if count is not None)
    with tqdm(total=total, desc="pseudo-labels", unit="image", disable=not progress) as bar:
        run = _LabelRun(folder, inputs, naming, provenance, max_broken_share, bar, maker)
        run.label(maker.all_teachers(), own_shards)
    run.with_frames.warn()
    run.maps.warn()
    report = LabelReport(labelled_now=run.labelled, taken=describe_taken(dataset))
    for shard in own_shards:
        for file in inputs.files(shard, run.completed):
            if file not in run.unmade:
                report.add_shard(folder / file, run.completed(file))
    failures = [
        f"{counted(len(reasons), noun)} could not be {done}: "
        f"{'; '.join(each.rstrip('.') for each in reasons.values())}"
        for reasons, noun, done in ((run.unread, "input shard", "read"), (run.unmade, "shard", "made"))
        if reasons
    ]
    if failures:
        raise ValueError(
            f"{'. '.join(failures)}. All other shards are complete; fix the cause and run the same command again"
        )
    return report


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
        maker: LabelMaker,
    ) -> None:
        self._folder = folder
        self._inputs = inputs
        self._naming = naming
        self._provenance = provenance
        self._bar = bar
        self._maker = maker
        self._max_broken_share = max_broken_share
        self._open: deque[OpenShard] = deque()
        self._read = self._broken = 0
        self.with_frames = PictureCount("with several frames or pages", FRAMES_ADVICE)
        self.maps = PictureCount("of a single channel of 16 bits or floats", MAPS_ADVICE)
        # Images that got a label in this call.
        self.labelled = 0
        # Why input shards could not be read, and why output files could not be made.
        self.unread: dict[str, str] = {}
        self.unmade: dict[str, str] = {}

    def completed(self, file: str) -> ShardSummary | None:
        """Return the summary of a shard that is complete and of this run, else None."""
        summary = read_completed(self._folder / file)
        differences = [] if summary is None else footer_differences(summary.provenance, self._provenance)
        if differences:
            logger.warning("%s is of another run (%s) and is made again", file, "; ".join(differences))
            return None
        return summary

    def label(self, predictor: DepthPredictor, shards: range) -> None:
        background = BackgroundThreads()
        try:
            for prediction in predictor(self._sources(shards)):
                # Shards without images may stand before the one that the prediction belongs to.
                self._finish_predicted(background)
                self._take(self._open[0], prediction, background)
                self._bar.update()
                self._finish_predicted(background)
            self._finish_predicted(background)
            background.wait()
        except BaseException:
            # Keep the shards whose predictions are complete, whatever happened to the rest.
            with suppress(Exception):
                self._finish_predicted(background)
            raise
        finally:
            background.close()
            for shard in self._open:
                shard.abandon()

    def _sources(self, shards: range) -> Iterator[tuple[str, Callable[[], np.ndarray]] | None]:
        """Hand the items to the predictor, which reads them in threads; `None`, a batch barrier, ends a shard."""
        for place, index in enumerate(shards):
            for following in shards[place + 1 : place + 2]:
                self._inputs.prepare(following, self.completed)
            yield from self._sources_of_input(index)

    def _sources_of_input(self, index: int) -> Iterator[tuple[str, Callable[[], np.ndarray]] | None]:
        try:
            is_done = True
            for work in self._inputs.work(index, self.completed):
                is_done = False
                yield from self._sources_of_output(work)
            if is_done:
                self._bar.update(self._inputs.item_count(index) or 0)
        except Exception as error:
            # Archives, parquet files and connections fail in many ways; the other input shards are still labelled.
            reason = self._naming.message(f"shard {index}: {type(error).__name__}: {error}")
            logger.error("an input shard cannot be read, continuing with the next: %s", reason)
            self.unread[str(index)] = reason
            if self._open and not self._open[-1].handed_all:
                self._open[-1].is_given_up = self._open[-1].handed_all = True
                yield None

    def _sources_of_output(self, work: ShardWork) -> Iterator[tuple[str, Callable[[], np.ndarray]] | None]:
        shard = OpenShard(work)
        self._open.append(shard)
        for item in work.items:
            shard.items.append(item)
            yield item.name, item.image
        shard.handed_all = True
        yield None

    def _take(self, shard: OpenShard, prediction: Prediction, background: BackgroundThreads) -> None:
        item = shard.items.popleft()
        if item.has_further_frames:
            self.with_frames.add(item.name)
        if item.is_map:
            self.maps.add(item.name)
        if item.fault:
            shard.outcomes.append((item.name, self._naming.reason(item.fault)))
        elif prediction.values is None:
            reason = self._naming.reason(prediction.error or "no prediction")
            shard.outcomes.append((item.name, reason))
            is_read = prediction.image_size is not None
            shard.teacher_failed |= is_read
            shard.unread += not is_read
            if prediction.failed_in_model:
                shard.failures_in_model[str(item.row)] = f"the teacher failed on {item.name}: {reason}"
        else:
            row = background.encode(encode_row, item, prediction, self._maker, self._provenance)
            shard.outcomes.append(row)
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
                f"{self._broken} of {counted(self._broken + self._read, 'image')} could not be read, more than "
                f"max_broken_share "
                f"{self._max_broken_share:g}; the last one is {name}: "
                f"{self._naming.message(prediction.error or '')}. Repair the images, remove the shards with "
                "skipped images (`depth-anything-hf verify --remove_skipped`), and run the same command again; or "
                "raise max_broken_share"
            )

    def _finish_predicted(self, background: BackgroundThreads) -> None:
        while self._open and self._open[0].handed_all and not self._open[0].items:
            shard = self._open.popleft()
            if shard.is_given_up:
                background.write(shard.abandon)
            else:
                background.write(self._finish, shard, shard.outcomes)

    def _write(self, shard: OpenShard, outcomes: Outcomes) -> None:
        """Write one row group; in the writing thread, as all that follows."""
        shard.write(self._folder, self._provenance, outcomes)

    def _finish(self, shard: OpenShard, outcomes: Outcomes) -> None:
        self._write(shard, outcomes)
        if shard.is_given_up or shard.writer is None:
            return
        path = self._folder / shard.work.file
        try:
            failure = self._failure(shard, path)
            if failure:
                logger.error("skipping %s: %s", shard.work.file, failure)
                self.unmade[shard.work.file] = f"{shard.work.file}: {failure}"
            elif self.completed(shard.work.file) is None:
                shard.writer.finish(shard.skipped, self._provenance, shard.work.is_last)
                self.labelled += shard.rows
                forget_tries(path)
        finally:
            shard.abandon()

    def _failure(self, shard: OpenShard, path: Path) -> str:
        """Return why a shard must not count as done; "" if it does, with the images skipped that always fail.

        Raises:
            ValueError: the teacher is at fault rather than the images: the next shards would fail too.
        """
        failures = shard.failures_in_model
        if not shard.rows and (shard.teacher_failed or shard.coding_failed):
            # A few images that are too large for the memory may happen to follow each other.
            if len(shard.skipped) >= MANY_IMAGES or not (failures or self._has_labelled()):
                name, reason = shard.skipped[-1]
                raise ValueError(
                    f"the teacher failed on all images of a shard, e.g. {name}: {reason}; check its weights, its "
                    "precision and the encoding of the labels"
                )
            if not failures:
                failures = {
                    WHOLE_SHARD: f"the teacher failed on all of its images, e.g. {': '.join(shard.skipped[-1])}"
                }
        elif not shard.rows and shard.unread == len(shard.skipped) >= MANY_IMAGES:
            reason = f"none of its {counted(shard.unread, 'image')} could be read, e.g. {': '.join(shard.skipped[-1])}"
            if not self._has_labelled():
                return reason
            failures = {WHOLE_SHARD: reason}
        if not failures:
            return ""
        tries = count_try(path, failures)
        again = [(reason, tries[key]) for key, reason in failures.items() if tries[key] < LARGEST_TRIES]
        return "" if not again else f"{again[-1][0]} (try {again[-1][1]} of {LARGEST_TRIES}, then it is left out)"

    def _has_labelled(self) -> bool:
        """Return whether this teacher has labelled any image of this run, before or now."""
        paths = self._folder.glob(SHARD_PATTERN)
        found = (self.completed(path.name) for path in paths)
        return self.labelled > 0 or any(summary.labelled for summary in found if summary is not None)
