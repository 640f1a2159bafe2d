# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`calibrate`: arguments and messages; the work is in `inference.calibration`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from .options import (
    DEFAULT_MODEL,
    IMAGES,
    OUTPUT,
    DeviceOption,
    DtypeOption,
    EncodingOption,
    InputSizeOption,
    LimitOption,
    MaxPixelsOption,
    ModelOption,
    PredictionKindOption,
    ScaleOption,
    SplitOption,
    VerboseOption,
)


FIT = "Fit"


def calibrate(
    source: Annotated[
        Path,
        typer.Argument(
            help="An image or a folder of images, with --points; or a folder, table or dataset id with depth maps."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Calibration file to write, JSON.", rich_help_panel=OUTPUT)
    ],
    points: Annotated[
        Path | None,
        typer.Option(
            "--points",
            help="CSV file with the columns x, y (whole pixels from the left and the top) and depth (metres along the "
            "optical axis), one line for each measured point; for several images also the column image, their path "
            "from the file's folder.",
            rich_help_panel=IMAGES,
        ),
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    form: Annotated[
        str,
        typer.Option(
            "--form",
            help="disparity: 1/depth = scale * disparity + shift; log: ln depth = scale * ln disparity + shift.",
            rich_help_panel=FIT,
        ),
    ] = "disparity",
    robust: Annotated[
        bool,
        typer.Option(
            "--robust", help="Robust fit (Theil-Sen): up to 29 % of the points may be outliers.", rich_help_panel=FIT
        ),
    ] = False,
    scale: ScaleOption = None,
    encoding: EncodingOption = None,
    split: SplitOption = "train",
    limit: LimitOption = None,
    input_size: InputSizeOption = None,
    prediction_kind: PredictionKindOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    max_pixels: MaxPixelsOption = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace a file at --output that is no calibration, too.", rich_help_panel=OUTPUT
        ),
    ] = False,
    verbose: VerboseOption = False,
) -> Any:
    """Find the two numbers that turn a relative model's disparity into metres, from a few measured points.

    Two points give an exact fit and no idea of its error; five or more, spread from near to far, are better. The
    numbers hold for one image, or for a fixed camera whose scene hardly changes: with several images the command
    says how far they carry. With another camera, input size or model, calibrate again.

    \b
    Examples:
      depth-anything-hf calibrate photo.jpg --points points.csv --output camera.json
      depth-anything-hf calibrate frames-with-depth/ --scale 1000 --output camera.json
      depth-anything-hf predict more/*.jpg --output_dir metres/ --metric camera.json

    \b
    points.csv:
      x,y,depth
      120,400,1.2
      500,310,3.5
    """
    from ..data.sources import DataSource, open_source
    from ..inference.calibration import FORMS, fit_per_image
    from ..inference.measured_points import disparity_at_labels, disparity_at_points, read_points
    from ..inference.predictor import DepthPredictor
    from ..utils.option_errors import OptionError, check_choice, option_errors
    from ..utils.quiet import quiet_libraries

    quiet_libraries(verbose)
    check_choice("form", form, FORMS)
    if points is not None and (scale is not None or encoding is not None or limit is not None):
        raise OptionError("--scale, --encoding and --limit are for depth maps and cannot be combined with --points")
    with option_errors():
        data = DataSource(
            str(source),
            label="depth",
            scale=scale,
            encoding=encoding,
            split=split,
            limit=limit,
            max_pixels=max_pixels,
        )
    _check_output(output, source, points, overwrite)
    # Before the model, which may have to be fetched. A folder of images: the file says which point is on which.
    measured = None if points is None else read_points(points, None if source.is_dir() else str(source))
    dataset: Any = open_source(data) if measured is None else None
    kind: Any = prediction_kind
    predictor = DepthPredictor.from_pretrained(
        model, device=device, dtype=dtype, input_size=input_size, prediction_kind=kind, max_pixels=max_pixels
    )
    if measured is not None:
        pairs = disparity_at_points(predictor, measured)
    else:
        pairs = disparity_at_labels(predictor, dataset)
    chosen: Any = form
    fit = fit_per_image(pairs, chosen, robust=robust, model_id=model, input_size=predictor.input_size)
    pooled = fit.pooled
    fit.pooled.save(output)
    typer.echo(
        f"{pooled.points} points: scale {pooled.scale:.6g}, shift {pooled.shift:.6g}, mean relative error "
        f"{pooled.abs_rel:.4f}; saved to {output}"
    )
    if pooled.points_beyond:
        typer.echo(
            f"{pooled.points_beyond} points lie beyond infinity in this fit; check these measurements", err=True
        )
    if len(pairs) > 1:
        typer.echo(f"the scales of per-image fits differ by a factor of {fit.scale_spread:.2f} (1 = one fits all)")
        for name, error in fit.pooled_abs_rel.items():
            own = f"{fit.per_image[name].abs_rel:.4f}" if name in fit.per_image else fit.without_fit[name]
            typer.echo(f"  {name}: error {error:.4f} with the common fit, {own} with its own")
    return fit


def _check_output(output: Path, source: Path, points: Path | None, overwrite: bool) -> None:
    """Refuse an output that would replace anything but an earlier calibration, before the model is opened."""
    from ..inference.calibration import Calibration
    from ..utils.outputs import check_file, is_same_file, lies_in, refuse_to_replace

    check_file(output)
    for each in (source, points):
        if each is not None and is_same_file(output, each):
            raise ValueError(f"--output {output} is the input {each}; choose another file for the calibration")
    if points is None and lies_in(output, source):
        raise ValueError(
            f"--output {output} lies in the data, {source}, where the next command may take it for a table; choose a "
            "place outside of it"
        )
    if os.path.lexists(output) and not overwrite and not Calibration.is_at(output):
        refuse_to_replace([output], "choose another file for the calibration, or replace this one by --overwrite")
