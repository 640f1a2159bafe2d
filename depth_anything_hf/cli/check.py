# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`check`: arguments and messages; the work is in `data.checks` and `checking`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..utils.option_errors import OptionError, check_choice, option_errors
from .datasets import read_option


if TYPE_CHECKING:
    from ..data.data_source import DataSource

LABELS, SAMPLE, OUTPUT = "Labels", "What is looked at", "Output"
EXIT_FINDINGS = 3
RECIPE_SUFFIXES = (".yaml", ".yml")
# Fields of a source that recipes give themselves.
FIELDS = ("label", "label_column", "image_column", "scale", "invalid_values", "sky_value", "encoding", "split", "kind")


def check(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Folder, text list, table, label shards, Hub dataset or URL of tables; the name of a public dataset "
            "with --root; or a recipe, whose sources are all checked.",
        ),
    ],
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            help="A source that must have none of the pictures, such as that of validation.",
            rich_help_panel=SAMPLE,
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option("--samples", min=1, help="Samples that are looked at, evenly spread.", rich_help_panel=SAMPLE),
    ] = 100,
    everything: Annotated[bool, typer.Option("--all", help="Look at all samples.", rich_help_panel=SAMPLE)] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of the choice among samples.", rich_help_panel=SAMPLE)] = 0,
    split: Annotated[
        str | None, typer.Option("--split", help="Split of a source that has several.", rich_help_panel=SAMPLE)
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option("--root", help="Folder of a public dataset as it was downloaded.", rich_help_panel=SAMPLE),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            metavar="NAME=VALUE",
            help="Option of a public dataset, such as every=25.",
            rich_help_panel=SAMPLE,
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", help="folder, table, photos or recording. [what is there]", rich_help_panel=SAMPLE),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", help="depth or disparity. [what is there]", rich_help_panel=LABELS)
    ] = None,
    label_column: Annotated[
        str | None, typer.Option("--label_column", help="Column of labels of a table.", rich_help_panel=LABELS)
    ] = None,
    image_column: Annotated[
        str | None, typer.Option("--image_column", help="Column of pictures of a table.", rich_help_panel=LABELS)
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(
            "--scale",
            help="Stored units per metre: 1000 for millimetres, 256 for KITTI, 100 for cm.",
            rich_help_panel=LABELS,
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            "--encoding",
            help="How the labels are written, in place of --scale: mm, kitti, exr:channel=Z, ... (see `encodings`).",
            rich_help_panel=LABELS,
        ),
    ] = None,
    invalid_values: Annotated[
        str | None,
        typer.Option(
            "--invalid_values",
            metavar="NUMBERS",
            help="Stored numbers without a value, with commas between them: 0,65535.",
            rich_help_panel=LABELS,
        ),
    ] = None,
    sky_value: Annotated[
        float | None,
        typer.Option(
            "--sky_value", help="Stored depth from this on (disparity: up to it) is sky.", rich_help_panel=LABELS
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "--output_dir",
            "-o",
            help="Folder for check.html, a page with pictures, check.png, a sheet of samples, and check.json.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace your own files of these names in --output_dir.", rich_help_panel=OUTPUT
        ),
    ] = False,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write every number and name as JSON.", rich_help_panel=OUTPUT),
    ] = None,
) -> Any:
    """Look for faults in data: broken files, wrong units and kinds, labels that do not fit their pictures, copies.

    Counts and sizes; broken files; units (millimetres read as metres, an inverse scale); disparity read as depth, or
    depth as disparity; distances along rays read as depth; numbers for no value or for sky (65535, 1e10) read as
    distances; labels with 256 levels, cut off or empty; labels that are shifted, mirrored, turned, or of other
    pictures; copies of pictures, also in --against. Each finding says what was seen and which field mends it.

    A sample is looked at, which takes seconds, and the answer says of how many. Faults of few samples need --all.

    Exit code: 0 nothing found, 1 could not be checked, 2 wrong option, 3 findings.

    \b
    Examples:
      depth-anything-hf check rooms/
      depth-anything-hf check rooms/ --scale 1000 -o check/
      depth-anything-hf check train/ --against val/ --all
      depth-anything-hf check labels/ --json check.json
      depth-anything-hf check scannet --root /data/scannet --option every=25
      depth-anything-hf check mine.yaml

    \b
    In Python:
      from depth_anything_hf.checking import check_source
      check_source({"path": "rooms/", "scale": 1000}).findings
    """
    given = {
        "label": label,
        "label_column": label_column,
        "image_column": image_column,
        "scale": scale,
        "invalid_values": _numbers(invalid_values),
        "sky_value": sky_value,
        "encoding": encoding,
        "split": split,
        "kind": kind,
    }
    fields = {name: value for name, value in given.items() if value is not None}
    pairs = _sources(source, against, root, option or [], fields)

    from ..checking.runner import check_check_folder, save_checks
    from ..checking.text import lines_of
    from ..data.checks.source_check import check_source
    from ..utils.outputs import check_file
    from ..utils.paths import local_path
    from ..utils.quiet import quiet_libraries

    quiet_libraries()
    if output_dir is not None:
        check_check_folder(local_path(output_dir), overwrite=overwrite)
    if json_file is not None:
        check_file(local_path(json_file))
    checks = []
    for spec, other in pairs:
        checks.append(
            check_source(
                spec, samples=None if everything else samples, seed=seed, against=other, progress=_show_progress
            )
        )
        for line in lines_of(checks[-1]):
            typer.echo(line)
    if json_file is not None:
        from ..checking.record import text_of
        from ..utils.files import atomic_write

        atomic_write(local_path(json_file), text_of(checks))
    if output_dir is not None:
        typer.echo(f"pictures and numbers: {save_checks(output_dir, checks, overwrite=overwrite)}")
    if any(each.findings for each in checks):
        raise typer.Exit(EXIT_FINDINGS)
    if any(not any(one.error is None for one in each.facts) for each in checks):
        raise typer.Exit(1)
    return checks


def _sources(
    source: str, against: str | None, root: Path | None, option: list[str], fields: dict[str, Any]
) -> list[tuple[DataSource, DataSource | None]]:
    """Return the sources, each with the one that must have none of its pictures."""
    if source.lower().endswith(RECIPE_SUFFIXES):
        if fields or root is not None or option:
            raise OptionError(f"{source}: a recipe says how its sources are read; leave the other options out")
        return _sources_of_recipe(source, against)
    from ..data.data_source import DataSource
    from ..data.public.catalog import PUBLIC_DATASETS

    with option_errors():
        if root is not None:
            if source not in PUBLIC_DATASETS:
                check_choice("SOURCE with --root", source, list(PUBLIC_DATASETS))
            options = dict(map(read_option, option))
            spec = DataSource.from_dict(
                {"split": "", **fields, "path": str(root), "kind": source, "options": options or None}
            )
        elif option:
            raise OptionError("--option belongs to --root, the folder of a public dataset")
        else:
            spec = _source_of(source, fields)
        other = None if against is None else _source_of(against, _without_split(fields))
    return [(spec, other)]


def _source_of(path: str, fields: dict[str, Any]) -> DataSource:
    from ..data.data_source import DataSource
    from ..data.remote.file_systems import is_url

    # What is elsewhere is read as a stream, and not otherwise.
    streaming = {"streaming": True} if is_url(path) else {}
    return DataSource.from_dict({**fields, **streaming, "path": path})


def _without_split(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "split"}


def _sources_of_recipe(path: str, against: str | None) -> list[tuple[DataSource, DataSource | None]]:
    """Return the sources of a recipe; those of training must have no picture of those of evaluation."""
    from ..data.sources import as_source
    from ..recipes.catalog import find_recipe, read_recipe
    from ..utils.paths import local_path

    recipe = read_recipe(local_path(path) if local_path(path).is_file() else find_recipe(path))
    training = recipe.get("train_data") or []
    given = training if isinstance(training, list) else [training]
    held_out = against or recipe.get("eval_data")
    if not given:
        raise OptionError(f"{path}: the recipe has no train_data; name the source itself")
    other = None if held_out is None else as_source(held_out)
    pairs = [(as_source(each), other) for each in given]
    return pairs if other is None or against is not None else [*pairs, (other, None)]


def _numbers(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        return [float(each) for each in text.split(",") if each.strip()]
    except ValueError:
        raise OptionError(f"--invalid_values {text!r}: expected numbers with commas between them: 0,65535") from None


def _show_progress(items: Iterable[Any], total: int | None) -> Iterable[Any]:
    from tqdm import tqdm

    bar: Iterable[Any] = tqdm(items, total=total, desc="check", unit="sample", leave=False)
    return bar
