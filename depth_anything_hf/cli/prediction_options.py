# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of `predict` checked: formats, colours and limits of its files, and whether a calibration fits the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer


if TYPE_CHECKING:
    from ..inference.calibration import Calibration
    from ..inference.prediction_formats import OutputSettings
    from ..inference.predictor import DepthPredictor

# Of the command, where some of the pictures or videos could not be predicted.
EXIT_SOME_FAILED = 3


def output_settings(
    words: list[str] | None,
    raw: bool,
    colormap: str | None,
    legend: bool,
    min_depth: float | None,
    max_depth: float | None,
) -> OutputSettings:
    """Return the settings of the files, or raise an OptionError."""
    from ..inference.prediction_formats import DEFAULT_FORMATS, RAW_FORMATS, OutputSettings, read_formats
    from ..utils.option_errors import OptionError
    from ..visualization.colour_tables import DEFAULT_COLOUR_MAP

    if raw and words:
        raise OptionError("--raw is --format npz, so the two cannot be combined; leave --raw out")
    formats = RAW_FORMATS if raw else DEFAULT_FORMATS if words is None else read_formats(words)
    return OutputSettings(formats, DEFAULT_COLOUR_MAP if colormap is None else colormap, legend, min_depth, max_depth)


def check_calibration(calibration: Calibration, model: str, predictor: DepthPredictor) -> str:
    """Warn or refuse where the calibration was made for something else; return the kind of the calibrated map."""
    if predictor.prediction_kind == "depth":
        raise ValueError(f"{model} is a metric model already, so --metric cannot be combined with it")
    from ..utils.redaction import redact_name

    # Files of earlier versions hold whole paths.
    if calibration.model_id and redact_name(calibration.model_id) != redact_name(model):
        typer.echo(f"warning: the calibration was made with {calibration.model_id}, not {model}", err=True)
    if calibration.input_size != predictor.input_size:
        typer.echo(
            f"warning: the calibration was made at input size {calibration.input_size}, not {predictor.input_size}; "
            "scale and shift differ between sizes",
            err=True,
        )
    return "depth"
