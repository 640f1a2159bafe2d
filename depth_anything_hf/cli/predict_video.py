# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict` of videos: arguments and messages; the work is in `inference.video`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..utils.messages import counted
from ..utils.option_errors import OptionError
from .prediction_options import EXIT_SOME_FAILED


if TYPE_CHECKING:
    from ..inference.calibration import Calibration
    from ..inference.prediction_formats import OutputSettings
    from ..inference.predictor import DepthPredictor

# Codes farther apart are worth a word.
COARSE_STEP_METRES = 0.01
MEANING = {
    "disparity": (
        "The values are disparity: larger is nearer. Scale and shift are unknown, and one for all frames of a shot as "
        "far as --temporal align can tell."
    ),
    "unaligned disparity": (
        "The values are disparity: larger is nearer. Scale and shift are unknown, and others in each frame; "
        "--temporal align brings them together."
    ),
    "depth": "The values are depth in metres along the optical axis: larger is farther. The colours show 1 / depth.",
}


@dataclass(frozen=True)
class VideoChoice:
    """The options of videos.

    Attributes:
        is_sequence: `--video`.
        temporal: None: align.
        smooth, fps, max_frames: as `predict_video` takes them.
    """

    is_sequence: bool
    temporal: str | None
    smooth: bool
    fps: float | None
    max_frames: int | None

    def videos_among(self, inputs: Sequence[str]) -> list[str | list[str]]:
        """Return the videos that were asked for; none where all inputs are pictures.

        Raises:
            OptionError: videos and pictures in one call, or options of videos for pictures.
        """
        from ..inference.video.sources import is_video

        videos: list[str | list[str]] = [each for each in inputs if is_video(each)]
        others = [each for each in inputs if each not in videos]
        if self.is_sequence:
            folders = [each for each in others if Path(each).is_dir()]
            files = [each for each in others if each not in folders]
            return [*videos, *folders, *([files] if files else [])]
        if videos and others:
            raise OptionError(
                f"{videos[0]} is a video and {others[0]} is not; give them in two calls, which may write to one "
                "folder (for a folder of frames that belong together, add --video)"
            )
        given = {"temporal": self.temporal, "smooth": self.smooth, "fps": self.fps, "max_frames": self.max_frames}
        named = [f"--{name}" for name, value in given.items() if value not in (None, False)]
        if not videos and named:
            raise OptionError(
                f"{', '.join(named)} without effect: {inputs[0]} is no video; for the frames of one, add --video"
            )
        return videos


def predict_videos(
    videos: Sequence[str | list[str]],
    output_dir: Path,
    choice: VideoChoice,
    formats: list[str] | None,
    look: OutputSettings,
    model: str,
    open_predictor: Callable[[], DepthPredictor],
    check_calibration: Callable[[DepthPredictor], str] | None,
    *,
    calibration: Calibration | None,
    max_pixels: int | None,
    overwrite: bool,
    not_for_videos: Mapping[str, Any],
) -> None:
    """Predict videos one after the other.

    Args:
        videos: as `VideoChoice.videos_among` returns them.
        output_dir: folder of the results.
        choice: options of videos.
        formats: words of `--format`.
        look: colours and limits.
        model: its name.
        open_predictor: opens it.
        check_calibration: returns the kind of calibrated values, for a calibration.
        calibration: to metres.
        max_pixels: of a picture.
        overwrite: predict again, and replace files of others.
        not_for_videos: options of pictures alone -> what was given; None or False: nothing.

    Raises:
        OptionError: an option that videos do not have, or two videos of one name.
    """
    from tqdm import tqdm

    from ..inference.engines import TORCH
    from ..inference.prediction_folder import PredictionFolder, describe_model
    from ..inference.video.frames import VideoError
    from ..inference.video.outputs import VIDEO_FILES, VideoOutputs
    from ..inference.video.recorded_files import (
        VideoInput,
        check_frames,
        complete_recordings,
        describe_live,
        digest_of,
        find_video_files,
        incomplete_downloads,
        save_recording,
        with_size,
    )
    from ..inference.video.recording import record_video
    from ..inference.video.sources import open_video, read_rate
    from ..inference.video.treatment import Treatment
    from ..inference.video.unfinished import UnfinishedVideo
    from ..utils.option_errors import check_count

    outputs = VideoOutputs.make(formats, look.colormap, look.legend, look.min_depth, look.max_depth)
    unwanted = [f"--{name}" for name, given in not_for_videos.items() if given is not None and given is not False]
    if unwanted:
        raise OptionError(f"{', '.join(unwanted)}: for pictures, not for videos; leave out")
    temporal = choice.temporal or "align"
    if choice.max_frames is not None:
        check_count("max_frames", choice.max_frames)
    rate = read_rate(choice.fps)
    Treatment("none" if temporal == "range" else temporal, "disparity", choice.smooth)
    sources: list[VideoInput] = []
    failures: list[tuple[str, str]] = []
    for name, completed in complete_recordings(output_dir, overwrite):
        if completed is not None:
            what = f"{counted(completed.frames, 'frame')} of a recording that was interrupted, completed"
            typer.echo(f"{name}: {what}", err=True)
    found = find_video_files(videos, output_dir)
    # Refuse before the model is loaded; under the lock again.
    for source in found:
        if temporal == "range" and source.is_live:
            raise OptionError(f"--temporal range reads a video twice, which {source.file.name} cannot be; take align")
        try:
            opened = open_video(source.given, fps=rate, max_pixels=max_pixels)
        except VideoError as error:
            failures.append((source.file.name, str(error)))
            continue
        sources.append(with_size(source, opened))
        opened.close()
    if not sources:
        raise VideoError("; ".join(reason for _, reason in failures))
    files = [source.file for source in sources]
    before = PredictionFolder(output_dir, overwrite)
    for one in before.plan(files, list(outputs.suffixes)):
        check_frames(before, one, outputs, overwrite)
    predictor = open_predictor()
    kind: str = predictor.prediction_kind if check_calibration is None else check_calibration(predictor)
    outputs.check_kind(kind, model)
    options = {
        **describe_model(model, predictor.model.config),
        "kind": kind,
        "input_size": predictor.input_size,
        "precision": predictor.precision,
        **({} if predictor.engine == TORCH else {"engine": predictor.engine}),
        "calibration": None if calibration is None else asdict(calibration),
        "temporal": temporal,
        "smooth": choice.smooth,
        "fps": None if rate is None else str(rate),
        "max_frames": choice.max_frames,
        "batch_size": predictor.batch_size,
        **outputs.look.limits,
    }
    with PredictionFolder(output_dir, overwrite) as folder:
        planned = folder.plan(files, list(outputs.suffixes))
        for one in planned:
            check_frames(folder, one, outputs, overwrite)
        work = folder.missing(planned, outputs.suffixes, options, again=incomplete_downloads(folder, planned, sources))
        by_name = {source.file.name: source for source in sources}
        for one in work:
            source = by_name[one.source.name]
            unfinished = UnfinishedVideo(
                output_dir / one.target, digest_of(options, outputs, source), describe_live(options, outputs, source)
            )
            try:
                opened = open_video(source.given, fps=rate, max_pixels=max_pixels)
                try:
                    unfinished.open()
                    total = opened.format.frame_count
                    total = choice.max_frames if total is None else min(total, choice.max_frames or total)
                    with tqdm(total=total, desc=one.source.name, unit="frame") as bar:

                        def tell(what: str, count: int, bar: Any = bar) -> None:
                            if what == "first pass":
                                bar.set_postfix_str(f"first pass: {count}")
                            else:
                                bar.update(count - bar.n)

                        recording = record_video(
                            predictor,
                            opened,
                            outputs,
                            unfinished,
                            name=one.source.name,
                            temporal=temporal,
                            smooth=choice.smooth,
                            calibration=calibration,
                            max_frames=choice.max_frames,
                            tell=tell,
                        )
                finally:
                    opened.close()
            except VideoError as error:
                failures.append((one.source.name, str(error)))
                unfinished.remove()
                if source.is_live:
                    folder.drop(one)
                continue
            except KeyboardInterrupt:
                kept = len(unfinished.frames)
                typer.echo(f"stopped: {counted(kept, 'frame')} kept; the same command goes on from there", err=True)
                raise
            save_recording(folder, one, recording)
            unfinished.remove()
            earlier = f", {recording.resumed} of them earlier" if recording.resumed else ""
            cuts = f"; {counted(recording.cuts, 'cut')}" if recording.cuts else ""
            typer.echo(f"{one.source.name}: {counted(recording.frames, 'frame')} predicted{earlier}{cuts}")
            if recording.silent:
                typer.echo(f"warning: {one.source.name}: without its sound, which {recording.silent}", err=True)
            if recording.step is not None and recording.step > COARSE_STEP_METRES:
                step = f"{recording.step:.3g} m" if recording.step >= 1 else f"{100 * recording.step:.2g} cm"
                typer.echo(
                    f"warning: {one.source.name}: the codes of {one.target}{VIDEO_FILES['ffv1'].suffix} are {step} "
                    "apart, for the farthest pixels; limit them by --max_depth, or add --format npz",
                    err=True,
                )
        known = folder.pixels(planned)
    failures += [(name, about["error"]) for name, about in known.items() if about.get("error")]
    done = len(found) - len(failures)
    before_now = f", {len(sources) - len(work)} of them earlier" if len(work) < len(sources) else ""
    typer.echo(
        f"{done} of {counted(len(found), 'video')} predicted{before_now}, see {output_dir} "
        f"({predictor.engine}, {predictor.precision})"
    )
    if known:
        is_unaligned = kind == "disparity" and temporal != "align"
        typer.echo(MEANING["unaligned disparity" if is_unaligned else kind])
    if failures:
        # What is there of damaged ones has been written.
        typer.echo(f"{len(failures)} of {counted(len(found), 'video')} incomplete:", err=True)
        for _, reason in failures:
            typer.echo(f"  {reason}", err=True)
        raise typer.Exit(EXIT_SOME_FAILED if len(known) else 1)
