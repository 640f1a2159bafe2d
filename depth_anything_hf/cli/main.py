# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The program `depth-anything-hf`: its commands, and how errors are shown."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..cpu.memory import keep_freed_memory
from .calibrate import calibrate
from .convert import convert
from .datasets import list_datasets
from .evaluate import evaluate
from .labels import push_labels, verify
from .predict import predict
from .pseudo_label import pseudo_label
from .recipes import app as recipes
from .render import render
from .train import CONTEXT_SETTINGS, distill, finetune, train


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
    # The process is the command's own.
    keep_freed_memory()


app.command()(predict)
app.command()(calibrate)
app.command()(convert)
app.command("pseudo-label")(pseudo_label)
app.command()(verify)
app.command("push-labels")(push_labels)
app.command()(evaluate)
app.command("datasets")(list_datasets)
app.command()(render)
for verb in (train, distill, finetune):
    # Their flags are those of dataclasses, which are imported when one of them runs.
    app.command(context_settings=CONTEXT_SETTINGS, add_help_option=False)(verb)
app.add_typer(recipes, name="recipes")
