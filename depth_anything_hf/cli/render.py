# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`render`: arguments and messages; the work is in `rendering.dataset`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..utils.messages import counted
from ..utils.option_errors import check_choice


SCENES, IMAGES, SPEED = "Scenes", "Images", "Speed"
DENOISE = {"auto": "auto", "yes": True, "no": False}


def render(
    output: Annotated[Path, typer.Argument(help="Folder to write to; created if missing.")],
    count: Annotated[
        int,
        typer.Option(
            "--count", help="Total number of images in the folder; a larger one adds images.", rich_help_panel=SCENES
        ),
    ],
    height: Annotated[int, typer.Option("--height", help="Pixels.", rich_help_panel=IMAGES)] = 252,
    width: Annotated[int, typer.Option("--width", help="Pixels.", rich_help_panel=IMAGES)] = 252,
    family: Annotated[
        str,
        typer.Option(
            "--family", help="varied (rooms, tabletops, streets, nature) or hazy-rooms.", rich_help_panel=SCENES
        ),
    ] = "varied",
    seed: Annotated[int, typer.Option("--seed", help="Random seed of the scenes.", rich_help_panel=SCENES)] = 0,
    samples_per_pixel: Annotated[
        int | None,
        typer.Option(
            "--samples_per_pixel",
            help="Samples per pixel: more is slower, with less noise. [8 or 4]",
            rich_help_panel=IMAGES,
        ),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(
            "--processes", help="Rendering processes, half a gigabyte of memory each.", rich_help_panel=SPEED
        ),
    ] = 1,
    views_per_scene: Annotated[
        int, typer.Option("--views_per_scene", help="Images (views) per scene.", rich_help_panel=SCENES)
    ] = 1,
    first_scene: Annotated[
        int,
        typer.Option(
            "--first_scene",
            help="Number of the first scene; disjoint ranges give disjoint splits.",
            rich_help_panel=SCENES,
        ),
    ] = 0,
    haze: Annotated[
        bool, typer.Option("--haze", help="Add random haze to each image.", rich_help_panel=IMAGES)
    ] = False,
    depth: Annotated[
        bool, typer.Option("--depth/--no_depth", help="Write the depth, or images only.", rich_help_panel=IMAGES)
    ] = True,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="room, tabletop, street or nature; may be given several times. [all]",
            rich_help_panel=SCENES,
        ),
    ] = None,
    clip: Annotated[
        bool,
        typer.Option(
            "--clip",
            help="The images are frames of one clip, 30 a second: a pan through the scene --first_scene, with the "
            "camera's pose of each frame in metadata.jsonl.",
            rich_help_panel=SCENES,
        ),
    ] = False,
    denoise: Annotated[
        str, typer.Option("--denoise", help="yes, no, or auto: if pyoidn is installed.", rich_help_panel=IMAGES)
    ] = "auto",
) -> None:
    """Render synthetic scenes with exact depth, to train and to test on.

    The same command again renders only what is missing; a larger --count adds images.
    Needs Mitsuba: pip install "depth_anything_hf[render]"

    \b
    Examples:
      depth-anything-hf render scenes/ --count 1000 --height 252 --width 252 --processes 8
      depth-anything-hf render scenes-test/ --count 100 --first_scene 100000
      depth-anything-hf render clip/ --clip --count 120 --first_scene 7
    """
    check_choice("--denoise", denoise, list(DENOISE))
    from ..rendering.dataset import render_dataset

    settings: dict[str, Any] = {"family": family, "kinds": kind or None, "denoise": DENOISE[denoise]}
    folder = render_dataset(
        output,
        count=count,
        height=height,
        width=width,
        seed=seed,
        samples_per_pixel=samples_per_pixel,
        processes=processes,
        views_per_scene=views_per_scene,
        first_scene=first_scene,
        haze=haze,
        depth=depth,
        clip=clip,
        **settings,
    )
    typer.echo(f"{counted(count, 'image')} in {folder}")
