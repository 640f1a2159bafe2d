# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of videos."""

from __future__ import annotations

from typing import Annotated

import typer


VIDEO = "Video"

VideoOption = Annotated[
    bool,
    typer.Option(
        "--video",
        help="Take folders of pictures, and pictures that are named one by one, as the frames of a video, in natural "
        "order. Video files, URLs, cameras and patterns (frames/%04d.png) are videos without it.",
        rich_help_panel=VIDEO,
    ),
]
TemporalOption = Annotated[
    str | None,
    typer.Option(
        "--temporal",
        help="none: each frame by itself; range: values as they are, one range of colours for the whole clip, found "
        "by a pass before (twice the time); align: each frame's disparity is brought to the scale and shift of those "
        "before it, as they come, and corrected locally. Metres are never rescaled. [align]",
        rich_help_panel=VIDEO,
    ),
]
SmoothOption = Annotated[
    bool,
    typer.Option("--smooth", help="Average the values of each pixel along its motion.", rich_help_panel=VIDEO),
]
FpsOption = Annotated[
    float | None,
    typer.Option(
        "--fps",
        help="Frames per second of pictures [30]; of videos and cameras, at most so many are used. [all]",
        rich_help_panel=VIDEO,
    ),
]
MaxFramesOption = Annotated[
    int | None,
    typer.Option("--max_frames", help="Stop after so many frames. [all]", rich_help_panel=VIDEO),
]
