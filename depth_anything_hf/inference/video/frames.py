# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Frames of a video with their times, what a source of them is, and the errors of videos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import ModuleType
from typing import Protocol

import numpy as np

from ...data.decoding.errors import UnreadableImageError


@dataclass(frozen=True)
class Frame:
    """One picture of a video.

    Attributes:
        index: 0, 1, 2, ... of the frames that are used.
        pts: presentation time in units of `time_base`, from the beginning of the source.
        duration: how long it is shown, in these units; 0: unknown.
        time_base: seconds of one unit.
        image: uint8 (H, W, 3) RGB, upright; None of a frame that is skipped.
        pixel_aspect: width of a pixel by its height, upright.
    """

    index: int
    pts: int
    duration: int
    time_base: Fraction
    image: np.ndarray | None
    pixel_aspect: Fraction = Fraction(1)

    @property
    def time(self) -> Fraction:
        """Seconds from the beginning of the source, exact."""
        return self.pts * self.time_base


@dataclass(frozen=True)
class VideoFormat:
    """What is known of a video before its frames are.

    Attributes:
        time_base: seconds of one unit of time.
        frame_count: how many frames there should be; None: unknown.
    """

    time_base: Fraction
    frame_count: int | None = None


class FrameSource(Protocol):
    """Where frames come from.

    Attributes:
        name: for messages.
        is_live: whether frames come at their own pace, so that those a slow model has no time for are left out, and
            cannot be had again.
        format: of the video.
    """

    name: str
    is_live: bool
    format: VideoFormat

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Iterate over the frames; those before `start` have no pixels, and those from `stop` on are not looked at.

        Raises:
            VideoError: a frame cannot be had, see the class, or is of another size than the very first one; those
                before it have been given.
        """

    def close(self) -> None:
        """Close files and devices."""


class VideoError(UnreadableImageError):
    """A video that cannot be read, or not to its end; the message says why, and names the last good frame."""


def load_av() -> ModuleType:
    """Return PyAV.

    Raises:
        ImportError: it is not installed; the message says how to.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError("video needs PyAV; install it with: pip install 'depth_anything_hf[video]'") from error
    return av


def show_time(time: Fraction | float) -> str:
    """Return seconds as text: 4.12 s."""
    return f"{float(time):.3f}".rstrip("0").rstrip(".") + " s"


def last_good(frame: Frame | None) -> str:
    """Return the words that name the last good frame."""
    return (
        "no frame could be read"
        if frame is None
        else f"the last good frame is {frame.index} ({show_time(frame.time)})"
    )


def check_size(name: str, first: tuple[int, ...], size: tuple[int, ...], previous: Frame | None) -> None:
    """Raise a VideoError where a frame has another size (H, W) than the first: it is not stretched."""
    if size != first:
        sizes = [f"{each[1]}x{each[0]}" for each in (first, size)]
        raise VideoError(
            f"{name}: the frames change their size from {sizes[0]} to {sizes[1]}; {last_good(previous)}; cut the "
            "video there, and give the parts"
        )
