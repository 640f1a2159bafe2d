# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Options made of the fields of a dataclass: defaults, recipes, positional words."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from depth_anything_hf.cli.dataclass_options import command_from
from depth_anything_hf.cli.program import Command, Program, spellings


@dataclass
class Animal:
    name: str = field(metadata={"help": "What it is called."})
    legs: int = field(default=4, metadata={"help": "How many."})
    weight: float | None = field(default=None, metadata={"help": "Kilograms. [not weighed]"})
    is_tame: bool = field(default=False, metadata={"help": "Eats from the hand."})
    number: int = field(default_factory=lambda: 7, metadata={"help": "In the register."})


@dataclass
class Place:
    city: str = field(default="Paris", metadata={"help": "Where it lives."})


OftenOption = Annotated[bool, typer.Option("--often", help="Twice.")]


def feed(animal: Animal, place: Place, *, often: OftenOption = False) -> None:
    """Feed an animal."""
    typer.echo(f"{animal} {place} {often}")


def invoke(*words: str | Path) -> Any:
    panels = {"Animal": ("name", "legs", "weight", "is_tame", "number"), "Place": ("city",)}
    command = command_from(
        feed, Animal, Place, positional={"name": "The animal."}, short={"legs": "-l"}, panels=panels
    )
    program = typer.Typer(cls=Program, rich_markup_mode=None, context_settings=spellings())
    program.command("feed", cls=Command)(command)
    program.command("other", cls=Command)(lambda: None)
    return CliRunner().invoke(program, ["feed", *map(str, words)])


def test_defaults_are_those_of_the_dataclass() -> None:
    result = invoke("--name", "Rex")
    assert result.output.strip() == f"{Animal('Rex')} {Place()} False", result.output


def test_all_options_arrive_with_their_types() -> None:
    words = ("Rex", "-l", "3", "--weight=2.5", "--is-tame", "--number", "1", "--city", "a-b", "--often")
    assert invoke(*words).output.strip() == f"{Animal('Rex', 3, 2.5, True, 1)} {Place('a-b')} True"
    assert invoke("Rex", "--legs", "three").exit_code == 2


def test_what_is_missing_or_given_twice_is_a_usage_error() -> None:
    missing, twice = invoke(), invoke("Rex", "--name", "Max")
    assert missing.exit_code == 2 and "Missing --name" in missing.output
    assert twice.exit_code == 2 and "given twice" in twice.output


def test_a_recipe_gives_values_and_options_win(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: Rex\nlegs: 3\nis_tame: true\ncity: Rome\n")
    result = invoke("--recipe", recipe, "--legs", "5")
    assert result.output.strip() == f"{Animal('Rex', 5, is_tame=True)} {Place('Rome')} False", result.output
    assert f"{Animal('Max', 3, is_tame=True)}" in invoke("Max", "--recipe", recipe).output


def test_of_several_recipes_a_later_one_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("name: Rex\nlegs: 3\ncity: Rome\n")
    second.write_text("legs: 5\n")
    result = invoke("--recipe", first, f"--recipe={second}")
    assert result.output.strip() == f"{Animal('Rex', 5)} {Place('Rome')} False", result.output
    assert invoke("--recipe", tmp_path / "absent.yaml", "--recipe", first).exit_code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nmae: Rex\n", "did you mean 'name'"),
        ("- Rex\n", "`name: value` lines"),
        ("name: [Rex\n", "is not valid YAML"),
        ("name: Rex\nlegs: three\n", "legs must be a whole number, got 'three'"),
        ("name: Rex\nlegs: 2.5\n", "legs must be a whole number, got 2.5"),
        ("name: Rex\nlegs: 3\nlegs: 5\n", "'legs' is given twice, in lines 2 and 3"),
        ("name: Rex\nlegs: true\n", "legs must be a whole number, got True"),
        ("name: true\n", "name must be text, got True"),
        ("name: [Rex, Max]\n", "name must be text, got ['Rex', 'Max']"),
        ("name: Rex\nis_tame: [true]\n", "is_tame must be true or false, got [True]"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_a_usage_error(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "recipe.yaml").write_text(text)
    result = invoke("--recipe", tmp_path / "recipe.yaml")
    assert result.exit_code == 2, result.output
    # A message is wrapped where it gets too long for a line.
    assert said in " ".join(result.output.split())
    absent = invoke("--recipe", tmp_path / "absent.yaml")
    assert absent.exit_code == 2 and "cannot read" in absent.output


def test_help_shows_panels_and_what_is_required() -> None:
    text = invoke("--help").output
    assert text.index("Animal:") < text.index("--name") < text.index("Place:") < text.index("--city")
    assert "What it is called.  [required]" in text and "[default: 4]" in text


def test_every_field_has_its_panel() -> None:
    with pytest.raises(TypeError, match="each of"):
        command_from(feed, Animal, positional={}, short={}, panels={"Animal": ("name",)})
