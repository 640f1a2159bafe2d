# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Commands whose options are the fields of a dataclass, so that command, recipe and Python API cannot differ."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Annotated, Any, get_origin, get_type_hints

import typer

from ..utils.option_errors import option_errors
from ..utils.typed_fields import convert, nearest_of


RECIPE_HELP = (
    "YAML file with any of these options as `name: value`; given several times, a later one wins over an earlier one, "
    "and options given here win over all."
)


def command_from(
    work: Callable[..., Any],
    *types: type,
    positional: Mapping[str, str],
    short: Mapping[str, str],
    panels: Mapping[str, tuple[str, ...]],
) -> Callable[..., Any]:
    """Return a function that typer shows as a command: the fields as options, and what else `work` takes.

    Args:
        work: called with the filled dataclasses, and by name with its own keyword-only parameters, which are options
            too. Its docstring is the help.
        *types: dataclasses without a field in common; the `help` in a field's metadata is the option's help.
        positional: field that may also be given as the first word, of a list as all words, and the help of it.
        short: field -> one-letter option, e.g. `-o`.
        panels: heading in `--help` -> fields, in this order. Every field must be in one.
    """
    hints = {name: hint for each in types for name, hint in get_type_hints(each).items()}
    by_name = {each.name: each for arguments in types for each in fields(arguments)}
    listed = [name for names in panels.values() for name in names]
    if sorted(listed) != sorted(by_name):
        raise TypeError(f"the panels must hold each of {sorted(by_name)} once, got {sorted(listed)}")
    parameters = [inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    for name, text in positional.items():
        is_list = get_origin(hints[name]) is list
        word = typer.Argument(metavar=name.upper().removesuffix("S" if is_list else ""), help=text, show_default=False)
        kind = list[str] | None if is_list else str | None
        parameters.append(_parameter(f"{name}_word", Annotated[kind, word], None))
    parameters += [
        _option(by_name[name], hints[name], short.get(name), panel)
        for panel, names in panels.items()
        for name in names
    ]
    recipe = typer.Option(
        "--recipe", help=RECIPE_HELP, callback=_read_recipes_of(by_name, hints), is_eager=True, rich_help_panel="Run"
    )
    parameters.append(_parameter("recipe", Annotated[list[str] | None, recipe], None))
    own = [each for each in _signature(work).parameters.values() if each.kind is inspect.Parameter.KEYWORD_ONLY]
    parameters += own

    def command(ctx: typer.Context, **values: Any) -> Any:
        del values["recipe"]
        for name in positional:
            # Without words a list of them is empty.
            word = values.pop(f"{name}_word") or None
            if word is not None and name in _given(ctx):
                raise typer.BadParameter(f"{name} is given twice, as {word!r} and by --{name}")
            values[name] = word if word is not None else values[name]
        others = {each.name: values.pop(each.name) for each in own}
        filled = {name: value for name, value in values.items() if value is not None}
        missing = [f"--{name}" for name, each in by_name.items() if _is_required(each) and name not in filled]
        if missing:
            ctx.fail(f"Missing {', '.join(missing)}.")
        return work(*(_fill(each, filled) for each in types), **others)

    command.__doc__ = work.__doc__
    command.__name__ = work.__name__
    command.__module__ = work.__module__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


def _fill(arguments: type, values: Mapping[str, Any]) -> Any:
    with option_errors():
        return arguments(**{each.name: values[each.name] for each in fields(arguments) if each.name in values})


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _option(each: Field[Any], hint: Any, letter: str | None, panel: str) -> inspect.Parameter:
    names = [f"--{each.name}", *([letter] if letter else [])]
    text = each.metadata["help"] + ("  [required]" if _is_required(each) else "")
    option = typer.Option(*names, help=text, rich_help_panel=panel)
    if each.default is not MISSING:
        return _parameter(each.name, Annotated[hint, option], each.default)
    # None: not given, so that the dataclass decides.
    return _parameter(each.name, Annotated[hint | None, option], None)


def _is_required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _given(ctx: typer.Context) -> set[str]:
    """Return the options that stand on the command line itself."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    return {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}


def _signature(work: Callable[..., Any]) -> inspect.Signature:
    hints = get_type_hints(work, include_extras=True)
    signature = inspect.signature(work)
    return signature.replace(
        parameters=[each.replace(annotation=hints[name]) for name, each in signature.parameters.items()]
    )


def _read_recipes_of(
    known: Mapping[str, Field[Any]], hints: Mapping[str, Any]
) -> Callable[[typer.Context, list[str] | None], list[str] | None]:
    def read(ctx: typer.Context, paths: list[str] | None) -> list[str] | None:
        for path in paths or ():
            ctx.default_map = {**(ctx.default_map or {}), **_recipe(path, known, hints)}
        return paths

    return read


def _recipe(path: str, known: Mapping[str, Field[Any]], hints: Mapping[str, Any]) -> dict[str, Any]:
    from pathlib import Path

    from ..recipes.catalog import read_recipe

    try:
        recipe = read_recipe(Path(path))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    for name, value in recipe.items():
        if name not in known:
            raise typer.BadParameter(f"{path}: unknown name {name!r}; {nearest_of(name, known)}")
        try:
            # The parser would take 2.5 for the whole number 2, a list as its text, and true as 1.
            recipe[name] = None if value is None else convert(value, hints[name], may_be_infinite=True)
        except ValueError as error:
            raise typer.BadParameter(f"{path}: {name} {error}") from error
    return recipe
