# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Frames that are pictures: of a folder or a pattern in natural order, or one after the other from a program."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...data.decoding.images import IMAGE_SUFFIXES, read_image
from ...data.decoding.limits import allow_pixels
from ...data.prediction_list import OwnFiles
from ...utils.map_ahead import map_ahead
from ...utils.messages import counted
from ..image_inputs import as_rgb
from .frames import Frame, VideoError, VideoFormat, check_size, last_good


DEFAULT_FPS = Fraction(30)
# %d and %04d, as FFmpeg and OpenCV have them.
NUMBER = re.compile(r"%0?(\d*)d")
_READERS = min(4, os.cpu_count() or 1)
_DIGITS = re.compile(r"(\d+)")


class ImageSequence:
    """Pictures that are frames at one rate.

    Args:
        paths: in their order.
        name: for messages.
        fps: frames per second; None: 30.
        max_pixels: largest number of pixels of a picture.

    Raises:
        VideoError: no pictures.
    """

    is_live = False

    def __init__(
        self, paths: Sequence[Path], name: str, fps: Fraction | None = None, max_pixels: int | None = None
    ) -> None:
        if not paths:
            raise VideoError(f"{name}: no pictures; expected files that end in one of {sorted(IMAGE_SUFFIXES)}")
        self.name, self.paths = name, list(paths)
        self._step, time_base = _step_of(fps)
        self.format = VideoFormat(time_base, len(self.paths))
        self._max_pixels = max_pixels

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Iterate over the frames, see `FrameSource`."""
        first = previous = None
        end = len(self.paths) if stop is None else min(stop, len(self.paths))
        for index in range(min(start, end)):
            previous = self._frame(index, None)
            yield previous
        if 0 < start < end:
            # Frames of a run before were of this size.
            first = self._read(self.paths[0]).shape[:2]
        with ThreadPoolExecutor(_READERS, thread_name_prefix="read frames") as pool:
            images = map_ahead(pool, self._read, self.paths[start:end], _READERS)
            for index in range(start, end):
                try:
                    image = next(images)
                except (ValueError, OSError) as error:
                    raise VideoError(f"{error}; {last_good(previous)}") from error
                first = image.shape[:2] if first is None else first
                check_size(f"{self.name} ({self.paths[index].name})", first, image.shape[:2], previous)
                yield self._frame(index, image)
                previous = self._frame(index, None)

    def close(self) -> None:
        """Nothing is open."""

    def _frame(self, index: int, image: np.ndarray | None) -> Frame:
        return Frame(index, index * self._step, self._step, self.format.time_base, image)

    def _read(self, path: Path) -> np.ndarray:
        with allow_pixels(self._max_pixels):
            return read_image(path)


class GivenFrames:
    """Frames that a program gives one after the other, once.

    Args:
        images: of one size, each as for a call of `DepthPredictor`.
        fps: frames per second; None: 30.
    """

    name = "frames"
    is_live = False

    def __init__(self, images: Iterable[Any], fps: Fraction | None = None) -> None:
        self._images = images
        self._step, time_base = _step_of(fps)
        self.format = VideoFormat(time_base)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Iterate over the frames, see `FrameSource`."""
        first = previous = None
        for index, given in enumerate(islice(self._images, stop)):
            try:
                image = as_rgb(given)
            except (ValueError, OSError) as error:
                raise VideoError(f"frame {index}: {error}; {last_good(previous)}") from error
            first = image.shape[:2] if first is None else first
            check_size(self.name, first, image.shape[:2], previous)
            previous = Frame(index, index * self._step, self._step, self.format.time_base, None)
            yield Frame(index, previous.pts, self._step, self.format.time_base, image if index >= start else None)
        if previous is None:
            raise VideoError("no frames: the iterable is empty")

    def close(self) -> None:
        """Nothing is open."""


def natural_order(path: Path) -> tuple[Any, ...]:
    """Return a key that sorts frame2 before frame10."""
    words = _DIGITS.split(path.name.casefold())
    return (*((int(word), "") if place % 2 else (-1, word) for place, word in enumerate(words)), (0, path.name))


def natural_order_of_places(path: Path) -> tuple[tuple[Any, ...], ...]:
    """Return a key that sorts by the folders first, each of them and the names in natural order."""
    return tuple(natural_order(each) for each in (*reversed(path.parents), path))


def pictures_in(folder: Path) -> list[Path]:
    """List the pictures of a folder itself in natural order, without hidden ones and those that commands have left."""
    own = OwnFiles()
    found = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    ordered = sorted((path for path in found if path not in own), key=natural_order)
    warn_of_twins(ordered, str(folder))
    return ordered


def warn_of_twins(paths: Sequence[Path], name: str) -> None:
    """Warn of pictures that differ in their suffix, or in the zeros before a number, only: 1.jpg, 1.png and 01.png.

    Args:
        paths: of the frames.
        name: of the video, for the message.
    """
    alike: dict[tuple[Any, ...], list[Path]] = {}
    for path in paths:
        alike.setdefault((path.parent, *natural_order(path.with_name(path.stem))[:-1]), []).append(path)
    twins = [each for each in alike.values() if len(each) > 1]
    if twins:
        more = sum(len(each) - 1 for each in twins)
        warnings.warn(
            f"{name}: {counted(more, 'picture')} called like another, the first "
            f"{' and '.join(path.name for path in twins[0][:2])}; all of them are frames, one after the other: if "
            "they are not meant to be, name one kind only, as by a pattern: %d.png",
            stacklevel=2,
        )


def pictures_of_pattern(pattern: Path) -> list[Path]:
    """List the files that a pattern such as frames/%04d.png names, in the order of their numbers.

    Numbers that are left out are warned of: the frames behind them come earlier than they may have been meant to.
    """
    number = NUMBER.search(pattern.name)
    if number is None or not pattern.parent.is_dir():
        return []
    before, after = pattern.name[: number.start()], pattern.name[number.end() :]
    named = re.compile(rf"{re.escape(before)}(\d{{{int(number[1] or 1)},}}){re.escape(after)}")
    matched = ((named.fullmatch(path.name), path) for path in pattern.parent.iterdir())
    found = sorted(((int(match[1]), path.name, path) for match, path in matched if match is not None))
    numbers = [each for each, _, _ in found]
    missing = numbers[-1] - numbers[0] + 1 - len(set(numbers)) if numbers else 0
    if missing:
        first = next(one + 1 for one, other in pairwise(numbers) if other > one + 1)
        warnings.warn(
            f"{pattern}: {counted(missing, 'number')} between {numbers[0]} and {numbers[-1]} without a picture, the "
            f"first one {first}; the frames behind follow without a gap in time",
            stacklevel=1,
        )
    paths = [path for _, _, path in found]
    warn_of_twins(paths, str(pattern))
    return paths


def _step_of(fps: Fraction | None) -> tuple[int, Fraction]:
    """Return the units between two frames and the seconds of a unit, both exact."""
    rate = DEFAULT_FPS if fps is None else fps
    return rate.denominator, Fraction(1, rate.numerator)
