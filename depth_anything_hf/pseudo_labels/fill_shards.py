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
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from ..data.datasets import DepthTable
from ..data.depth_stream import DepthStream
from ..data.samples import SampleDataset
from ..inference.predictor import DepthPredictor
from ..utils.image_names import Naming
from ..utils.paths import local_path
from .fusion_settings import FusionSettings
from .inputs import open_inputs
from .label_maps import LabelMaker
from .label_run import LabelRun
from .order import order_of_run
from .provenance import (
    AUTO_ENCODING,
    check_labels_folder,
    claim_folder,
    encoding_of_run,
    read_provenance,
    unit_of_run,
)
from .report import LabelOutcome, describe_taken
from .report import LabelReport as LabelReport
from .run_options import check_options
from .shards import remove_unfinished


if TYPE_CHECKING:
    from ..inference.sky_segmentation import SkySegmenter

logger = logging.getLogger(__name__)

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
    labeller = ShardLabeller(
        predictor,
        dataset,
        output_dir,
        provenance=provenance,
        shard_size=shard_size,
        names_relative_to=names_relative_to,
        store_images=store_images,
        encoding=encoding,
        max_broken_share=max_broken_share,
        seed=seed,
        keep_order=keep_order,
        scale_predictor=scale_predictor,
        masks=masks,
        sky_segmenter=sky_segmenter,
        fusion=fusion,
    )
    return finish_share(labeller, process_index, process_count, progress)


def finish_share(labeller: ShardLabeller, process_index: int, process_count: int, progress: bool) -> LabelReport:
    """Label every `process_count`-th shard of a run, from `process_index` on; see `label_images`."""
    if labeller.shard_count < process_count and process_index == 0:
        logger.warning(
            "%d shards for %d processes: some processes have nothing to do; a smaller shard_size makes more shards",
            labeller.shard_count,
            process_count,
        )
    shards = range(process_index, labeller.shard_count, process_count)
    return labeller.label(shards, progress=progress).finish()


class ShardLabeller:
    """A labelling run that is opened once and then labels any of its shards; arguments as of `label_images`.

    Attributes:
        shard_count: number of shards of the whole run; of a stream, of its input shards.

    Raises:
        ValueError: as `label_images`, but for what concerns single shards.
        FileExistsError: files of the user's in `output_dir` have the names of shards.
        OSError: the folder cannot be written.
    """

    def __init__(
        self,
        predictor: DepthPredictor,
        dataset: SampleDataset | DepthStream,
        output_dir: str | os.PathLike[str],
        *,
        provenance: dict[str, Any],
        shard_size: int = 256,
        names_relative_to: str | os.PathLike[str] | None = None,
        store_images: str = "bytes",
        encoding: str = AUTO_ENCODING,
        max_broken_share: float = LARGEST_BROKEN_SHARE,
        seed: int = 0,
        keep_order: bool = False,
        scale_predictor: DepthPredictor | None = None,
        masks: Sequence[str] = (),
        sky_segmenter: SkySegmenter | None = None,
        fusion: FusionSettings | None = None,
    ) -> None:
        check_options(shard_size, 0, 1, store_images, encoding)
        self._maker = LabelMaker(predictor, scale_predictor, masks, sky_segmenter, fusion or FusionSettings())
        if not 0 <= max_broken_share <= 1:
            raise ValueError(f"max_broken_share must be a number from 0 to 1, got {max_broken_share}")
        self._max_broken_share = max_broken_share
        self._folder = local_path(output_dir)
        check_labels_folder(self._folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        if names_relative_to is None and isinstance(dataset, DepthTable | DepthStream):
            names_relative_to = dataset.root
        self._naming = Naming(names_relative_to, self._folder)
        there = read_provenance(self._folder)
        order = order_of_run(there, seed, keep_order or isinstance(dataset, DepthStream))
        self._inputs = open_inputs(dataset, shard_size, self._naming, order)
        self._taken = describe_taken(dataset)
        if encoding == AUTO_ENCODING:
            encoding = encoding_of_run(there, self._maker.kind)
        provenance = {**provenance, **self._maker.description(), **unit_of_run(there, self._maker.kind)}
        provenance = {**provenance, **self._inputs.description(), "store_images": store_images, "encoding": encoding}
        claim_folder(self._folder, provenance)
        remove_unfinished(self._folder)
        self._provenance = provenance
        self.shard_count = self._inputs.shard_count

    def label(self, shards: Sequence[int], *, progress: bool = False) -> LabelOutcome:
        """Label those of some shards that are not complete yet.

        Args:
            shards: their numbers, from 0.
            progress: show a bar on the terminal.

        Returns:
            What these shards hold, those that were complete before included, and which could not be made.

        Raises:
            ValueError: the teacher is at fault rather than the images, or too many images cannot be read.
            OSError: a shard cannot be written.
        """
        counts = [self._inputs.item_count(shard) for shard in shards]
        total = None if None in counts else sum(count for count in counts if count is not None)
        with tqdm(total=total, desc="pseudo-labels", unit="image", disable=not progress) as bar:
            run = LabelRun(
                self._folder, self._inputs, self._naming, self._provenance, self._max_broken_share, bar, self._maker
            )
            run.label(self._maker.all_teachers(), shards)
        report = LabelReport(labelled_now=run.labelled, taken=self._taken)
        for shard in shards:
            for file in self._inputs.files(shard, run.completed):
                if file not in run.unmade:
                    report.add_shard(self._folder / file, run.completed(file))
        return LabelOutcome(report, run.unread, run.unmade, run.with_frames, run.maps)
