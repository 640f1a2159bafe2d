# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""From a video to the maps of its frames: decoding, model and alignment at the same time, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Any, Protocol

import numpy as np

from ...geometry.disparity import PredictionKind
from ...utils.background import run_ahead
from ...utils.option_errors import OptionError, check_count
from ..calibration import Calibration
from ..prediction import Prediction
from .frames import Frame, FrameSource, VideoError, show_time
from .limits import WholeClip
from .sources import open_video
from .treatment import Treatment


# Frames that wait between two threads.
WAITING = 3
# Passes never share frames of two segments, so that those of each are the same whichever run predicts them.
SEGMENT_FRAMES = 64


@dataclass(frozen=True)
class VideoPrediction:
    """The prediction of one frame.

    Attributes:
        index: 0, 1, 2, ...
        time: seconds from the beginning of the video, exact.
        values: float32 (H, W) at the frame's own size, after the treatment: disparity or metres.
        kind: "disparity" or "depth" (metres), of the values.
        image: uint8 (H, W, 3) RGB, the frame, upright.
        scale, shift: of the disparity, scale * predicted + shift, before its local correction, smoothing and
            calibration; 1 and 0 where nothing was aligned.
        is_cut: whether the treatment took it for the first frame of another shot.
        limits: between which the colours of this frame run, so that they fit to those of its neighbours: disparity,
            for depth 1 / metres; as minimum and maximum of `visualization.colour_map`.
        frame: with its time in the units of the source.
        state: at the last frame of a segment, what the treatment needs to go on; None elsewhere.
    """

    index: int
    time: Fraction
    values: np.ndarray
    kind: PredictionKind
    image: np.ndarray
    scale: float
    shift: float
    is_cut: bool
    limits: tuple[float, float]
    frame: Frame
    state: dict[str, Any] | None = None


class _Predictor(Protocol):
    prediction_kind: PredictionKind
    max_pixels: int | None

    def __call__(self, images: Any) -> Any: ...


class VideoPredictor:
    """`predict_video` of predictors of images."""

    def predict_video(
        self: _Predictor,
        source: Any,
        *,
        temporal: str = "align",
        smooth: bool = False,
        fps: float | Fraction | None = None,
        max_frames: int | None = None,
        calibration: Calibration | str | os.PathLike[str] | None = None,
    ) -> Iterator[VideoPrediction]:
        """Predict a video frame by frame, in bounded memory; decoding, model and alignment work at the same time.

        Args:
            source: a video file, a folder of pictures or a pattern such as frames/%04d.png, a list of paths, a URL, a
                camera ("camera:0", "/dev/video0", and "camera:test" for moving pictures without one), or an iterable
                of frames, each as for a call of the predictor. All but pictures need `pip install
                "depth_anything_hf[video]"`.
            temporal: "align" brings the disparity of each frame to the scale and shift of those before it, as the
                frames come, and corrects what differs from them smoothly over the picture; "range" leaves the values
                as they are and finds one range of colours by a pass over the whole video before; "none" treats each
                frame by itself. Metres are never rescaled.
            smooth: smooth the values along the motion of the picture.
            fps: of pictures and of an iterable, how many there are in a second (default 30); of others, at most so
                many in a second are used (default: all).
            max_frames: stop after so many.
            calibration: from a relative model's disparity to metres, or its file; the values are then metres. The
                treatment is that of the disparity before.

        Returns:
            Predictions in the order of the frames. Frames of cameras that the model has no time for are left out.
            Close the iterator to end early.

        Raises:
            OptionError: an unknown treatment, a rate that is none, "range" for a camera or an iterable.
            FileNotFoundError: no such video.
            ImportError: PyAV is missing.
            TypeError: no video.
            VideoError: cannot be opened; and, from the iterator when the frames before have been given: a damaged or
                shortened video or another size of its frames; the message names the last good frame.
            ValueError: a metric model with a calibration, or `smooth` is no truth value.
        """
        if max_frames is not None:
            check_count("max_frames", max_frames)
        if isinstance(calibration, str | os.PathLike):
            calibration = Calibration.load(calibration)
        kind = self.prediction_kind
        if calibration is not None and kind == "depth":
            raise ValueError("the model predicts metres already, so it needs no calibration; leave it out")
        # Checked before anything is opened.
        Treatment("none" if temporal == "range" else temporal, kind, smooth)
        opened = open_video(source, fps=fps, max_pixels=self.max_pixels)
        is_again = temporal != "range" or can_be_read_twice(opened, source)
        if not is_again:
            opened.close()
            raise OptionError("temporal 'range' reads the video twice, which this source cannot be; choose 'align'")

        def generate() -> Iterator[VideoPrediction]:
            try:
                clip = None
                if temporal == "range":
                    clip = look_at_whole(self, opened, calibration, max_frames)
                treatment = Treatment(temporal, kind, smooth, clip, calibration)
                yield from predict_frames(self, opened, treatment, max_frames=max_frames)
            finally:
                opened.close()

        return generate()


def predict_frames(
    predictor: Any,
    source: FrameSource,
    treatment: Treatment,
    *,
    start: int = 0,
    max_frames: int | None = None,
) -> Iterator[VideoPrediction]:
    """Predict the frames of an opened video, from one on that begins a segment.

    Args:
        predictor: of images.
        source: opened.
        treatment: in the state of the frames before `start`.
        start: first frame.
        max_frames: of the whole video, with those before `start`.

    Raises:
        VideoError: see `VideoPredictor.predict_video`.
    """
    predicted = run_ahead(_predicted(predictor, source, start, max_frames), WAITING, name="predict")
    return run_ahead(_treated(predicted, treatment), WAITING, name="align")


def look_at_whole(
    predictor: Any,
    source: FrameSource,
    calibration: Calibration | None,
    max_frames: int | None,
    tell: Callable[[int], None] | None = None,
) -> WholeClip:
    """Predict all frames once, and return the range of their values; of a damaged video, of those that are good.

    Args:
        predictor: of images.
        source: opened, and opened again by its next pass.
        calibration: to metres.
        max_frames: as many are looked at.
        tell: called with the index of each frame.
    """
    clip = WholeClip()
    kind = predictor.prediction_kind if calibration is None else "depth"
    predicted = run_ahead(_predicted(predictor, source, 0, max_frames), WAITING, name="first pass")
    count = 0
    try:
        for frame, values in predicted:
            clip.add(values if calibration is None else calibration.apply(values), kind)
            count += 1
            if tell is not None:
                tell(frame.index)
    except VideoError:
        # Told by the second pass, when the frames before have been written.
        if not count:
            raise
    return clip


def can_be_read_twice(opened: FrameSource, source: Any) -> bool:
    """Return whether a source gives the same frames again."""
    return not opened.is_live and (isinstance(source, str | os.PathLike | list | tuple | np.ndarray))


def _predicted(
    predictor: Any, source: FrameSource, start: int, max_frames: int | None
) -> Iterator[tuple[Frame, np.ndarray]]:
    """Yield frames with their values; the frames are decoded in a thread of their own."""
    # Of a camera the newest frame waits.
    decoded = run_ahead(
        # Of a camera frames are left out, so that others are the last ones.
        source.frames(start, None if source.is_live else max_frames),
        1 if source.is_live else WAITING,
        name="decode",
        keep_newest=source.is_live,
    )
    frames = _numbered(decoded) if source.is_live else (each for each in decoded if each.index >= start)
    wanted = islice(frames, max_frames) if source.is_live else frames
    waiting: deque[Frame] = deque()

    def images() -> Iterator[tuple[str, np.ndarray] | None]:
        for frame in wanted:
            assert frame.image is not None
            waiting.append(frame)
            yield f"frame {frame.index}", frame.image
            if (frame.index + 1) % SEGMENT_FRAMES == 0:
                yield None

    errors: list[BaseException] = []
    try:
        predictions: Iterable[Prediction]
        if source.is_live:
            # Frames that are prepared ahead would be old when their turn comes.
            predictions = (predictor(each) for each in images() if each is not None)
        else:
            predictions = predictor(_until_error(images(), errors))
        for prediction in predictions:
            frame = waiting.popleft()
            if prediction.values is None:
                raise VideoError(
                    f"{source.name}: frame {frame.index} ({show_time(frame.time)}) cannot be predicted: "
                    f"{prediction.error}"
                )
            yield frame, prediction.values
        if errors:
            raise errors[0]
    finally:
        decoded.close()  # type: ignore[attr-defined]


def _treated(predicted: Iterator[tuple[Frame, np.ndarray]], treatment: Treatment) -> Iterator[VideoPrediction]:
    try:
        for frame, raw in predicted:
            assert frame.image is not None
            treated = treatment(frame.image, raw, float(frame.time))
            is_end = (frame.index + 1) % SEGMENT_FRAMES == 0
            yield VideoPrediction(
                index=frame.index,
                time=frame.time,
                values=treated.values,
                kind=treatment.kind,
                image=frame.image,
                scale=treated.scale,
                shift=treated.shift,
                is_cut=treated.is_cut,
                limits=treated.limits,
                frame=frame,
                state=treatment.state_dict() if is_end else None,
            )
    finally:
        predicted.close()  # type: ignore[attr-defined]


def _numbered(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Number the frames of a camera, of which some were left out."""
    for index, frame in enumerate(frames):
        yield replace(frame, index=index)


def _until_error(items: Iterator[Any], errors: list[BaseException]) -> Iterator[Any]:
    """End where the items raise, and keep the error: what is under way is predicted first."""
    try:
        yield from items
    except (ValueError, OSError) as error:
        errors.append(error)
