# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Numbers of options are read as those of recipes."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from depth_anything_hf.cli.number_options import read_numbers


def invoke(*words: str) -> tuple[int, str]:
    def command(
        pixels: Annotated[int | None, typer.Option("--pixels")] = None,
        limit: Annotated[int, typer.Option("--limit", min=1)] = 7,
        scale: Annotated[float | None, typer.Option("--scale")] = None,
        name: Annotated[str, typer.Option("--name")] = "-",
    ) -> None:
        typer.echo(f"{pixels!r} {limit!r} {scale!r} {name}")

    read_numbers(command)
    program = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    program.command()(command)
    result = CliRunner().invoke(program, list(words))
    return result.exit_code, result.output.strip()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "None 7 None -"),
        (["--pixels", "1e9", "--limit", "2.0", "--scale", "1e3", "--name", "1e3"], "1000000000 2 1000.0 1e3"),
        (["--pixels=-3", "--scale", "inf"], "-3 7 inf -"),
    ],
)
def test_numbers_may_be_written_in_any_way(words: list[str], said: str) -> None:
    assert invoke(*words) == (0, said)


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--pixels", "2.5", "must be a whole number, got '2.5'"),
        ("--pixels", "inf", "must be a whole number, got 'inf'"),
        ("--limit", "0", "must be at least 1, got 0"),
        ("--scale", "nan", "must be a number, got 'nan'"),
        ("--scale", "", "must be a number, got ''"),
    ],
)
def test_what_is_no_number_ends_with_exit_code_2(option: str, value: str, reason: str) -> None:
    code, output = invoke(option, value)
    assert code == 2 and f"Invalid value for '{option}': {reason}" in output
