# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`recipes list` and `recipes show`: the training recipes that come with the package."""

from __future__ import annotations

from typing import Annotated

import typer


app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List and show the training recipes.")


@app.command("list")
def list_all() -> None:
    """List the recipes of the package, one a line: name, command, what it is."""
    from ..recipes.catalog import list_recipes

    recipes = list_recipes()
    names, verbs = [recipe.name for recipe in recipes], ["|".join(recipe.verbs) for recipe in recipes]
    widths = max(map(len, names)), max(map(len, verbs))
    for name, verb, recipe in zip(names, verbs, recipes, strict=True):
        typer.echo(f"{name:{widths[0]}}  {verb:{widths[1]}}  {recipe.summary}")


@app.command()
def show(name: Annotated[str, typer.Argument(help="Name of a recipe, see `recipes list`.")]) -> None:
    """Print a recipe as YAML, ready to be saved and changed.

    \b
    Example:
      depth-anything-hf recipes show student > mine.yaml
      depth-anything-hf distill --recipe mine.yaml ...
    """
    from ..recipes.catalog import find_recipe

    typer.echo(find_recipe(name).read_text(encoding="utf-8"), nl=False)


__all__ = ["app", "list_all", "show"]
