# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""How options may be spelled, in every command, and how help is laid out."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import pytest
import typer
from command_line import run, run_process
from typer.testing import CliRunner

from depth_anything_hf.cli import program
from depth_anything_hf.cli.main import DepthAnything
from depth_anything_hf.cli.program import Command, Program, _short_warnings, spellings


COMMANDS: dict[str, Any] = {name: entry.build(name) for name, entry in DepthAnything.entries.items()}


def echo_program() -> typer.Typer:
    program = typer.Typer(cls=Program, rich_markup_mode=None, context_settings=spellings())

    @program.command(cls=Command, context_settings=spellings({"output": "output_dir"}))
    def say(
        word: str = typer.Argument(""),
        output_dir: str = typer.Option("-", "--output_dir", "-o"),
        keep_all: bool = typer.Option(True, "--keep_all/--drop_all"),
    ) -> None:
        typer.echo(f"{word}|{output_dir}|{keep_all}")

    @program.command(cls=Command)
    def other() -> None:
        typer.echo("other")

    return program


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--output_dir", "a"], "|a|True"),
        (["--output-dir", "a"], "|a|True"),
        (["--output-dir=a-b_c"], "|a-b_c|True"),
        (["--output", "a"], "|a|True"),
        (["--output=--output-dir"], "|--output-dir|True"),
        (["-o", "--output-dir"], "|--output-dir|True"),
        (["--drop-all", "a-b_c"], "a-b_c|-|False"),
        (["--", "--output-dir"], "--output-dir|-|True"),
    ],
)
def test_names_of_options_have_two_spellings_and_values_stay(words: list[str], said: str) -> None:
    result = CliRunner().invoke(echo_program(), ["say", *words])
    assert result.exit_code == 0, result.output
    assert result.output.strip() == said


def test_an_unknown_option_names_the_nearest() -> None:
    result = CliRunner().invoke(echo_program(), ["say", "--output-dri", "a"])
    assert result.exit_code == 2
    assert "--output_dri" in result.output and "--output_dir" in result.output
    assert "Did you mean" in run("predikt").output


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_options_are_shown_with_underscores(name: str) -> None:
    for parameter in COMMANDS[name].params:
        for option in (*parameter.opts, *parameter.secondary_opts):
            assert parameter.param_type_name == "argument" or "-" not in option.lstrip("-"), option


@pytest.mark.parametrize(
    ("command", "alias"),
    [
        ("predict", "--output"),
        ("evaluate", "--output"),
        ("pseudo-label", "--output"),
        ("pseudo-label", "--model"),
        ("pseudo-label", "--private"),
        ("push-labels", "--private"),
    ],
)
def test_former_names_are_still_accepted(command: str, alias: str) -> None:
    # A flag is followed by --help, an option takes the word as its value and then misses nothing else.
    words = [alias] if alias == "--private" else [alias, "value"]
    assert run(command, *words, "--help").exit_code == 0


def test_commands_stand_in_panels_in_the_order_of_the_road() -> None:
    text = run("--help").output
    order = ["pseudo-label", "verify", "push-labels", "predict", "calibrate", "evaluate", "datasets", "convert"]
    places = [text.index(f"\n  {name} ") for name in [*order, "render", "env"]]
    assert places == sorted(places)
    assert "install_completion" not in text and "show_completion" not in text


@pytest.mark.parametrize(
    ("words", "found"),
    [("eval", "evaluate"), ("pseudo-label --flip", "--flip_averaging"), ("predict --output", "--output_dir")],
)
def test_commands_and_options_are_completed(words: str, found: str) -> None:
    environment = {"COMP_WORDS": f"depth-anything-hf {words}", "COMP_CWORD": str(len(words.split()))}
    completed = run_process("-m", "depth_anything_hf.cli", _DEPTH_ANYTHING_HF_COMPLETE="complete_bash", **environment)
    assert found in completed.stdout.split(), completed.stderr


def test_completion_can_be_installed(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    installed = run_process("-m", "depth_anything_hf.cli", "--install-completion", "bash", **environment)
    assert installed.returncode == 0, installed.stderr
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert "depth-anything-hf" in script.read_text()


def test_an_error_of_several_lines_is_shown_as_one() -> None:
    program = typer.Typer(cls=Program, rich_markup_mode=None)

    @program.command(cls=Command)
    def fail() -> None:
        raise OSError("no such model\n\n  look at the Hub\n")

    program.command("other", cls=Command)(lambda: None)
    result = CliRunner().invoke(program, ["fail"])
    assert (result.exit_code, result.output) == (1, "error: no such model look at the Hub\n")


@pytest.mark.skipif(os.name == "nt", reason="Windows has another error for a pipe that nobody reads")
def test_a_reader_that_has_read_enough_is_no_error_and_other_broken_pipes_are() -> None:
    code = """
import os
from depth_anything_hf.cli.main import app
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
app(["encodings"])
"""
    ended = run_process("-c", code)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "")
    program = typer.Typer(cls=Program, rich_markup_mode=None)

    @program.command(cls=Command)
    def fail() -> None:
        raise BrokenPipeError("a worker has died")

    program.command("other", cls=Command)(lambda: None)
    assert "error: a worker has died" in CliRunner().invoke(program, ["fail"]).output


@pytest.mark.parametrize("name", ["pseudo-label", "evaluate"])
def test_machines_is_num_machines_as_in_training(name: str) -> None:
    result = run(name, "--machines", "no-number")
    assert result.exit_code == 2 and "Invalid value for '--num_machines'" in result.output, result.output


def test_warnings_are_one_line_without_the_place_in_the_code() -> None:
    usual = warnings.formatwarning
    with _short_warnings():
        assert warnings.formatwarning("left out", UserWarning, program.__file__, 1) == "warning: left out\n"
        for category, place in ((DeprecationWarning, program.__file__), (UserWarning, typer.__file__)):
            assert warnings.formatwarning("old", category, place, 1) == usual("old", category, place, 1)
    assert warnings.formatwarning is usual
