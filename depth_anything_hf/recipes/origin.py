# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""How this process was started, for a model card."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from ..utils.environment import environment_number
from .catalog import find_recipe
from .parser import recipe_names


PROGRAM = "depth-anything-hf"


def command_and_recipe() -> dict[str, str]:
    """Return how this process was started, for a model card.

    Returns:
        "command": the command line, after a comment with the number of processes if they are several; a launcher's
        own flags are not known here. "recipe", with `--recipe` only: the file's name and its text as it is now.
    """
    program, *argv = sys.argv
    # What `accelerate launch` always sets, and neither torchrun nor Slurm does.
    by_accelerate = {"ACCELERATE_DYNAMO_BACKEND", "ACCELERATE_USE_DEEPSPEED"} & os.environ.keys()
    launcher = ["python"]
    if by_accelerate:
        launcher = ["accelerate", "launch"]
    elif "TORCHELASTIC_RUN_ID" in os.environ:
        launcher = ["torchrun"]
    command = [*launcher, program]
    if Path(program).stem == PROGRAM or Path(program).parts[-2:] == ("cli", "__main__.py"):
        is_launched = launcher != ["python"] and not os.environ.get("DEPTH_ANYTHING_HF_LAUNCHED")
        command = [*launcher, "-m", "depth_anything_hf.cli"] if is_launched else [PROGRAM]
    processes = environment_number("WORLD_SIZE", default=1, at_least=1)
    comment = f"# {processes} processes\n" if processes > 1 else ""
    files = [find_recipe(name) for name in recipe_names(argv)]
    texts = [f"# {path.name}\n{path.read_text(encoding='utf-8')}" for path in files]
    recipe = {"recipe": "\n".join(texts)} if texts else {}
    return {"command": comment + shlex.join([*command, *argv]), **recipe}


__all__ = ["command_and_recipe"]
