# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures to calibrate 8-bit files with, and others of the same source to check them by."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..data.data_source import DataSource, asked_for_label
from ..data.datasets import PhotoFolder
from ..data.decoding.errors import BrokenSampleError
from ..data.depth_stream import DepthStream
from ..data.mixture import check_aspect
from ..data.samples import Sample, SampleDataset, errors_named
from ..data.sources import as_source, open_source
from ..rendering.dataset import render_dataset
from ..rendering.scene_geometry import load_mitsuba
from ..utils.option_errors import OptionError
from ..utils.redaction import redact_name, redact_text
from ..utils.typed_fields import convert_argument


FEWEST, USUAL, MOST = 50, 100, 300
# One of this many is not used to calibrate, but to check the file.
HELD_OUT = 5
SEED = 0
RENDERED = "rendered scenes"
RENDERED_SIZE = (252, 336)
# Far from the numbers that data sets are rendered with.
FIRST_SCENE = 10_000_000
NAMED_IN_ERROR = 3

CalibrationSource: TypeAlias = "DataSource | str | os.PathLike[str] | Mapping[str, Any]"


@dataclass(frozen=True)
class CalibrationImages:
    """Pictures as the model gets them.

    Attributes:
        used: float32 (1, 3, H, W), normalized, to calibrate with.
        held_out: likewise, to check the file by.
        source: where they are from, without places on this machine.
        seed: of their order.
        skipped: what could not be read, and why.
    """

    used: list[np.ndarray]
    held_out: list[np.ndarray]
    source: str
    seed: int
    skipped: tuple[str, ...]

    def describe(self) -> dict[str, Any]:
        """Return what the report says of them, as JSON values."""
        return {
            "source": self.source,
            "images": len(self.used),
            "held_out": len(self.held_out),
            "seed": self.seed,
            "skipped": [redact_text(each) for each in self.skipped],
        }


def check_count(count: Any) -> int | None:
    """Return how many pictures are asked for; None leaves it to what is there.

    Raises:
        OptionError: no whole number from 50 to 300.
    """
    try:
        found: int | None = convert_argument("calibration_images", count, int | None)
    except ValueError as error:
        raise OptionError(str(error)) from error
    if found is not None and not FEWEST <= found <= MOST:
        raise OptionError(f"calibration_images must be from {FEWEST} to {MOST}, got {found}")
    return found


def check_renderer() -> None:
    """Check that scenes can be rendered.

    Raises:
        ImportError: Mitsuba is missing; the message has the name of the extra, and the other way.
    """
    try:
        load_mitsuba()
    except ImportError as error:
        raise ImportError(
            "to calibrate without pictures of yours, scenes are rendered, which needs Mitsuba 3; install: pip install "
            '"depth_anything_hf[render]", or name pictures: --calibration PHOTOS'
        ) from error


def read_calibration_images(
    calibration: CalibrationSource | None,
    processor: Any,
    *,
    count: int | None = None,
    size: tuple[int, int] | None = None,
) -> CalibrationImages:
    """Draw pictures, and take them through the image processor of a model; labels are not used.

    They are the first in an order that a fixed seed gives, of a stream the first there are; what cannot be read is
    skipped. Every fifth is held out.

    Args:
        calibration: a folder of photographs, a list, a table, labelled data or a dataset on the Hub, as for
            `open_source`; None renders scenes.
        processor: of the model.
        count: pictures, from 50 to 300; None takes 100, or as many as there are from 50 on.
        size: height and width that all are resized to; None keeps the sizes that the processor gives.

    Raises:
        ValueError: there are too few pictures, or the source is none.
        FileNotFoundError: nothing is there.
        ImportError: scenes are to be rendered, and the renderer is missing.
    """
    prepared: list[np.ndarray] = []
    skipped: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        if calibration is None:
            count = count or USUAL
            samples, source = _sample_of(_render(Path(folder), count)), RENDERED
        else:
            opened = _photographs(as_source(calibration))
            samples, source = _sample_of(open_source(opened)), redact_name(opened.path)
        for sample in samples:
            if isinstance(sample, str):
                skipped.append(sample)
                continue
            prepared.append(_prepare(sample["image"], processor, size))
            if len(prepared) == (count or USUAL):
                break
    if len(prepared) < (count or FEWEST):
        reasons = f"; could not be read: {'; '.join(skipped[:NAMED_IN_ERROR])}" if skipped else ""
        more = f" and {len(skipped) - NAMED_IN_ERROR} more" if len(skipped) > NAMED_IN_ERROR else ""
        asked = f"{count} were asked for" if count else f"at least {FEWEST} are needed"
        raise OptionError(
            f"{source}: {len(prepared)} pictures to calibrate with, but {asked}{reasons}{more}; name more pictures"
            + (f", or ask for fewer, from {FEWEST} on" if count and count > FEWEST else "")
        )
    held_out = prepared[HELD_OUT - 1 :: HELD_OUT]
    used = [each for index, each in enumerate(prepared) if (index + 1) % HELD_OUT]
    return CalibrationImages(used, held_out, source, SEED, tuple(skipped))


def _photographs(source: DataSource) -> DataSource:
    """Leave labels unread, which need not be there."""
    if source.kind == "auto" and not asked_for_label(source):
        return replace(source, kind="photos")
    return source


def _render(folder: Path, count: int) -> SampleDataset:
    check_renderer()
    height, width = RENDERED_SIZE
    render_dataset(
        folder / "scenes", count=count, height=height, width=width, seed=SEED, first_scene=FIRST_SCENE, depth=False,
        samples_per_pixel=4, haze=True, progress=True,
    )  # fmt: skip
    return PhotoFolder(folder / "scenes" / "images")


def _sample_of(dataset: SampleDataset | DepthStream) -> Iterator[Sample | str]:
    """Yield samples in their order, or why one cannot be used."""
    readers = _rows_of_stream(dataset) if isinstance(dataset, DepthStream) else _rows_of_table(dataset)
    for read in readers:
        try:
            yield check_aspect(read())
        except (BrokenSampleError, OSError) as error:
            yield str(error)


def _rows_of_table(dataset: SampleDataset) -> Iterator[Any]:
    for index in np.random.default_rng(SEED).permutation(len(dataset)):

        def read(index: int = int(index)) -> Sample:
            with errors_named(f"item {index}"):
                return dataset[index]

        yield read


def _rows_of_stream(stream: DepthStream) -> Iterator[Any]:
    for shard in range(stream.shard_count):
        for index, row in enumerate(stream.shard(shard)):

            def read(row: Any = row, shard: int = shard, index: int = index) -> Sample:
                return stream.read(row, shard, index)

            yield read


def _prepare(image: np.ndarray, processor: Any, size: tuple[int, int] | None) -> np.ndarray:
    options: dict[str, Any] = {}
    if size is not None:
        options = {"size": {"height": size[0], "width": size[1]}, "keep_aspect_ratio": False}
    pixels: Sequence[np.ndarray] = processor(images=[image], return_tensors="np", **options)["pixel_values"]
    return np.ascontiguousarray(pixels, dtype=np.float32)
