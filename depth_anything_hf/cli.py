# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The command line `depth-anything-hf`: arguments and messages; the work is done by the modules below.

Every command is also a plain function; `pseudo_label` returns its `LabelReport`, `evaluate` its `EvaluationResult`.
Imports stand inside the commands, so that `--help` is quick.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup


if TYPE_CHECKING:
    from .inference import Prediction

DEFAULT_MODEL = "depth-anything/Depth-Anything-V2-Small-hf"
MEANING = {
    "disparity": (
        "The values are disparity: larger is nearer. Scale and shift are unknown, so that values can be compared "
        "within one image only, and are not metres."
    ),
    "depth": "The values are depth in metres along the optical axis: larger is farther. The colours show 1 / depth.",
}
DENOISE = {"auto": "auto", "yes": True, "no": False}
SKIPPED_SHOWN = 20


class _OneLineErrors(TyperGroup):
    """Shows errors that a user can mend as one line; others are faults of the program and keep their traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (ValueError, OSError, ImportError) as error:
            if ctx.params.get("debug"):
                raise
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ModelOption = Annotated[
    str,
    typer.Option("--model", "-m", help="Depth model: an id on the Hub, or a folder, e.g. one that training wrote."),
]
BatchSizeOption = Annotated[int, typer.Option(help="Images per forward pass; only images of one size share a pass.")]
InputSizeOption = Annotated[
    int | None,
    typer.Option(
        help="Side that images are resized to, a multiple of 14. Larger is sharper and slower. [the model's]"
    ),
]
DeviceOption = Annotated[str | None, typer.Option(help="cuda, cuda:1, mps or cpu. [the fastest that is there]")]
DtypeOption = Annotated[
    str | None, typer.Option(help="float32, bfloat16 or float16; bfloat16 is faster on recent hardware. [the model's]")
]
LabelOption = Annotated[str | None, typer.Option(help="depth or disparity. [what is there, depth first]")]
ScaleOption = Annotated[
    float | None,
    typer.Option(help="Stored units per metre of integer labels: 1000 for millimetres, 256 for KITTI, 100 for cm."),
]
SplitOption = Annotated[str, typer.Option(help="Split of a dataset that has several.")]
ImageColumnOption = Annotated[str, typer.Option(help="Column of the pictures, for tables.")]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Use the first this many images only.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        from . import __version__

        typer.echo(f"depth_anything_hf {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="DEPTH_ANYTHING_HF_DEBUG", help="Show errors with their traceback.")
    ] = False,
) -> None:
    """Depth Anything with Hugging Face libraries: predict, label, evaluate, render.

    \b
    Depth of your photographs:
      depth-anything-hf predict photos/ --output predictions/
    Training images with exact depth, no download:
      depth-anything-hf render scenes/ --count 1000 --height 252 --width 252
    A teacher's labels for photographs, to train a student on:
      depth-anything-hf pseudo-label photos/ --model runs/teacher --output labels/
    The error of a model:
      depth-anything-hf evaluate runs/student --data scenes-test/

    Options of this line go before the command: depth-anything-hf --debug predict ...
    """


@app.command()
def predict(
    inputs: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to; made if absent.")],
    model: ModelOption = DEFAULT_MODEL,
    batch_size: BatchSizeOption = 1,
    input_size: InputSizeOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    raw: Annotated[bool, typer.Option("--raw", help="Write the .npz files only, no pictures.")] = False,
) -> None:
    """Predicts the depth of pictures and writes it as pictures and numbers.

    For NAME.jpg there will be NAME_depth.png (colours, bright is near), NAME_16bit.png (16-bit grey, smallest value
    0, largest 65535) and NAME.npz (float32 array `disparity` or `depth` at the picture's size, and `kind`).
    Sub-folders are kept. Pictures that cannot be read are named and left out.

    \b
    Examples:
      depth-anything-hf predict photo.jpg --output predictions/
      depth-anything-hf predict photos/ more/x.png -o predictions/ --batch-size 8 --dtype bfloat16
      depth-anything-hf predict photos/ -o metres/ -m depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf

    \b
    In Python:
      numpy.load("predictions/photo.npz")["disparity"]
    """
    from tqdm import tqdm

    from .inference import DepthPredictor, find_images

    paths = find_images(inputs)
    targets = _targets(paths, inputs, output)
    predictor = DepthPredictor.from_pretrained(
        model, device=device, dtype=dtype, batch_size=batch_size, input_size=input_size
    )
    failures: list[tuple[str, str]] = []
    predictions = tqdm(predictor(paths), total=len(paths), desc="predict", unit="image")
    for target, prediction in zip(targets, predictions, strict=True):
        if prediction.error is not None:
            failures.append((prediction.name, prediction.error))
        else:
            _save_prediction(target, prediction, predictor.kind, pictures=not raw)
    typer.echo(f"{len(paths) - len(failures)} of {len(paths)} pictures predicted, see {output}")
    typer.echo(MEANING[predictor.kind])
    _report_failures(failures, len(paths))


@app.command("pseudo-label")
def pseudo_label(
    data: Annotated[str, typer.Argument(help="Folder of pictures, table (parquet, arrow, JSON), or dataset id.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The teacher: an id on the Hub, or a folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the shards; made if absent.")],
    batch_size: BatchSizeOption = 1,
    input_size: InputSizeOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    shard_size: Annotated[int, typer.Option(help="Images per parquet file.")] = 256,
    split: SplitOption = "train",
    image_column: ImageColumnOption = "image",
    limit: LimitOption = None,
    process_index: Annotated[int, typer.Option(envvar="RANK", help="Number of this process, from 0.")] = 0,
    process_count: Annotated[int, typer.Option(envvar="WORLD_SIZE", help="Processes that share the work.")] = 1,
) -> Any:
    """Labels photographs with a teacher's disparity, into parquet shards for training.

    An interrupted run goes on where it stopped when the same command is given again. With several GPUs, launch the
    same command on each, as torchrun and accelerate do; every process then takes its share of the shards.

    \b
    Examples:
      depth-anything-hf pseudo-label photos/ --model runs/teacher --output labels/
      accelerate launch -m depth_anything_hf.cli pseudo-label photos/ -m runs/teacher -o labels/ --batch-size 16

    \b
    In Python:
      datasets.load_dataset("labels/", split="train")
      depth_anything_hf.data.open_source("labels/")[0]["disparity"]
    """
    from .data.sources import DataSource, open_source
    from .inference import DepthPredictor
    from .pseudo_labels import describe_teacher, label_images

    source = DataSource(data, kind="photos", split=split, image_column=image_column, limit=limit)
    dataset = open_source(source)
    predictor = DepthPredictor.from_pretrained(
        model, device=device, dtype=dtype, batch_size=batch_size, input_size=input_size
    )
    data_name = Path(data).resolve().name if Path(data).exists() else data
    report = label_images(
        predictor,
        dataset,
        output,
        provenance={**describe_teacher(predictor, model), "data": data_name, "split": split},
        shard_size=shard_size,
        process_index=process_index,
        process_count=process_count,
        names_relative_to=data if Path(data).is_dir() else None,
    )
    typer.echo(f"{report.labelled} images labelled in {len(report.shards)} shards, see {output}")
    _report_failures(report.skipped, report.labelled + len(report.skipped))
    return report


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="Depth model: an id on the Hub, or a folder.")],
    data: Annotated[str, typer.Option(help="Labelled folder, table, or dataset id.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the results. [not saved]")] = None,
    label: LabelOption = None,
    scale: ScaleOption = None,
    split: SplitOption = "train",
    image_column: ImageColumnOption = "image",
    label_column: Annotated[
        str | None, typer.Option(help="Column of the labels, for tables. [depth, disparity]")
    ] = None,
    limit: LimitOption = None,
    alignment: Annotated[
        str | None,
        typer.Option(
            help="disparity: fit scale and shift of each image in disparity, as papers do for relative models; none: "
            "compare metres with metres. [none for a metric model and metric labels, else disparity]"
        ),
    ] = None,
    min_depth: Annotated[float, typer.Option(help="Metres; nearer label pixels do not count.")] = 1e-3,
    max_depth: Annotated[float, typer.Option(help="Metres; farther label pixels and sky do not count.")] = 80.0,
    batch_size: BatchSizeOption = 1,
    input_size: InputSizeOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
) -> Any:
    """Scores a model against labelled images at the labels' resolution and prints a table.

    Papers use --max-depth 80 for KITTI and 10 for NYU. Besides the errors after alignment, `ordinal_accuracy` says how
    often of two random points the nearer one is told, which no alignment can flatter.

    \b
    Examples:
      depth-anything-hf evaluate runs/student --data scenes-test/
      depth-anything-hf evaluate depth-anything/Depth-Anything-V2-Small-hf --data nyu-test/ --scale 1000 \\
          --max-depth 10 --output results/nyu
    """
    from . import evaluation
    from .data.sources import DataSource, open_source
    from .inference import DepthPredictor

    dataset = open_source(
        DataSource(
            data,
            label=label,
            scale=scale,
            split=split,
            image_column=image_column,
            label_column=label_column,
            limit=limit,
        )
    )
    if dataset.label is None:
        raise ValueError(f"{data} has pictures but no depth or disparity labels to score against")
    predictor = DepthPredictor.from_pretrained(
        model, device=device, dtype=dtype, batch_size=batch_size, input_size=input_size
    )
    both_metric = predictor.kind == "depth" and dataset.label == "depth"
    chosen: Any = alignment or ("none" if both_metric else "disparity")
    settings = evaluation.EvaluationSettings(min_depth=min_depth, max_depth=max_depth, alignment=chosen)
    result = evaluation.evaluate(predictor, dataset, settings, prediction_is=predictor.kind, progress=True)
    typer.echo(result.table())
    if output is not None:
        result.save(output)
        typer.echo(f"saved to {output}")
    if not result.rows:
        raise typer.Exit(1)
    return result


@app.command()
def render(
    output: Annotated[Path, typer.Argument(help="Folder to write to; made if absent.")],
    count: Annotated[int, typer.Option(help="Images in the folder when the command is done.")],
    height: Annotated[int, typer.Option(help="Pixels.")] = 252,
    width: Annotated[int, typer.Option(help="Pixels.")] = 252,
    family: Annotated[str, typer.Option(help="varied (rooms, tabletops, streets, nature) or hazy-rooms.")] = "varied",
    seed: Annotated[int, typer.Option(help="Another seed gives other scenes.")] = 0,
    samples_per_pixel: Annotated[int | None, typer.Option(help="More is slower, with less noise. [8 or 4]")] = None,
    processes: Annotated[int, typer.Option(help="Renderers at work at the same time, half a gigabyte each.")] = 1,
    views_per_scene: Annotated[int, typer.Option(help="Images of each scene.")] = 1,
    first_scene: Annotated[
        int, typer.Option(help="Number of the first scene; disjoint numbers, disjoint splits.")
    ] = 0,
    haze: Annotated[bool, typer.Option("--haze", help="Cover each image with a random haze.")] = False,
    depth: Annotated[bool, typer.Option("--depth/--no-depth", help="Write the depth, or images only.")] = True,
    kind: Annotated[
        list[str] | None, typer.Option(help="room, tabletop, street or nature; may be given several times. [all]")
    ] = None,
    denoise: Annotated[str, typer.Option(help="yes, no, or auto: if pyoidn is installed.")] = "auto",
) -> None:
    """Renders synthetic scenes with exact depth, to train and to test on.

    The same command again renders only what is missing; a larger --count adds images.
    Needs Mitsuba: pip install "depth_anything_hf[render]"

    \b
    Examples:
      depth-anything-hf render scenes/ --count 1000 --height 252 --width 252 --processes 8
      depth-anything-hf render scenes-test/ --count 100 --first-scene 100000
    """
    if denoise not in DENOISE:
        raise ValueError(f"--denoise must be one of {', '.join(DENOISE)}, got {denoise!r}")
    from .data.synthetic import render_dataset

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
        **settings,
    )
    typer.echo(f"{count} images in {folder}")


def _targets(paths: list[Path], inputs: list[Path], output: Path) -> list[Path]:
    """Where each picture's files go, without suffix; pictures that differ in folder or suffix only stay apart."""
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

    from .geometry import depth_to_disparity
    from .visualization import colour_map, encode_png, to_uint16

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


def _report_failures(failures: list[tuple[str, str]], total: int) -> None:
    """Names what was left out; an error exit only if nothing worked."""
    if not failures:
        return
    typer.echo(f"{len(failures)} of {total} images were left out:", err=True)
    for name, reason in failures[:SKIPPED_SHOWN]:
        typer.echo(f"  {reason}" if name in reason else f"  {name}: {reason}", err=True)
    if len(failures) > SKIPPED_SHOWN:
        typer.echo(f"  and {len(failures) - SKIPPED_SHOWN} more", err=True)
    if len(failures) == total:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
