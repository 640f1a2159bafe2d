# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The program `depth-anything-hf`: its commands, and how errors are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import typer

from ..cpu.memory import keep_freed_memory
from .program import Entry, Program, spellings


# Panels of --help.
TRAINING, LABELS, PREDICTIONS, DATA = "Train", "Label", "Predict and evaluate", "Data"
FILES, HELP = "Convert, export and render", "Help"

RECIPES_HELP = """List and show the training recipes that come with the package.

\b
Examples:
  depth-anything-hf recipes list
  depth-anything-hf recipes show student > mine.yaml
"""
FOLDER = {"output": "output_dir"}
# As `accelerate launch` and the training commands take it.
MACHINES = {"machines": "num_machines"}
PRIVATE = {"private": "hub_private_repo"}
TEACHER = {"model": "teacher"}
# Their flags, --help among them, are left to the parser of recipes.
LEFT_TO_RECIPES = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
FLAGS = {"context_settings": LEFT_TO_RECIPES, "add_help_option": False}


class DepthAnything(Program):
    """The program, with its commands in the order of the workflow.

    Aliases are what an option was called before, or is called elsewhere.
    """

    entries: ClassVar[Mapping[str, Entry]] = {
        "train": Entry(TRAINING, "Train a relative model on labelled images.", "train:train", options=FLAGS),
        "distill": Entry(TRAINING, "Distil a student from a teacher or its labels.", "train:distill", options=FLAGS),
        "finetune": Entry(
            TRAINING, "Fine-tune a metric model, which predicts metres.", "train:finetune", options=FLAGS
        ),
        "plan": Entry(TRAINING, "Predict memory and time of a run, and what fits.", "plan:plan"),
        "recipes": Entry(TRAINING, "List and show training recipes.", "recipes:app", options={"help": RECIPES_HELP}),
        "pseudo-label": Entry(
            LABELS,
            "Label photographs with a teacher.",
            "pseudo_label:pseudo_label",
            FOLDER | MACHINES | PRIVATE | TEACHER,
        ),
        "verify": Entry(LABELS, "Verify pseudo-labels and list damaged shards.", "labels:verify"),
        "review": Entry(LABELS, "Show the worst labels and list rows to drop.", "review:review", FOLDER),
        "push-labels": Entry(LABELS, "Push pseudo-labels to the Hub.", "labels:push_labels", PRIVATE),
        "predict": Entry(
            PREDICTIONS,
            "Predict the depth of images and videos.",
            "predict:predict",
            FOLDER | {"calibration": "metric"},
        ),
        "demo": Entry(PREDICTIONS, "Show depth in the browser.", "demo:demo"),
        "push-demo": Entry(PREDICTIONS, "Put a demo on the Hub as a Space.", "push_demo:push_demo", FOLDER | PRIVATE),
        "calibrate": Entry(PREDICTIONS, "Calibrate disparity to metres on measured points.", "calibrate:calibrate"),
        "evaluate": Entry(
            PREDICTIONS, "Score a model on a benchmark or on your labels.", "evaluate:evaluate", FOLDER | MACHINES
        ),
        "compare": Entry(
            PREDICTIONS, "Compare models on the same labelled images.", "compare:compare", FOLDER | MACHINES
        ),
        "check": Entry(DATA, "Look for faults in data: units, labels that do not fit, copies.", "check:check", FOLDER),
        "datasets": Entry(DATA, "List public datasets and benchmark protocols.", "datasets:list_datasets"),
        "encodings": Entry(DATA, "List how devices and data sets write depth.", "encodings:list_encodings"),
        "convert": Entry(
            FILES, "Convert checkpoints of the original code.", "convert:convert", {"taps": "feature_layers"}
        ),
        "export": Entry(FILES, "Export a model to ONNX, OpenVINO or torch.export.", "export:export"),
        "render": Entry(FILES, "Render synthetic scenes with exact depth.", "render:render"),
        "env": Entry(HELP, "Show versions, devices and settings for a bug report.", "env:env"),
    }


app = typer.Typer(
    cls=DepthAnything,
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
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="DEPTH_ANYTHING_HF_DEBUG", help="Show errors with their traceback.")
    ] = False,
) -> None:
    """Train, distil, evaluate and publish Depth Anything models, native to Hugging Face.

    \b
    Depth of your photographs:
      depth-anything-hf predict photos/ --output_dir predictions/
    From labelled scenes to a teacher, its labels for photographs, a student, and its score:
      depth-anything-hf render scenes/ --count 1000 --height 252 --width 252
      depth-anything-hf train --recipe teacher --train_data scenes/ --output_dir runs/teacher ...
      depth-anything-hf pseudo-label photos/ --teacher runs/teacher --output_dir labels/
      depth-anything-hf distill --recipe student --train_data labels/ --output_dir runs/student ...
      depth-anything-hf evaluate runs/student --data scenes-test/

    The options of this page go before the command. Every option may be written with dashes, as --output-dir.

    \b
    To complete commands and options by the tab key:
      depth-anything-hf --install-completion
    """
    # The process is the command's own.
    keep_freed_memory()
