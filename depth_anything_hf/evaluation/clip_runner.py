# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The evaluation of a video from its arguments: open model and clip, score, save. Of `evaluate --video`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..utils.option_errors import option_errors


if TYPE_CHECKING:
    from .clip_scores import ClipScores
    from .runner import EvaluationArguments

logger = logging.getLogger(__name__)


def run_clip(arguments: EvaluationArguments, tell: Callable[[str], object] | None = None) -> ClipScores:
    """Score a model on the frames of a video: steadiness under each temporal treatment, and depth by its truth.

    Args:
        arguments: with `video`.
        tell: called with the table, e.g. `print`; None tells nothing.

    Raises:
        FileExistsError: the output folder has a file of the results' name that no evaluation has written.
        FileNotFoundError: no such video.
        ImportError: PyAV is missing, for a video file.
        ValueError: no video is given, the video has less than two frames, or its frames have several sizes.
        OSError: the output folder takes no files.
    """
    from ..inference.devices import usable_device
    from ..utils.files import atomic_write
    from ..utils.redaction import redact_name
    from .clip_scores import score_clip
    from .clips import read_clip
    from .result_files import MARK, MARK_KEY, VIDEO_SCORES_FILE
    from .results import description_of
    from .runner import open_predictor
    from .settings import beyond_the_model, settings_for

    if arguments.video is None:
        raise ValueError("expected the arguments of a video, got none; use evaluation.runner.run for labelled images")
    usable_device(arguments.device)
    folder = None if arguments.output_dir is None else _check_output(arguments)
    frames = read_clip(arguments.video, arguments.limit, arguments.max_pixels)
    predictor, own_cap = open_predictor(arguments.model, arguments, arguments.device)
    kind = predictor.prediction_kind
    with option_errors():
        settings = settings_for(kind, "depth", own_cap, min_depth=arguments.min_depth, max_depth=arguments.max_depth)
    scores = score_clip(predictor, frames, prediction_kind=kind, settings=settings)
    # Known now: whether there are labels to be farther than the model's.
    beyond = beyond_the_model(settings, own_cap) if scores.has_truth else ""
    if beyond:
        logger.warning(beyond)
    made_with = description_of(predictor, arguments.model, settings, None, arguments.limit)
    messages = [scores.table()]
    if folder is not None:
        record: dict[str, Any] = {MARK_KEY.decode(): MARK, "video": redact_name(arguments.video), **scores.record()}
        record |= {"min_depth": settings.min_depth, "max_depth": settings.max_depth, "made_with": made_with}
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(
            folder / VIDEO_SCORES_FILE, json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        )
        messages.append(f"saved to {folder / VIDEO_SCORES_FILE}")
    if tell is not None:
        tell("\n".join(messages))
    return scores


def _check_output(arguments: EvaluationArguments) -> Path:
    """Return the output folder, before anything is predicted; refuse one where the result would replace or disturb."""
    from ..utils.outputs import lies_in
    from ..utils.paths import local_path
    from .result_files import VIDEO_SCORES_FILE, check_results_folder

    folder, video = local_path(str(arguments.output_dir)), local_path(str(arguments.video))
    if video.is_dir() and lies_in(folder, video):
        raise ValueError(f"--output_dir {arguments.output_dir} lies in the video's folder; choose one outside of it")
    check_results_folder(folder, (VIDEO_SCORES_FILE,), overwrite=arguments.overwrite)
    return folder
