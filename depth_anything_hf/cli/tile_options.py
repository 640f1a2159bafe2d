# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of large pictures and panoramas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..utils.option_errors import OptionError


if TYPE_CHECKING:
    from ..inference.prediction import Prediction
    from ..inference.predictor import DepthPredictor

LARGE = "Large pictures"
ALONG_RAY = {
    "disparity": (
        "The panoramas' values are disparity along the ray of each pixel, not along an axis: the inverse of the "
        "distance from the camera, up to one scale and shift for the whole sphere."
    ),
    "depth": (
        "The panoramas' values are distances from the camera in metres, along the ray of each pixel and not along an "
        "axis. The colours show 1 / distance."
    ),
}
# What files of panoramas say of their values.
PANORAMA_TEXT = {"projection": "equirectangular", "values": "along the ray"}

TilesOption = Annotated[
    bool,
    typer.Option(
        "--tiles",
        help="For large pictures: predict overlapping tiles up to the picture's own resolution too, each aligned to a "
        "coarser map of the whole, and blend them.",
        rich_help_panel=LARGE,
    ),
]
TileSizeOption = Annotated[
    int | None,
    typer.Option(
        "--tile_size",
        help="Side of a tile, pixels of the picture; larger tiles are fewer and coarser. [the input size]",
        rich_help_panel=LARGE,
    ),
]
TileOverlapOption = Annotated[
    int | None,
    typer.Option(
        "--tile_overlap",
        help="Pixels that neighbouring tiles share at least, at most half a tile. [a quarter of a tile]",
        rich_help_panel=LARGE,
    ),
]
PanoramaOption = Annotated[
    bool,
    typer.Option(
        "--panorama",
        help="The pictures are equirectangular panoramas of the whole sphere (2:1): predict twelve perspective views "
        "and join them without seams. Values are along the ray: distance, or its inverse.",
        rich_help_panel=LARGE,
    ),
]


def check_tile_options(
    tiles: bool,
    tile_size: int | None,
    tile_overlap: int | None,
    panorama: bool,
    confidence: bool,
    others: dict[str, bool],
) -> None:
    """Refuse options that have no effect, or no meaning, together.

    Args:
        tiles: --tiles.
        tile_size: --tile_size.
        tile_overlap: --tile_overlap.
        panorama: --panorama.
        confidence: --confidence.
        others: flags that are meant for pictures of one pinhole camera -> whether they are given.

    Raises:
        OptionError: the message says what to leave out.
    """
    given = [
        name for name, value in {"--tile_size": tile_size, "--tile_overlap": tile_overlap}.items() if value is not None
    ]
    if panorama and tiles:
        raise OptionError("--tiles is for pictures of one camera, --panorama has views of its own; give one of them")
    if given and not tiles:
        raise OptionError(f"{' and '.join(given)} without effect: add --tiles")
    if confidence and (tiles or panorama):
        raise OptionError(
            f"--confidence is of passes over whole pictures, and cannot be combined with "
            f"{'--tiles' if tiles else '--panorama'}"
        )
    without = [name for name, is_given in others.items() if is_given]
    if panorama and without:
        raise OptionError(
            f"{' and '.join(without)} cannot be combined with --panorama: for them values are along the axis of one "
            "pinhole camera, and those of a panorama are along the ray of each pixel"
        )


def large_picture_predictor(
    predictor: DepthPredictor, tiles: bool, tile_size: int | None, tile_overlap: int | None, panorama: bool
) -> tuple[Callable[[Iterable[Any]], Iterator[Prediction]], dict[str, Any]]:
    """Return what predicts pictures, the predictor itself without --tiles and --panorama, and what is noted of it.

    Raises:
        OptionError: tiles that do not fit.
    """
    if not tiles and not panorama:
        return predictor, {}
    from ..inference.tiling.large_pictures import LargePicturePredictor

    large = LargePicturePredictor.make(
        predictor, tile_size=tile_size, tile_overlap=tile_overlap, is_panorama=panorama, on_part=_bar_of_tiles()
    )
    if large.layout is None:
        return large, dict(PANORAMA_TEXT)
    return large, {"tiles": {"size": large.layout.tile_size, "overlap": large.layout.overlap}}


def _bar_of_tiles() -> Callable[[int, int], None]:
    """Return what shows the tiles of one large picture, below the bar of pictures."""
    from tqdm import tqdm

    bar = None

    def show(done: int, passes: int) -> None:
        nonlocal bar
        if bar is None:
            bar = tqdm(total=passes, desc="tiles", unit="tile", position=1, leave=False)
        if done == 1:
            bar.reset(passes)
        bar.update()

    return show
