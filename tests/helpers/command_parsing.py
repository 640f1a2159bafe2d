# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Whether a command line is one that its parser takes: of the program, of scripts, make and pip; nothing is run."""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import re
import runpy
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import CellType
from typing import Any

from command_line import run

from depth_anything_hf.cli.main import DepthAnything
from depth_anything_hf.recipes.parser import RecipeParser


ROOT = Path(__file__).parents[2]
PROGRAM = "depth-anything-hf"
LAUNCHERS = ("python", "accelerate", "torchrun", "srun", "sbatch")
# What is no part of this project, and so has no parser here.
OTHER_PROGRAMS = ("git", "cd", "pre-commit", "hf", "xclip", "head", "mypy", "ACCELERATE_USE_CPU=true")
TRAINING = ("train", "distill", "finetune")
# Those of other commands are run: they print a table.
PRINTING = ("recipes", "encodings")
# What a training command asks for, where a text leaves it out.
USUAL = {"--output_dir": "out", "--train_data": "data", "--max_depth": "20"}
# How parsers ask for what is not there.
LEFT_OUT = (
    r"Missing|are required|requires (an|\d) arguments?|expected (at least )?one argument|\bgive (data|exactly)|needs "
)


class _ParsedError(Exception):
    """A script has parsed its command line."""


def problem_of(words: Sequence[str], *, in_part: bool = False) -> str | None:
    """Return why a simple command would be refused, None if it would not.

    Args:
        words: of the command line, without redirections.
        in_part: some of what is required may be left out, as in a text that names one option.
    """
    program, *rest = words
    if "..." in rest:
        return problem_of([word for word in words if word != "..."], in_part=True)
    if program == PROGRAM:
        return _problem_of_command(rest, in_part)
    if program == "make":
        return _problem_of_targets(rest)
    if program == "pip" or rest[:2] == ["-m", "pip"]:
        return _problem_of_extras(rest)
    if program in LAUNCHERS or program.startswith("accelerate"):
        return _problem_of_launched(program, rest, in_part)
    return None if program in OTHER_PROGRAMS else f"unknown program {program!r}"


def _problem_of_launched(program: str, words: Sequence[str], in_part: bool) -> str | None:
    if (program == "python" and words[:2] == ["-m", "pytest"]) or program == "pytest":
        absent = [word for word in words if word.startswith("tests") and not (ROOT / word).exists()]
        return f"no {absent[0]}" if absent else None
    if program == "python" and words[:2] == ["-m", "depth_anything_hf"]:
        return _problem_of_command(words[2:], in_part)
    scripts = (place for place, word in enumerate(words) if word == PROGRAM or word.endswith((".py", ".sh")))
    start = next(scripts, None)
    if start is None:
        return None if in_part else f"{program} starts nothing that is known here"
    if words[start] == PROGRAM:
        return _problem_of_command(words[start + 1 :], in_part)
    script = next((path for path in (ROOT / words[start], ROOT / "examples" / words[start]) if path.is_file()), None)
    if script is None:
        return f"no file {words[start]}"
    if script.suffix == ".sh":
        following = list(words[start + 1 :])
        if not following or following[0] not in DepthAnything.entries:
            return _problem_of_launched("python", following, in_part) if following else None
        return _problem_of_command(following, in_part)
    kept, is_whole = _without_own_recipes(words[start + 1 :])
    problem = problem_of_script(script, kept, in_part=in_part or not is_whole)
    return None if not is_whole and problem is not None and re.search(LEFT_OUT, problem) else problem


def _problem_of_command(words: Sequence[str], in_part: bool) -> str | None:
    words = [word for word in words if word != "--debug"]
    name, rest = (words[0], words[1:]) if words else ("--help", [])
    if name in ("--help", "--version", "--install-completion") or name.isupper():
        return None
    if name not in DepthAnything.entries:
        return f"no command {name!r}"
    if name in PRINTING and "--file" not in rest:
        words = [name, *rest] if rest or name == "encodings" else [name, "--help"]
        done = run(*(word for word in words if word != "NAME"))
        return None if done.exit_code == 0 else done.output
    if name in TRAINING:
        return _problem_of_training(name, rest, in_part)
    command = _commands()[name]
    try:
        with _without_work(command), contextlib.redirect_stdout(io.StringIO()):
            context = command.make_context(name, list(rest))
            if any(True for _ in _work_cells(command)):
                command.invoke(context)
    except Exception as error:
        if getattr(error, "exit_code", None) == 0 or (in_part and _is_about_what_is_missing(error)):
            return None
        return f"{type(error).__name__}: {getattr(error, 'message', error)}"
    return None


def _is_about_what_is_missing(error: Exception) -> bool:
    text = str(getattr(error, "message", error))
    return bool(re.search(LEFT_OUT, f"{type(error).__name__} {text}"))


def _problem_of_training(verb: str, words: Sequence[str], in_part: bool) -> str | None:
    kept, is_whole = _without_own_recipes(words)
    in_part = in_part or not is_whole
    usual = USUAL if in_part else {}
    for flag, value in usual.items():
        if flag not in kept and (flag != "--max_depth" or verb == "finetune"):
            kept += [flag, value]
    # A model to begin with is asked for unless a recipe has one.
    told = []
    for start in ([], ["--encoder_name_or_path", "encoder"])[: 1 + in_part]:
        done = run(verb, *kept, *start, "--print_config")
        if done.exit_code == 0 or (in_part and re.search(LEFT_OUT, done.output)):
            return None
        told.append(done.output.splitlines()[0] if done.output else repr(done.exception))
    return told[-1]


def _without_own_recipes(words: Sequence[str]) -> tuple[list[str], bool]:
    """Return the words without recipes of the reader's own, of which nothing is known, and whether there was none."""
    kept = list(words)
    for place in reversed(range(len(kept) - 1)):
        if kept[place] == "--recipe" and ("/" in kept[place + 1] or kept[place + 1].endswith(".yaml")):
            del kept[place : place + 2]
    return kept, len(kept) == len(words)


@cache
def _commands() -> dict[str, Any]:
    return {name: entry.build(name) for name, entry in DepthAnything.entries.items()}


def _work_cells(command: Any) -> Iterator[CellType]:
    """Where a command that was made of dataclasses keeps the function that does its work."""
    function = inspect.unwrap(command.callback) if getattr(command, "callback", None) else None
    if function is not None and function.__closure__:
        for name, cell in zip(function.__code__.co_freevars, function.__closure__, strict=True):
            if name == "work":
                yield cell


@contextlib.contextmanager
def _without_work(command: Any) -> Iterator[None]:
    """Let a command fill its dataclasses, which check their values, and do nothing with them."""
    kept = [(cell, cell.cell_contents) for cell in _work_cells(command)]
    for cell, _ in kept:
        cell.cell_contents = lambda *_, **__: None
    try:
        yield
    finally:
        for cell, work in kept:
            cell.cell_contents = work


def problem_of_script(script: Path, words: Sequence[str], *, in_part: bool = False) -> str | None:
    """Return what a Python script says of its command line, without letting it go on."""
    text = script.read_text(encoding="utf-8")
    if not re.search(r"ArgumentParser|parse_recipe", text):
        # Files that are named one after the other, or nothing at all.
        return f"{script.name} takes no options" if words and "sys.argv" not in text else None
    usual = (argparse.ArgumentParser.parse_args, RecipeParser.parse)
    told, modules, path, argv = io.StringIO(), set(sys.modules), list(sys.path), sys.argv

    def parse_args(self: argparse.ArgumentParser, *given: Any, **named: Any) -> None:
        usual[0](self, *given, **named)
        raise _ParsedError

    def parse(self: RecipeParser, *given: Any) -> None:
        usual[1](self, *given)
        raise _ParsedError

    argparse.ArgumentParser.parse_args = parse_args  # type: ignore[assignment]
    RecipeParser.parse = parse  # type: ignore[assignment, method-assign]
    sys.argv, sys.path[:0] = [script.name, *words], [str(script.parent)]
    try:
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(str(script), run_name="__main__")
    except _ParsedError:
        return None
    except SystemExit as end:
        is_missing = in_part and re.search(LEFT_OUT, told.getvalue())
        lines = [line for line in told.getvalue().splitlines() if "error:" in line] or [f"exit code {end.code}"]
        return None if not end.code or is_missing else lines[0]
    except Exception as error:
        # Such as an import of what only a part of the installations has.
        return f"{script.name} ended before it read its command line: {type(error).__name__}: {error}"
    finally:
        argparse.ArgumentParser.parse_args, RecipeParser.parse = usual  # type: ignore[method-assign]
        sys.argv, sys.path[:] = argv, path
        for name in set(sys.modules) - modules:
            # Files beside the script, whose names another script has too.
            file = getattr(sys.modules[name], "__file__", None) or ""
            if Path(file).is_relative_to(ROOT) and not name.startswith("depth_anything_hf"):
                del sys.modules[name]
    return f"{script.name} ended before it read its command line"


@cache
def _makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")


def _problem_of_targets(words: Sequence[str]) -> str | None:
    for word in words:
        name, _, value = word.partition("=")
        if value:
            if not re.search(rf"^{name} \?=", _makefile(), re.MULTILINE):
                return f"the Makefile has no variable {name}"
        elif not re.search(rf"^{re.escape(word)}:", _makefile(), re.MULTILINE):
            return f"the Makefile has no target {word}"
    return None


@cache
def _extras() -> frozenset[str]:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([\w-]+) = \[", project.split("[project.optional-dependencies]")[1], re.MULTILINE))


def _problem_of_extras(words: Sequence[str]) -> str | None:
    asked = [name for word in words for group in re.findall(r"^(?:depth_anything_hf|\.)\[(.+?)\]", word)
             for name in group.split(",")]  # fmt: skip
    unknown = set(asked) - _extras()
    return f"no extra {sorted(unknown)}" if unknown else None
