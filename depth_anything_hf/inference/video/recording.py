# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A video predicted into files: part by part, resumable, joined at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...cpu.autotune import adopt_kernel_choices, kernel_choices
from ...geometry.disparity import PredictionKind
from ...utils.files import atomic_write
from ...utils.interrupts import interrupts_put_off
from ..calibration import Calibration
from .codes import FORMULA, CodeRanges
from .decoding import AvSource
from .frames import FrameSource, VideoError
from .joining import Sound, join_parts
from .limits import WholeClip
from .outputs import (
    FRAMES_LIST,
    RECORD_KIND,
    RECORD_SUFFIX,
    RECORD_VERSION,
    VIDEO_FILES,
    VideoOutputs,
    describe_file,
)
from .parts import FRAMES_FOLDER, PartWriter, durations, part_file, stamp
from .prediction import look_at_whole, predict_frames
from .treatment import Treatment
from .unfinished import UnfinishedVideo


# A part of a live source ends behind so many seconds, or with its segment: a kill costs no more.
LIVE_PART_SECONDS = 5


@dataclass
class Recording:
    """What was written of a video.

    Attributes:
        frames: how many.
        resumed: how many of them an earlier run has predicted.
        files: suffix -> finished file, still in the unfinished folder.
        numbered: files of frames, still there -> their stamps.
        error: why frames are missing behind the last one; None: none are.
        silent: why the sound was left out; None: it is there, or there is none.
        cuts: how many shots begin after the first.
        step: metres between two codes of the 16-bit file, the widest; None: there is none, or it has no metres.
    """

    frames: int
    resumed: int
    files: dict[str, Path] = field(default_factory=dict)
    numbered: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    silent: str | None = None
    cuts: int = 0
    step: float | None = None


def record_video(
    predictor: Any,
    source: FrameSource,
    outputs: VideoOutputs,
    unfinished: UnfinishedVideo,
    *,
    name: str,
    temporal: str,
    smooth: bool,
    calibration: Calibration | None = None,
    max_frames: int | None = None,
    tell: Callable[[str, int], None] = lambda what, count: None,
) -> Recording:
    """Predict a video into files in the folder of the unfinished one.

    Args:
        predictor: of images.
        source: opened.
        outputs: what is written.
        unfinished: opened; what is complete there is kept.
        name: of the video, for its record.
        temporal: see `DepthPredictor.predict_video`, as the next ones.
        smooth: whether values are averaged along motion.
        calibration: to metres.
        max_frames: of the video.
        tell: called with "first pass" or "predict", and how many frames are done.

    Raises:
        VideoError: not one frame can be had.
        OSError: a file cannot be written.
    """
    kind: PredictionKind = predictor.prediction_kind if calibration is None else "depth"
    state = unfinished.state or {}
    adopt_kernel_choices(state.get("cpu_kernels", {}))
    clip = _clip_of(state)
    if temporal == "range" and clip is None:
        clip = look_at_whole(predictor, source, calibration, max_frames, lambda index: tell("first pass", index + 1))
    treatment = Treatment(temporal, predictor.prediction_kind, smooth, clip, calibration)
    ranges = CodeRanges() if clip is None else CodeRanges.of_clip(clip.minimum, clip.maximum)
    if state:
        treatment.load_state_dict(state["treatment"])
        ranges = CodeRanges(state["ranges"])
    resumed = len(unfinished.frames)
    time_base, error = source.format.time_base, None
    is_complete = bool(state.get("is_complete"))
    if state:
        time_base, error = Fraction(state["time_base"]), state.get("error")
    writer: PartWriter | None = None
    count, part_begin = resumed, Fraction(0)
    try:
        if not is_complete:
            predictions = predict_frames(
                predictor,
                source,
                treatment,
                start=resumed,
                max_frames=max_frames,
            )

            def finish(after: Mapping[str, Any]) -> None:
                nonlocal writer
                if writer is not None:
                    writer.finish()
                    writer = None
                    unfinished.add_part(
                        {
                            "ranges": [list(each) for each in ranges.ranges],
                            "time_base": str(time_base),
                            "cpu_kernels": kernel_choices(),
                            "clip": None if clip is None else clip.state_dict(),
                            **after,
                        }
                    )

            last_state = state.get("treatment")
            try:
                for prediction in predictions:
                    # A frame that is in some of the files only would spoil a recording that Ctrl-C ends.
                    with interrupts_put_off():
                        if writer is None:
                            part_begin = prediction.time
                            writer = PartWriter(unfinished.folder, len(unfinished.parts), outputs, kind, ranges)
                        writer.add(prediction)
                        count += 1
                        tell("predict", count)
                        last_state = last_state if prediction.state is None else prediction.state
                        is_long = source.is_live and prediction.time - part_begin >= LIVE_PART_SECONDS
                        if prediction.state is not None or is_long:
                            finish({"treatment": last_state})
            except VideoError as problem:
                if not count:
                    raise
                error = str(problem)
            except KeyboardInterrupt:
                # Nobody can have these frames again.
                if not (source.is_live and count):
                    raise
            finally:
                predictions.close()  # type: ignore[attr-defined]
            finish({"treatment": last_state, "is_complete": True, "error": error})
    finally:
        if writer is not None:
            writer.abandon()
    frames = unfinished.frames
    if not frames:
        raise VideoError(f"{source.name}: no frame could be decoded; give another copy of the video")
    # It often goes on a little behind the last picture; not where pictures are left out there.
    is_whole = error is None and (max_frames is None or len(frames) < max_frames)
    sound = _sound_of(source, None if is_whole else sum(durations(frames, time_base)[-1]) * time_base)
    return join_recording(
        outputs,
        unfinished,
        name=name,
        kind=kind,
        temporal=temporal,
        smooth=smooth,
        resumed=resumed,
        error=error,
        sound=sound,
    )


def join_recording(
    outputs: VideoOutputs,
    unfinished: UnfinishedVideo,
    *,
    name: str,
    kind: str,
    temporal: str,
    smooth: bool,
    resumed: int = 0,
    error: str | None = None,
    sound: Sound | None = None,
) -> Recording:
    """Join the parts of a video into its files, in the folder of the unfinished one; the source is not needed.

    Args:
        outputs: that the parts were written for.
        unfinished: with one part at least.
        name: of the video, for its record.
        kind: of the values.
        temporal: how they were treated, see `record_video`.
        smooth: likewise.
        resumed: how many frames an earlier run has predicted.
        error: why frames are missing behind the last one.
        sound: of the source.

    Raises:
        OSError: a file cannot be written.
    """
    frames, state = unfinished.frames, unfinished.state or {}
    time_base, clip, ranges = Fraction(state["time_base"]), _clip_of(state), CodeRanges(state["ranges"])
    recording = Recording(len(frames), resumed, error=error, cuts=sum(bool(each.get("is_cut")) for each in frames))
    if kind == "depth" and "ffv1" in outputs.files:
        recording.step = ranges.step
    record = _record(name, kind, time_base, frames, ranges, temporal, smooth, clip, error)
    times = durations(frames, time_base)
    for each in outputs.files:
        parts = [part_file(unfinished.folder, number, each) for number in range(len(unfinished.parts))]
        path = unfinished.folder / f"whole{VIDEO_FILES[each].suffix}"
        # Numbers have no sound.
        wanted = sound if VIDEO_FILES[each].container == "mp4" else None
        joined = join_parts(
            parts,
            path,
            times,
            time_base,
            container=VIDEO_FILES[each].container,
            metadata=describe_file(each, kind, record),
            sound=wanted,
        )
        recording.silent = recording.silent or joined.silent
        if joined.broken_off and recording.error is None:
            recording.error = f"{name}: the connection broke off where the sound was copied ({joined.broken_off})"
            record["error"] = recording.error
        recording.files[VIDEO_FILES[each].suffix] = path
    path = unfinished.folder / f"whole{RECORD_SUFFIX}"
    atomic_write(path, json.dumps(record) + "\n")
    recording.files[RECORD_SUFFIX] = path
    if outputs.frames is not None:
        numbered = {each: written for part in unfinished.parts for each, written in part["numbered"].items()}
        listing = unfinished.folder / FRAMES_FOLDER / FRAMES_LIST
        atomic_write(listing, json.dumps(record) + "\n")
        recording.numbered = {**numbered, FRAMES_LIST: stamp(listing)}
    return recording


def _record(
    name: str,
    kind: str,
    time_base: Fraction,
    frames: list[Mapping[str, Any]],
    ranges: CodeRanges,
    temporal: str,
    smooth: bool,
    clip: WholeClip | None,
    error: str | None,
) -> dict[str, Any]:
    """Return the record of a video, JSON values; it is read by `reading`."""
    return {
        "kind": RECORD_KIND,
        "version": RECORD_VERSION,
        "video": name,
        "values": kind,
        "unit": "metres" if kind == "depth" else "none: one scale and shift are free for each shot",
        "temporal": temporal,
        "smooth": smooth,
        "frames": len(frames),
        "time_base": [time_base.numerator, time_base.denominator],
        "times": [each["pts"] for each in frames],
        "formula": FORMULA,
        "ranges": [
            {"first_frame": first, "minimum": minimum, "maximum": maximum} for first, minimum, maximum in ranges.ranges
        ],
        "alignment": [[each["scale"], each["shift"]] for each in frames] if temporal == "align" else None,
        "cuts": [index for index, each in enumerate(frames) if each.get("is_cut")],
        "colour_limits": None if clip is None else list(clip.limits),
        "error": error,
    }


def _clip_of(state: Mapping[str, Any]) -> WholeClip | None:
    if not state.get("clip"):
        return None
    clip = WholeClip()
    clip.load_state_dict(state["clip"])
    return clip


def _sound_of(source: FrameSource, end: Fraction | None) -> Sound | None:
    if not isinstance(source, AvSource) or source.is_live or not source.has_audio:
        return None
    return Sound(source.place, source.start, end)
