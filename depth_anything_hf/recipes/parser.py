# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Arguments from flags and YAML recipes."""

from __future__ import annotations

import difflib
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from transformers import HfArgumentParser


def parse_recipe(*types: type, description: str, argv: Sequence[str] | None = None) -> tuple[Any, ...]:
    """Fills dataclasses from flags, and from a YAML recipe named by `--recipe`; flags win over the recipe.

    Args:
        *types: dataclasses whose fields are the flags and the recipe's keys.
        description: first lines of `--help`.
        argv: the command line; default: that of the process.

    Exits with a message that names the nearest known name when a flag or a key is unknown.
    """
    dataclass_types: Any = types
    parser = HfArgumentParser(dataclass_types, description=description, allow_abbrev=False)
    parser.add_argument("--recipe", help="YAML file with any of the arguments below; flags override it.")
    argv = list(sys.argv[1:] if argv is None else argv)
    known = {action.dest: action for action in parser._actions if action.dest not in ("help", "recipe")}
    for path in _recipe_paths(argv):
        for key, value in _read_recipe(parser, path).items():
            if key not in known:
                parser.error(f"{path}: unknown key {key!r}{_nearest(str(key), known)}")
            known[key].required = False
            # As text a number is checked and converted like a flag: 2.5 is no int, and a revision stays text.
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            parser.set_defaults(**{key: str(value) if is_number else value})
    *parsed, _, unknown = parser.parse_args_into_dataclasses(argv, return_remaining_strings=True)
    for word in unknown:
        name = word.split("=")[0].removeprefix("--")
        parser.error(f"unknown argument {word!r}{_nearest(name, known)}")
    return tuple(parsed)


def command_and_recipe() -> dict[str, str]:
    """How this process was launched, for a model card.

    Returns:
        "command": the command line, after a comment with the number of processes if they are several; a launcher's
        own flags are not known here. "recipe", with `--recipe` only: the file's name and its text as it is now.
    """
    # What `accelerate launch` always sets, and neither torchrun nor Slurm does.
    by_accelerate = {"ACCELERATE_DYNAMO_BACKEND", "ACCELERATE_USE_DEEPSPEED"} & os.environ.keys()
    launcher = ["python"]
    if by_accelerate:
        launcher = ["accelerate", "launch"]
    elif "TORCHELASTIC_RUN_ID" in os.environ:
        launcher = ["torchrun"]
    processes = int(os.environ.get("WORLD_SIZE", 1))
    comment = f"# {processes} processes\n" if processes > 1 else ""
    texts = [f"# {Path(path).name}\n{Path(path).read_text()}" for path in _recipe_paths(sys.argv[1:])]
    recipe = {"recipe": "\n".join(texts)} if texts else {}
    return {"command": comment + shlex.join([*launcher, *sys.argv]), **recipe}


def from_environment(*names: str, default: int) -> int:
    """The number in the first of these environment variables that is set."""
    # Of Slurm's counts only that of a step will do (SLURM_STEP_NUM_TASKS): SLURM_NTASKS is the job's, also for a
    # single process that a batch script starts by itself.
    return next((int(os.environ[name]) for name in names if os.environ.get(name)), default)


def _recipe_paths(argv: Sequence[str]) -> list[str]:
    words = [*argv, ""]
    named = [(word, words[position + 1]) for position, word in enumerate(argv) if word.split("=")[0] == "--recipe"]
    return [word.split("=", 1)[1] if "=" in word else following for word, following in named]


def _read_recipe(parser: HfArgumentParser, path: str) -> dict[str, Any]:
    try:
        recipe = yaml.safe_load(Path(path).read_text())
    except OSError as error:
        parser.error(f"cannot read the recipe {path!r}: {error.strerror}")
    except yaml.YAMLError as error:
        parser.error(f"{path} is not valid YAML: {error}")
    if not isinstance(recipe, dict):
        parser.error(f"{path} must hold `name: value` lines, found {type(recipe).__name__}")
    return recipe


def _nearest(name: str, known: dict[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"
