# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Metres from points that are clicked: the fit of `calibrate`, saved as the file that `predict --metric` takes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..geometry.maps import values_at_pixels
from ..inference.calibration import Calibration, Form, fit_calibration
from ..utils.option_errors import OptionError
from .downloads import new_folder
from .result import DemoResult, describe_calibration


COLUMNS = ("x", "y", "metres")
FILE = "calibration.json"


def read_rows(rows: Iterable[Sequence[Any]]) -> list[tuple[int, int, float]]:
    """Return the points of a table that people type into; empty rows are left out.

    Args:
        rows: x, y (whole pixels from the left and the top) and metres, as numbers or text.

    Raises:
        OptionError: a cell is empty or no number, a pixel is not whole, or a distance is not positive.
    """
    points = []
    for number, row in enumerate(rows, start=1):
        cells = ["" if cell is None else str(cell).strip().replace(",", ".") for cell in row]
        if not any(cells) or all(cell in ("", "nan") for cell in cells):
            continue
        try:
            x, y, metres = (float(cell) for cell in cells)
        except ValueError:
            raise OptionError(
                f"point {number}: expected numbers for {', '.join(COLUMNS)}, got {', '.join(cells)}"
            ) from None
        if not (x.is_integer() and y.is_integer()):
            raise OptionError(f"point {number}: x and y must be whole pixels, got {x:g} and {y:g}")
        if not 0 < metres < math.inf:
            raise OptionError(f"point {number}: the distance must be a positive number of metres, got {metres:g}")
        points.append((int(x), int(y), metres))
    return points


def fit_points(
    result: DemoResult, points: Sequence[tuple[int, int, float]], form: Form = "disparity", *, robust: bool = False
) -> Calibration:
    """Fit scale and shift on measured points of a picture, as `calibrate --points` does.

    Args:
        result: of a relative model.
        points: x, y (pixels of the whole picture) and metres.
        form: see `Calibration`.
        robust: see `fit_calibration`.

    Raises:
        ValueError: a metric model, fewer than two points, one outside of the picture, or points that contradict the
            prediction.
    """
    if result.raw_kind == "depth":
        raise ValueError("this model predicts metres already and needs no calibration")
    if len(points) < 2:
        raise ValueError(
            f"scale and shift need at least two measured points, got {len(points)}: click a point in the depth map, "
            "type its distance, and add it"
        )
    table = np.array(points, dtype=np.float64)
    disparity = values_at_pixels(result.raw, table[:, 1::-1], "measured points")
    return fit_calibration(
        disparity, table[:, 2], form, robust=robust, model_id=result.model, input_size=result.input_size
    )


def save_calibration(fit: Calibration, root: Path) -> Path:
    """Write a calibration into a new folder of the demo's own; return the file."""
    return fit.save(new_folder(root) / FILE)


def describe_fit(fit: Calibration) -> str:
    """Return the numbers of a fit and what they are worth, as Markdown."""
    few = " Two points fit exactly and say nothing of the error: measure five or more, from near to far."
    return (
        f"**In metres:** {describe_calibration(fit)}. Scale {fit.scale:.5g}, shift {fit.shift:.5g}."
        f"{few if fit.points == 2 else ''} It holds for this picture, or a fixed camera whose scene hardly changes."
    )
