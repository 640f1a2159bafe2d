# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Dataclasses from flags and YAML recipes, with the source of each value, and back into a recipe."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NoReturn

import yaml
from transformers import HfArgumentParser

from .catalog import VERB_KEY, find_recipe, read_recipe


# Values that may come from the environment: name of the argument -> variable.
ENVIRONMENT = {"mixed_precision": "ACCELERATE_MIXED_PRECISION"}
DEFAULT, FLAG = "default", "flag"
_METAVARS: dict[Any, str] = {int: "INT", float: "FLOAT", str: "TEXT"}


@dataclass(frozen=True)
class ParsedArguments:
    """What a command line and its recipes say.

    Attributes:
        parts: one instance of each dataclass, in the order in which they were asked for.
        sources: where the value of each argument comes from: "default", "recipe NAME", "flag" or "environment NAME".
        flags: one instance of each dataclass that is no part of a recipe.
        verb: the command that the arguments are for, or None.
    """

    parts: tuple[Any, ...]
    sources: dict[str, str]
    flags: tuple[Any, ...] = ()
    verb: str | None = None

    def as_recipe(self) -> str:
        """Return the effective configuration as YAML with the source of each value as a comment.

        Read as a recipe, the text gives equal dataclasses.
        """
        blocks = [f"{VERB_KEY}: {self.verb}\n"] if self.verb else []
        for part in self.parts:
            values = {each.name: getattr(part, each.name) for each in fields(part)}
            lines = [f"# {_title(type(part))}"]
            lines += [_yaml_line(name, value, self.sources[name]) for name, value in values.items()]
            blocks.append("\n".join(lines) + "\n")
        return "\n".join(blocks)


def parse_recipe(*types: type, description: str, argv: Sequence[str] | None = None) -> tuple[Any, ...]:
    """Fill dataclasses from flags, and from YAML recipes named by `--recipe`; flags win over recipes.

    Args:
        *types: dataclasses whose fields are the flags and the recipe's keys.
        description: first lines of `--help`.
        argv: the command line; default: that of the process.

    Exits with code 2 and a message that names the nearest known name when a flag or a key is unknown.
    """
    return RecipeParser(types, description=description).parse(argv).parts


class RecipeParser(HfArgumentParser):
    """Flags of dataclasses, with the dataclasses as groups of `--help`, and `--recipe`.

    Args:
        types: dataclasses whose fields are flags and keys of a recipe.
        verb: command of `depth-anything-hf` that recipes must be for, where they say so; None takes any.
        flags_only: dataclasses whose fields are flags but no keys of a recipe.
        environment: let variables of `ENVIRONMENT` stand where neither a flag nor a recipe gives a value.
        **options: of `argparse.ArgumentParser`.
    """

    def __init__(
        self,
        types: Iterable[Any],
        *,
        verb: str | None = None,
        flags_only: Iterable[Any] = (),
        environment: bool = False,
        **options: Any,
    ) -> None:
        self.types, self.verb, self.reads_environment = tuple(types), verb, environment
        self.flags_only = tuple(flags_only)
        options.setdefault("formatter_class", _HelpFormatter)
        super().__init__((*self.types, *self.flags_only), allow_abbrev=False, **options)
        self.add_argument(
            "--recipe",
            action="append",
            metavar="NAME|FILE",
            help="Recipe of the package (depth-anything-hf recipes list) or YAML file with any of the arguments; "
            "given several times, a later one wins over an earlier one, and flags win over all.",
        )
        keys = {each.name for part in self.types for each in fields(part)}
        self.known = {action.dest: action for action in self._actions if action.dest in keys}
        for action in self._actions:
            if action.metavar is None and action.nargs != 0:
                choices = [str(each) for each in action.choices or ("true", "false")]
                action.metavar = _METAVARS.get(action.type, "|".join(choices))

    def parse(self, argv: Sequence[str] | None = None) -> ParsedArguments:
        """Return the dataclasses and where their values come from.

        Exits with code 2 and a message if something is unknown, missing, or has a wrong value.
        """
        argv = list(sys.argv[1:] if argv is None else argv)
        sources = {action.dest: DEFAULT for action in self._actions}
        if self.reads_environment:
            for name, variable in ENVIRONMENT.items():
                if os.environ.get(variable):
                    self._set_default(name, os.environ[variable])
                    sources[name] = f"environment {variable}"
        for name in recipe_names(argv):
            for key, value in self._read(name).items():
                self._set_default(key, value)
                sources[key] = f"recipe {name}"
        try:
            *parts, _, unknown = self.parse_args_into_dataclasses(
                argv, return_remaining_strings=True, look_for_args_file=False
            )
        except ValueError as error:
            # The dataclasses check their values themselves.
            self.error(str(error))
        if unknown:
            name = unknown[0].split("=")[0].lstrip("-").replace("-", "_")
            self.error(f"unknown argument {unknown[0]!r}{_nearest(name, self._all_names())}")
        sources |= dict.fromkeys(self._flags(argv), FLAG)
        count = len(self.types)
        return ParsedArguments(tuple(parts[:count]), sources, tuple(parts[count:]), self.verb)

    def error(self, message: str) -> NoReturn:
        """Exit with code 2 and the message alone: the usage of so many flags would hide it."""
        self.exit(2, f"{self.prog}: error: {message}\nsee {self.prog} --help\n")

    def _set_default(self, key: str, value: Any) -> None:
        self.known[key].required = False
        # As text a number is checked and converted like a flag: 2.5 is no int, and a revision stays text.
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        self.set_defaults(**{key: str(value) if is_number else value})

    def _read(self, name: str) -> dict[str, Any]:
        try:
            values = read_recipe(find_recipe(name))
        except ValueError as error:
            self.error(str(error))
        verb = values.pop(VERB_KEY, None)
        if self.verb and verb and verb != self.verb:
            self.error(
                f"the recipe {name!r} is for `depth-anything-hf {verb}`, and this is {self.verb}; "
                "see depth-anything-hf recipes list"
            )
        for key in values:
            if key not in self.known:
                self.error(f"{name}: unknown key {str(key)!r}{_nearest(str(key), self.known)}")
        return values

    def _flags(self, argv: Sequence[str]) -> set[str]:
        """Return the names of the arguments that the command line itself gives."""
        untouched = object()
        namespace = argparse.Namespace(**dict.fromkeys(self.known, untouched))
        self.parse_known_args(argv, namespace)
        return {name for name in self.known if getattr(namespace, name) is not untouched}

    def _all_names(self) -> set[str]:
        return {action.dest for action in self._actions if action.dest != "help"}


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """One spelling of each flag, and defaults only where they say something."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=36, width=min(119, int(os.environ.get("COLUMNS") or 100)))

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, str(action.metavar))
        return f"{action.option_strings[0]} {value}"

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        if action.required:
            return f"{text} (required)"
        says_something = action.default is not None and action.default is not False and action.nargs != 0
        return f"{text} [%(default)s]" if says_something else text


def recipe_names(argv: Sequence[str]) -> list[str]:
    """Return the values of `--recipe` on a command line, in their order."""
    words = [*argv, ""]
    named = [(word, words[position + 1]) for position, word in enumerate(argv) if word.split("=")[0] == "--recipe"]
    return [word.split("=", 1)[1] if "=" in word else following for word, following in named]


def _title(type_: type) -> str:
    return str(getattr(type_, "_argument_group_name", type_.__name__))


def _yaml_line(name: str, value: Any, source: str) -> str:
    text = yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, width=10_000).rstrip()
    first, *rest = text.split("\n")
    comment = "" if source == DEFAULT else f"  # {source}"
    return "\n".join([first + comment, *rest])


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"


__all__ = ["ParsedArguments", "RecipeParser", "parse_recipe", "recipe_names"]
