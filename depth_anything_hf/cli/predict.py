# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict`: arguments and messages; the work is in `inference`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from .options import (
    DEFAULT_MODEL,
    OUTPUT,
    BatchSizeOption,
    CompileOption,
    DeviceOption,
    DtypeOption,
    InputSizeOption,
    ModelOption,
    PredictionKindOption,
    VerboseOption,
    report_failures,
)


if TYPE_CHECKING:
    from ..geometry.disparity import PredictionKind
    from ..inference.calibration import Calibration
    from ..inference.prediction import Prediction
    from ..inference.predictor import DepthPredictor

MEANING = {
    "disparity": (
        "The values are disparity: larger is nearer. Scale and shift are unknown, so that values can be compared "
        "within one image only, and are not metres."
    ),
    "depth": "The values are depth in metres along the optical axis: larger is farther. The colours show 1 / depth.",
}


def predict(
    inputs: Annotated[list[Path], typer.Argument(help="Images, or folders of images.")],
    output_dir: Annotated[
        Path,
        typer.Option("--output_dir", "-o", help="Folder to write to; created if missing.", rich_help_panel=OUTPUT),
    ],
    model: ModelOption = DEFAULT_MODEL,
    batch_size: BatchSizeOption = None,
    input_size: InputSizeOption = None,
    prediction_kind: PredictionKindOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    compile: CompileOption = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the .npz files only, no pictures.", rich_help_panel=OUTPUT)
    ] = False,
    metric: Annotated[
        Path | None,
        typer.Option(
            "--metric",
            help="Calibration file made by `calibrate`: turns disparity into metres. [values as predicted]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    verbose: VerboseOption = False,
) -> None:
    """Predict the depth of images and write it as pictures and numbers.

    For NAME.jpg there will be NAME_depth.png (colours, bright is near), NAME_16bit.png (16-bit grey, smallest value
    0, largest 65535) and NAME.npz (float32 array `disparity` or `depth` at the image's size, and `kind`).
    Sub-folders are kept. Images that cannot be read are listed and skipped.

    \b
    Examples:
      depth-anything-hf predict photo.jpg --output_dir predictions/
      depth-anything-hf predict photos/ more/x.png -o predictions/ --batch_size 8 --dtype bfloat16
      depth-anything-hf predict photos/ -o metres/ -m depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf
      depth-anything-hf predict photos/ -o metres/ --metric camera.json

    \b
    In Python:
      numpy.load("predictions/photo.npz")["disparity"]
    """
    from tqdm import tqdm

    from ..data.decoding.images import find_images
    from ..inference.calibration import Calibration
    from ..inference.predictor import DepthPredictor
    from ..utils.quiet import quiet_libraries

    quiet_libraries(verbose)
    calibration = None if metric is None else Calibration.load(metric)
    if calibration is not None and input_size is None:
        input_size = calibration.input_size
    paths = find_images(inputs)
    targets = _targets(paths, inputs, output_dir)
    predictor = DepthPredictor.from_pretrained(
        model,
        device=device,
        dtype=dtype,
        batch_size=batch_size,
        input_size=input_size,
        prediction_kind=cast("PredictionKind | None", prediction_kind),
        compile=compile,
    )
    kind: str = predictor.prediction_kind
    if calibration is not None:
        kind = _check_calibration(calibration, model, predictor)
    failures: list[tuple[str, str]] = []
    predictions = tqdm(predictor(paths), total=len(paths), desc="predict", unit="image")
    for target, prediction in zip(targets, predictions, strict=True):
        if prediction.error is not None:
            failures.append((prediction.name, prediction.error))
        else:
            if calibration is not None and prediction.values is not None:
                prediction.values = calibration.apply(prediction.values)
            _save_prediction(target, prediction, kind, pictures=not raw)
    typer.echo(f"{len(paths) - len(failures)} of {len(paths)} images predicted, see {output_dir}")
    typer.echo(MEANING[kind])
    report_failures(failures, len(paths))


def _check_calibration(calibration: Calibration, model: str, predictor: DepthPredictor) -> str:
    """Warn or refuse where the calibration was made for something else; return the kind of the calibrated map."""
    if predictor.prediction_kind == "depth":
        raise ValueError(f"{model} is a metric model already, so --metric cannot be combined with it")
    if calibration.model_id and calibration.model_id != model:
        typer.echo(f"warning: the calibration was made with {calibration.model_id}, not {model}", err=True)
    if calibration.input_size != predictor.input_size:
        typer.echo(
            f"warning: the calibration was made at input size {calibration.input_size}, not {predictor.input_size}; "
            "scale and shift differ between sizes",
            err=True,
        )
    return "depth"


def _targets(paths: list[Path], inputs: list[Path], output: Path) -> list[Path]:
    """Return where each image's files go, without suffix; images that differ in folder or suffix only stay apart."""
    targets = []
    for path in paths:
        root = next((folder for folder in inputs if folder.is_dir() and path.is_relative_to(folder)), path.parent)
        targets.append(output / path.relative_to(root).with_suffix(""))
    shared = {target for target, times in Counter(targets).items() if times > 1}
    named = [
        target.with_name(path.name.replace(".", "_")) if target in shared else target
        for target, path in zip(targets, paths, strict=True)
    ]
    taken: Counter[Path] = Counter()
    unique = []
    for target in named:
        taken[target] += 1
        unique.append(target if taken[target] == 1 else target.with_name(f"{target.name}_{taken[target]}"))
    return unique


def _save_prediction(target: Path, prediction: Prediction, kind: str, pictures: bool) -> None:
    import numpy as np

    from ..geometry.disparity import depth_to_disparity
    from ..visualization.colour_maps import colour_map, to_uint16
    from ..visualization.encode import encode_png

    values = prediction.values
    assert values is not None
    target.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {kind: values, "kind": np.array(kind)}
    # Not compressed: that would take most of the command's time and save a tenth of the size.
    np.savez(target.with_name(f"{target.name}.npz"), **arrays)
    if pictures:
        colours = colour_map(depth_to_disparity(values) if kind == "depth" else values)
        target.with_name(f"{target.name}_depth.png").write_bytes(encode_png(colours))
        target.with_name(f"{target.name}_16bit.png").write_bytes(encode_png(to_uint16(values)[0]))
