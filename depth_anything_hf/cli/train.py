# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`train`, `distill` and `finetune`: from flags and recipes to a run, on one process or many.

The flags are the fields of the dataclasses that the Python API takes, so that they are parsed by `recipes.parser`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import typer

from .launch import LaunchArguments, launch


if TYPE_CHECKING:
    from ..recipes.arguments import DataArguments

EPILOG = """
examples:
{examples}

Flags may be written with dashes or underscores. A recipe is a YAML file with the same names, see
`depth-anything-hf recipes list`; the effective values of a run are in its OUTPUT_DIR/recipe.yaml.
"""


@dataclass(frozen=True)
class CommandArguments:
    """Options of the command itself: dry run, printed configuration, progress bars."""

    _argument_group_name: ClassVar[str] = "this command"

    print_config: bool = field(
        default=False, metadata={"help": "Print every value with its source, as a recipe, and exit."}
    )
    dry_run: bool = field(
        default=False,
        metadata={
            "help": "Check samples of every source, as `check` does, take two steps, report shapes, label ranges, "
            "memory and the estimated end, and exit. The only file written is OUTPUT_DIR/dry_run.jpg."
        },
    )
    verbose: bool = field(
        default=False,
        metadata={
            "help": "Show the progress bars of the libraries too, as DEPTH_ANYTHING_HF_VERBOSE=1 does.",
            "aliases": ["-v"],
        },
    )


def train(context: typer.Context) -> Any:
    """Train a relative model on labelled images, such as a teacher."""
    from ..recipes import teacher

    return _run(teacher, context.args)


def distill(context: typer.Context) -> Any:
    """Distil a student from pseudo-labels, or from a teacher beside it."""
    from ..recipes import student

    return _run(student, context.args)


def finetune(context: typer.Context) -> Any:
    """Fine-tune a metric model, which predicts metres."""
    from ..recipes import metric

    return _run(metric, context.args)


def _run(program: ModuleType, argv: Sequence[str]) -> Any:
    from ..recipes.parser import RecipeParser

    parser = RecipeParser(
        program.TYPES,
        verb=program.VERB,
        flags_only=(LaunchArguments, CommandArguments),
        environment=True,
        prog=f"depth-anything-hf {program.VERB}",
        usage="%(prog)s [--recipe NAME|FILE]... [FLAG VALUE]...",
        description=program.SUMMARY,
        epilog=EPILOG.format(examples=program.EXAMPLES),
    )
    parsed = parser.parse(argv)
    launching, own = parsed.flags
    if own.print_config:
        typer.echo(parsed.as_recipe() + _start_comment(launching), nl=False)
        return None
    launch(launching)
    from ..utils.quiet import quiet_libraries

    quiet_libraries(own.verbose)
    arguments = parsed.parts[-1]
    if own.dry_run:
        return _dry_run(program, parsed.parts)
    from ..recipes.run import save_recipe

    with save_recipe(parsed.as_recipe() + _start_comment(launching), arguments):
        _name_check(program, parsed.parts)
        return program.run(*parsed.parts)


def _name_check(program: ModuleType, parts: Sequence[Any]) -> None:
    """Say, before a first run on labels of one's own, how to look at them; those of `distill` were made here."""
    from ..recipes.label_check import own_label_hint
    from ..recipes.run import RECIPE_FILE
    from ..utils.processes import is_first_process

    arguments = parts[-1]
    if program.VERB == "distill" or arguments.resume_from_checkpoint is not None or not is_first_process():
        return
    hint = own_label_hint(_data_of(parts), Path(arguments.output_dir) / RECIPE_FILE)
    if hint:
        typer.echo(hint)


def _data_of(parts: Sequence[Any]) -> DataArguments:
    from ..recipes.arguments import DataArguments

    return next(part for part in parts if isinstance(part, DataArguments))


def _start_comment(launching: LaunchArguments) -> str:
    flags = " ".join(f"--{name} {value}" for name, value in launching.given.items())
    return f"\n# started with {flags}\n" if flags else ""


def _dry_run(program: ModuleType, parts: Sequence[Any]) -> Any:
    from ..data.first_labels import UselessLabelsError
    from ..recipes.dry_run import check_sheet, dry_run

    # Before the model and the data are opened.
    check_sheet(parts[-1])
    try:
        run = program.prepare(*parts)
        # A teacher beside the student makes the labels itself.
        found = dry_run(run, None if getattr(run.objective, "teacher", None) is not None else _data_of(parts))
    except UselessLabelsError as error:
        typer.echo(f"problem: {error}")
        raise typer.Exit(1) from error
    if found.sheet is not None:
        typer.echo(str(found))
    if found.report.problems:
        raise typer.Exit(1)
    return found


__all__ = ["distill", "finetune", "train"]
