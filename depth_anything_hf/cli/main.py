# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The program `depth-anything-hf`: its commands, and how errors are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from ..cpu.memory import keep_freed_memory
from .calibrate import calibrate
from .convert import convert
from .datasets import list_datasets
from .env import env
from .evaluate import evaluate
from .labels import push_labels, verify
from .predict import predict
from .program import Command, Program, spellings
from .pseudo_label import pseudo_label
from .recipes import app as recipes
from .render import render
from .train import CONTEXT_SETTINGS, distill, finetune, train


# Panels of --help.
TRAINING, LABELS, PREDICTIONS = "Train", "Label", "Predict and evaluate"
FILES, HELP = "Convert and render", "Help"

app = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    # Without the markup and the tracebacks of rich, whose import takes longer than the whole of --help.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], **spellings()},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from ..version import __version__

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
    """Train, distil, evaluate and publish Depth Anything models, native to Hugging Face.

    \b
    Depth of your photographs:
      depth-anything-hf predict photos/ --output_dir predictions/
    Training images with exact depth, no download:
      depth-anything-hf render scenes/ --count 1000 --height 252 --width 252
    A teacher's labels for photographs, to train a student on:
      depth-anything-hf pseudo-label photos/ --teacher runs/teacher --output_dir labels/
    The error of a model:
      depth-anything-hf evaluate runs/student --data scenes-test/

    The options of this page go before the command. Every option may be written with dashes, as --output-dir.

    \b
    To complete commands and options by the tab key:
      depth-anything-hf --install-completion
    """
    # The process is the command's own.
    keep_freed_memory()


def _add(
    name: str,
    panel: str,
    summary: str,
    command: Callable[..., Any],
    aliases: Mapping[str, str] | None = None,
    **options: Any,
) -> None:
    settings = {**spellings(aliases), **options.pop("context_settings", {})}
    add = app.command(
        name, cls=Command, short_help=summary, rich_help_panel=panel, context_settings=settings, **options
    )
    add(command)


# In the order of the road. Aliases are what an option was called before, or is called elsewhere.
FOLDER = {"output": "output_dir"}
PRIVATE = {"private": "hub_private_repo"}
TEACHER = {"model": "teacher"}
# Their flags are those of dataclasses, which are imported when one of them runs.
FLAGS: dict[str, Any] = {"context_settings": CONTEXT_SETTINGS, "add_help_option": False}
_add("train", TRAINING, "Train a relative model on labelled images.", train, **FLAGS)
_add("distill", TRAINING, "Distil a student from a teacher or its labels.", distill, **FLAGS)
_add("finetune", TRAINING, "Fine-tune a metric model, which predicts metres.", finetune, **FLAGS)
RECIPES_HELP = """List and show the training recipes that come with the package.

\b
Examples:
  depth-anything-hf recipes list
  depth-anything-hf recipes show student > mine.yaml
"""
app.add_typer(
    recipes,
    name="recipes",
    cls=Program,
    help=RECIPES_HELP,
    short_help="List and show training recipes.",
    rich_help_panel=TRAINING,
)
_add("pseudo-label", LABELS, "Label photographs with a teacher.", pseudo_label, FOLDER | PRIVATE | TEACHER)
_add("verify", LABELS, "Re-read pseudo-labels and say what is damaged.", verify)
_add("push-labels", LABELS, "Push pseudo-labels to the Hub.", push_labels, PRIVATE)
_add("predict", PREDICTIONS, "Predict the depth of images.", predict, FOLDER)
_add("calibrate", PREDICTIONS, "Turn disparity into metres by measured points.", calibrate)
_add("evaluate", PREDICTIONS, "Score a model on a benchmark or on your labels.", evaluate, FOLDER)
_add("datasets", PREDICTIONS, "List public datasets and benchmark protocols.", list_datasets)
_add("convert", FILES, "Convert checkpoints of the original code.", convert)
_add("render", FILES, "Render synthetic scenes with exact depth.", render)
_add("env", HELP, "Show what a bug report has to say.", env)
