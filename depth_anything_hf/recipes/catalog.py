# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The recipes that come with the package, and YAML files of one's own."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..utils.option_errors import OptionError
from ..utils.paths import local_path
from ..utils.unique_keys import KeyGivenTwiceError, load_yaml


# The key of a recipe that says which command it is for, or which ones; a recipe without it serves any.
VERB_KEY = "verb"


@dataclass(frozen=True)
class Recipe:
    """A recipe of the package.

    Attributes:
        name: what `--recipe` takes.
        path: the YAML file.
        summary: one line.
        verbs: the commands that it is for.
    """

    name: str
    path: Path
    summary: str
    verbs: tuple[str, ...]


def list_recipes() -> list[Recipe]:
    """Return the recipes of the package, in the order in which a newcomer would want them."""
    order = {verb: position for position, verb in enumerate(("train", "distill", "finetune"))}
    recipes = [_describe(path) for path in Path(__file__).parent.glob("*.yaml")]
    return sorted(recipes, key=lambda each: ("-" in each.name, order[each.verbs[0]], each.name))


def _describe(path: Path) -> Recipe:
    # The first comment is the summary.
    summary = path.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")
    return Recipe(path.stem, path, summary, verbs_of(read_recipe(path)))


def find_recipe(name: str) -> Path:
    """Return the file that `--recipe` names: a YAML file, or else a recipe of the package.

    Raises:
        ValueError: there is neither; the message names the nearest recipe.
    """
    path = local_path(name)
    if path.is_file():
        return path
    known = {path.stem: path for path in Path(__file__).parent.glob("*.yaml")}
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the recipes are {', '.join(sorted(known))}"
    if not name or name.startswith("-"):
        raise OptionError(f"--recipe needs a file or the name of a recipe after it; {hint}")
    if (path / "recipe.yaml").is_file():
        raise OptionError(f"the recipe {name!r} is a folder; did you mean {str(path / 'recipe.yaml')!r}?")
    raise OptionError(f"cannot read the recipe {name!r}: it is neither a file nor a recipe of the package; {hint}")


def verbs_of(recipe: dict[str, Any]) -> tuple[str, ...]:
    """Return the commands that a recipe is for, one or a list under its key `verb`; empty where it serves any."""
    verbs = recipe.get(VERB_KEY) or ()
    return tuple(map(str, verbs)) if isinstance(verbs, list | tuple) else (str(verbs),)


def read_recipe(path: Path) -> dict[str, Any]:
    """Return the values of a recipe.

    Raises:
        ValueError: the file cannot be read, is not valid YAML, holds no `name: value` lines, or gives a key twice.
    """
    try:
        recipe = load_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read the recipe {str(path)!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8, save it as such: {error}") from error
    except KeyGivenTwiceError as error:
        raise ValueError(f"{path}: {error}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(recipe, dict):
        found = "nothing" if recipe is None else "a list" if isinstance(recipe, list) else repr(recipe)
        raise ValueError(f"{path} must hold `name: value` lines, found {found}")
    return recipe


__all__ = ["VERB_KEY", "Recipe", "find_recipe", "list_recipes", "read_recipe", "verbs_of"]
