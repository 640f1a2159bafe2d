# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One pass of a teacher over some shards: images are read ahead of it, labels encoded and written behind it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..data.decoding.errors import too_many_broken
from ..data.further_frames import ADVICE as FRAMES_ADVICE
from ..inference.prediction import Prediction
from ..inference.predictor import DepthPredictor
from ..utils.image_names import Naming
from ..utils.messages import counted
from .background import BackgroundThreads
from .inputs import ShardWork, StreamInputs, TableInputs
from .label_maps import LabelMaker
from .open_shard import OpenShard, Outcomes, encode_row
from .provenance import footer_differences
from .report import PictureCount
from .shards import SHARD_PATTERN, ShardSummary, read_completed
from .tries import LARGEST_TRIES, WHOLE_SHARD, count_try, forget_tries


logger = logging.getLogger(__name__)

ROWS_PER_GROUP = 32
MAPS_ADVICE = (
    "such are depth maps in most datasets; if these are, name the column of the photographs with image_column, and "
    "label into another folder"
)
# If none of so many images in one shard can be read, this is an outage rather than chance.
MANY_IMAGES = 8


class LabelRun:
    """A pass over some shards of a run; `label` makes it, and the attributes say what came of it.

    Attributes:
        labelled: number of images that got a label.
        unread: why input shards could not be read, by their number.
        unmade: why output files could not be made, by their name.
        with_frames, maps: pictures that may be no photographs.
    """

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
        self.labelled = 0
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

    def label(self, predictor: DepthPredictor, shards: Sequence[int]) -> None:
        """Label those of the shards that are not complete; see `ShardLabeller.label`."""
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

    def _sources(self, shards: Sequence[int]) -> Iterator[tuple[str, Callable[[], np.ndarray]] | None]:
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
