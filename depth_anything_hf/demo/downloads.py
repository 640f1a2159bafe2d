# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of a result to download: all formats of `predict`, points, the calibration."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..inference.camera_choice import CameraChoice
from ..inference.point_files import POINT_FORMATS, encode_points
from ..inference.point_map import MOST_POINTS, PointMap
from ..inference.point_prediction import check_scale, straighten, to_depth
from ..inference.prediction_files import encode_prediction
from ..inference.prediction_formats import FORMATS, OutputSettings
from ..utils.files import atomic_write
from ..utils.option_errors import OptionError, check_choice
from .result import DemoResult


DOWNLOADS = (*FORMATS, *POINT_FORMATS)
# More triangles than this are slow to turn in a browser.
MOST_POINTS_SHOWN = 200_000


def new_folder(root: Path) -> Path:
    """Return a new folder in the demo's own, for files that are made for one request."""
    return Path(tempfile.mkdtemp(dir=root, prefix="result-"))


def remove_old(root: Path, seconds: float) -> None:
    """Remove what lies in the demo's own folder, uploads too, and was made longer ago than that."""
    now = time.time()
    for path in root.iterdir():
        with suppress(OSError):
            if now - path.stat().st_mtime > seconds:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def write_downloads(
    result: DemoResult,
    formats: Sequence[str],
    colormap: str,
    root: Path,
    *,
    legend: bool = False,
    fov: float | None = None,
    assume_scale: float | None = None,
) -> list[Path]:
    """Write the files of a result as `predict` does.

    Args:
        result: of one picture.
        formats: names of `DOWNLOADS`.
        colormap: of the pictures.
        root: the demo's own folder.
        legend: whether pictures get a bar with numbers.
        fov: as for `make_points`, where points are asked for.
        assume_scale: likewise.

    Returns:
        The files, in a new folder.

    Raises:
        OptionError: no format or an unknown one, or metres where the values are disparity.
        ValueError: points without a camera or without a surface.
        ImportError: a format needs a package that is not installed.
    """
    if not formats:
        raise OptionError("choose at least one format to download")
    for each in formats:
        check_choice("format", each, DOWNLOADS)
    contents: dict[str, bytes] = {}
    numbers = tuple(name for name in FORMATS if name in formats)
    if numbers:
        has_picture = any(FORMATS[name].is_picture for name in numbers)
        look = {"colormap": colormap, "legend": legend} if has_picture else {}
        settings = OutputSettings(numbers, **look)  # type: ignore[arg-type]
        share = None if result.calibration is None else result.calibration.extrapolated_share(result.raw)
        contents, _ = encode_prediction(result.values, result.kind, settings, share, result.image)
    clouds = [name for name in POINT_FORMATS if name in formats]
    if clouds:
        points = make_points(result, fov=fov, assume_scale=assume_scale)
        contents |= {f".{name}": encode_points(points, name) for name in clouds}
    folder = new_folder(root)
    for suffix, content in contents.items():
        atomic_write(folder / f"{result.name}{suffix}", content, sync=False)
    return [folder / f"{result.name}{suffix}" for suffix in contents]


def make_points(
    result: DemoResult, *, fov: float | None = None, assume_scale: float | None = None, most: int | None = None
) -> PointMap:
    """Return the points in space of a result.

    Args:
        result: of one picture.
        fov: degrees between the left and the right border; None: by the picture's EXIF.
        assume_scale: metres of the median depth, for disparity without a calibration.
        most: of the points; None: as many as `predict --points` writes.

    Raises:
        OptionError: a field of view or scale that none has.
        ValueError: no camera is known, or disparity without a calibration and `assume_scale`.
    """
    choice = CameraChoice.make(fov=fov)
    is_relative = result.kind == "disparity"
    check_scale(result.raw_kind, result.calibration is not None, assume_scale if is_relative else None)
    image, camera, _ = straighten(choice, str(result.path), result.image)
    depth, source = to_depth(result.raw, result.raw_kind, result.calibration, assume_scale)
    return PointMap(
        result.path.name, depth, image, camera, source, is_relative, max_points=MOST_POINTS if most is None else most
    )
