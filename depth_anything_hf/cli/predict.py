# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict`: arguments and messages; the work is in `inference`."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ..utils.messages import counted
from .options import (
    DEFAULT_MODEL,
    OUTPUT,
    BatchSizeOption,
    CompileOption,
    ConfidenceOption,
    DeviceOption,
    DtypeOption,
    EngineOption,
    InputSizeOption,
    MaxPixelsOption,
    ModelOption,
    PredictionKindOption,
    VerboseOption,
    report_failures,
    report_incomplete,
)
from .point_options import (
    AssumeScaleOption,
    CameraOption,
    EdgeThresholdOption,
    FocalOption,
    FovOption,
    MaxPointsOption,
    NormalsOption,
    PointsOption,
    SensorWidthOption,
)
from .prediction_options import EXIT_SOME_FAILED, check_calibration, output_settings
from .tile_options import (
    ALONG_RAY,
    PANORAMA_TEXT,
    PanoramaOption,
    TileOverlapOption,
    TileSizeOption,
    TilesOption,
    check_tile_options,
    large_picture_predictor,
)
from .video_options import FpsOption, MaxFramesOption, SmoothOption, TemporalOption, VideoOption


if TYPE_CHECKING:
    from ..geometry.disparity import PredictionKind
    from ..inference.predictor import DepthPredictor

MEANING = {
    "disparity": (
        "The values are disparity: larger is nearer. Scale and shift are unknown, so that values can be compared "
        "within one image only, and are not metres."
    ),
    "depth": "The values are depth in metres along the optical axis: larger is farther. The colours show 1 / depth.",
}


def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(help="Images, or folders of images; or videos: files, URLs, camera:0, frames/%04d.png."),
    ],
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
    engine: EngineOption = "auto",
    compile: CompileOption = False,
    max_pixels: MaxPixelsOption = None,
    format: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="Files to write, several by commas: npz, npy, tiff, exr (float32), png16 (16-bit grey of the range), "
            "mm (16-bit millimetres), kitti (16-bit, metres x 256), color, side_by_side; of videos ffv1 too. "
            "[npz,color,png16; of videos color,ffv1]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Write the .npz files only, no pictures: --format npz.", rich_help_panel=OUTPUT),
    ] = False,
    colormap: Annotated[
        str | None,
        typer.Option(
            "--colormap",
            help="Colours of color and side_by_side by matplotlib's names: inferno, cividis, viridis, gray, ... "
            "(_r reverses them). [inferno]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    legend: Annotated[
        bool,
        typer.Option(
            "--legend", help="Put a bar with numbers beside the colours, in metres for depth.", rich_help_panel=OUTPUT
        ),
    ] = False,
    min_depth: Annotated[
        float | None,
        typer.Option(
            "--min_depth",
            help="Metres: nearer pixels have no value, and the brightest colour is here. [no limit]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    max_depth: Annotated[
        float | None,
        typer.Option(
            "--max_depth",
            help="Metres: farther pixels have no value, and the darkest colour is here. [no limit]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    metric: Annotated[
        Path | None,
        typer.Option(
            "--metric",
            help="Calibration file made by `calibrate`: turns disparity into metres. [values as predicted]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Predict all images again, and replace files that no earlier run here has written.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    verbose: VerboseOption = False,
    confidence: ConfidenceOption = False,
    points: PointsOption = None,
    normals: NormalsOption = False,
    camera: CameraOption = None,
    focal: FocalOption = None,
    sensor_width: SensorWidthOption = None,
    fov: FovOption = None,
    assume_scale: AssumeScaleOption = None,
    edge_threshold: EdgeThresholdOption = 0.05,
    max_points: MaxPointsOption = 2_500_000,
    tiles: TilesOption = False,
    tile_size: TileSizeOption = None,
    tile_overlap: TileOverlapOption = None,
    panorama: PanoramaOption = False,
    video: VideoOption = False,
    temporal: TemporalOption = None,
    smooth: SmoothOption = False,
    fps: FpsOption = None,
    max_frames: MaxFramesOption = None,
) -> None:
    """Predict the depth of images and videos, and write it as pictures and numbers.

    For NAME.jpg there will be NAME_depth.png (colours, bright is near, grey without a value), NAME_16bit.png (16-bit
    grey: 0 without a value, else 1 to 65535 from the smallest value to the largest, outliers clipped; the file and
    predictions.json hold the range) and NAME.npz (float32 array `disparity` or `depth` at the image's size, and
    `kind`). --format chooses others: NAME.npy, NAME.tiff, NAME.exr (channel Z), NAME_mm.png and NAME_kitti.png (0
    without a value, 65535 farther than the codes reach), NAME_side_by_side.png. In depth/ beside images/ they are
    labels for training, without options. Sub-folders are kept, and the folders' own names where several are given;
    a.jpg beside a.png gives a_jpg and a_png.

    Files that are there already are never replaced, but for those of an earlier run here, which predictions.json
    lists. Given again, the command predicts only what is missing or was made from another image, model or option, and
    leaves its own pictures out; files of further formats are added. Images that cannot be read are listed and skipped,
    and files of points that have none are listed; the exit code is then 3, and 1 if no image could be read.

    With --confidence there will be NAME_confidence.png, a 16-bit grey of 0 (the passes differ) to 1 (they agree), and
    its mean in predictions.json.

    With --points and --normals there will be NAME.ply, NAME.glb, NAME_normals.png, and NAME_camera.json, which says
    which camera was used and how it is known. Points need `pip install "depth_anything_hf[points]"`.

    Of clip.mp4 there will be clip_depth.mp4 (colours, with the sound), clip_16bit.mkv (lossless 16-bit codes) and
    clip_video.json; --format also takes ffv1, side_by_side and, for a file a frame in clip_frames/, those of pictures.
    Times stay as they are. A killed run goes on; of a camera, the next call completes what is there. Videos need
    `pip install "depth_anything_hf[video]"`.

    \b
    Examples:
      depth-anything-hf predict photo.jpg --output_dir predictions/
      depth-anything-hf predict photos/ more/x.png -o predictions/ --batch_size 8 --dtype bfloat16
      depth-anything-hf predict photos/ -o metres/ -m depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf
      depth-anything-hf predict photos/ -o metres/ --metric camera.json
      depth-anything-hf predict photos/ -o predictions/ -m student.onnx
      depth-anything-hf predict images/ -o depth/ -m runs/metric --format mm,exr,color --legend --max_depth 20
      depth-anything-hf predict photo.jpg -o room/ -m runs/metric --points ply,glb --focal 26mm
      depth-anything-hf predict aerial.tif -o predictions/ --tiles --max_pixels 500000000 --format npy,color
      depth-anything-hf predict panorama.jpg -o sphere/ -m runs/metric --panorama
      depth-anything-hf predict clip.mp4 -o out/ --format side_by_side,ffv1 --legend

    \b
    In Python:
      numpy.load("predictions/photo.npz")["disparity"]
      depth_anything_hf.inference.read_prediction("predictions/photo_16bit.png")  # values, kind
    """
    from tqdm import tqdm

    from ..data.decoding.map_meaning import STRAIGHTENED_TEXT
    from ..geometry.points import EDGE_THRESHOLD
    from ..inference.calibration import Calibration
    from ..inference.confidence import SUFFIX, describe_confidence, encode_confidence
    from ..inference.confidence_passes import SIZE_FACTOR
    from ..inference.devices import check_device
    from ..inference.engines import TORCH
    from ..inference.kept_pictures import KeptPictures, read_upright
    from ..inference.pixel_shares import describe_shares
    from ..inference.point_map import MOST_POINTS
    from ..inference.point_outputs import PointOutputs, describe_points
    from ..inference.prediction_files import FORMULA, encode_prediction, shares_of
    from ..inference.prediction_folder import PredictionFolder, describe_model
    from ..inference.prediction_formats import describe_clipped
    from ..inference.prediction_sources import find_image_files
    from ..inference.predictor import DepthPredictor
    from ..utils.quiet import quiet_libraries
    from .predict_video import VideoChoice, predict_videos

    quiet_libraries(verbose, when_imported=True)
    of_one_camera = {"--points": bool(points), "--normals": normals, "--metric": metric is not None}
    check_tile_options(tiles, tile_size, tile_overlap, panorama, confidence, of_one_camera)
    choice = VideoChoice(video, temporal, smooth, fps, max_frames)
    videos = choice.videos_among(inputs)
    settings = output_settings(None if videos and not raw else format, raw, colormap, legend, min_depth, max_depth)
    check_device(device)
    calibration = None if metric is None else Calibration.load(metric)
    if calibration is not None and input_size is None:
        input_size = calibration.input_size

    def open_predictor() -> DepthPredictor:
        return DepthPredictor.from_pretrained(
            model,
            device=device,
            dtype=dtype,
            engine=engine,
            batch_size=batch_size,
            input_size=input_size,
            prediction_kind=cast("PredictionKind | None", prediction_kind),
            compile=compile,
            max_pixels=max_pixels,
            confidence=confidence,
        )

    if videos:
        of_pictures = {
            **{"confidence": confidence, "points": points, "normals": normals},
            **{"camera": camera, "focal": focal, "sensor_width": sensor_width, "fov": fov},
            **{"assume_scale": assume_scale, "edge_threshold": edge_threshold != EDGE_THRESHOLD},
            **{"max_points": max_points != MOST_POINTS, "tiles": tiles, "panorama": panorama},
        }
        predict_videos(
            videos,
            output_dir,
            choice,
            ["npz"] if raw else format,
            settings,
            model,
            open_predictor,
            None if calibration is None else partial(check_calibration, calibration, model),
            calibration=calibration,
            max_pixels=max_pixels,
            overwrite=overwrite,
            not_for_videos=of_pictures,
        )
        return
    outputs = PointOutputs.make(
        points or (),
        normals,
        camera=camera,
        focal=focal,
        sensor_width=sensor_width,
        fov=fov,
        assume_scale=assume_scale,
        edge_threshold=edge_threshold,
        max_points=max_points,
        max_pixels=max_pixels,
    )
    suffixes = dict(settings.suffixes)
    if outputs:
        # Another camera makes these files again, and no others.
        suffixes |= dict.fromkeys(outputs.suffixes, json.dumps(outputs.settings, sort_keys=True))
    if confidence:
        suffixes[SUFFIX] = f"{SIZE_FACTOR:g}"
    sources = find_image_files([Path(each) for each in inputs])
    if outputs:
        outputs.check([source.path for source in sources])
    # Refuse before the model is loaded; under the lock again.
    PredictionFolder(output_dir, overwrite).plan(sources, list(suffixes))
    predictor = open_predictor()
    kind: str = predictor.prediction_kind
    if calibration is not None:
        kind = check_calibration(calibration, model, predictor)
    settings.check_kind(kind, model)
    if outputs:
        outputs.check_scale(predictor.prediction_kind, calibration)
    about_rays = PANORAMA_TEXT if panorama else None
    predict_all, noted = large_picture_predictor(predictor, tiles, tile_size, tile_overlap, panorama)
    options = {
        **describe_model(model, predictor.model.config),
        "kind": kind,
        "input_size": predictor.input_size,
        "precision": predictor.precision,
        # Lists of earlier versions know of PyTorch alone.
        **({} if predictor.engine == TORCH else {"engine": predictor.engine}),
        "calibration": None if calibration is None else asdict(calibration),
        "grey": FORMULA,
        **settings.limits,
        **noted,
        **(outputs.straightening if outputs else {}),
    }
    failures: list[tuple[str, str]] = []
    incomplete: list[tuple[str, str]] = []
    # Where files show the picture, too.
    pictures = KeptPictures(outputs.read if outputs else partial(read_upright, max_pixels=max_pixels))
    is_shown = outputs is not None or "side_by_side" in settings.formats
    with PredictionFolder(output_dir, overwrite) as folder:
        planned = folder.plan(sources, list(suffixes))
        work = folder.missing(planned, suffixes, options)
        images = (pictures.source(one.source.path) if is_shown else one.source.path for one in work)
        predictions = tqdm(predict_all(images), total=len(work), desc="predict", unit="image", disable=not work)
        for one, prediction in zip(work, predictions, strict=True):
            if prediction.error is not None:
                failures.append((prediction.name, prediction.error))
                pictures.forget(one.source.path)
            else:
                assert prediction.values is not None
                values, extrapolated = prediction.values, None
                if calibration is not None:
                    values, extrapolated = calibration.apply(values), calibration.extrapolated_share(values)
                picture = pictures.take(one.source.path) if is_shown else None
                image = None if picture is None else picture.image
                is_straight = picture is not None and picture.undistorted_from is not None
                further = STRAIGHTENED_TEXT if is_straight else about_rays
                contents, about = encode_prediction(values, kind, settings, extrapolated, image, further)
                if is_straight:
                    about["is_straightened"] = True
                if prediction.confidence is not None:
                    contents[SUFFIX] = encode_confidence(prediction.confidence, kind)
                    about["confidence"] = prediction.mean_confidence
                if outputs and picture is not None:
                    kind_predicted = predictor.prediction_kind
                    added, about["points"], missing = outputs.encode(
                        one.source.path, picture, prediction.values, kind_predicted, calibration, settings.limit
                    )
                    contents |= added
                    incomplete += [(prediction.name, missing)] if missing else []
                folder.save(one, contents, about)
        known = folder.pixels(planned)
    earlier = f", {len(sources) - len(work)} of them earlier" if len(work) < len(sources) else ""
    typer.echo(
        f"{len(sources) - len(failures)} of {counted(len(sources), 'image')} predicted{earlier}, see {output_dir} "
        f"({predictor.engine}, {predictor.precision})"
    )
    if len(failures) < len(sources):
        typer.echo((ALONG_RAY if panorama else MEANING)[kind])
    line, warnings = describe_shares({name: shares_of(pixels) for name, pixels in known.items()})
    for each in (
        line,
        describe_confidence(known) if confidence else "",
        *describe_points(known.values() if outputs else ()),
    ):
        if each:
            typer.echo(each)
    for warning in [*warnings, *describe_clipped(known)]:
        typer.echo(f"warning: {warning}", err=True)
    report_incomplete(incomplete, len(sources))
    report_failures(failures, len(sources))
    if failures or incomplete:
        raise typer.Exit(EXIT_SOME_FAILED)
