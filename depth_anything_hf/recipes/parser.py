# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Dataclasses from flags and YAML recipes, with the source of each value, and back into a recipe."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NoReturn, get_origin, get_type_hints

import yaml
from transformers import HfArgumentParser

from ..utils.paths import expand_home, expand_word
from ..utils.typed_fields import CONVERTERS, convert, nearest_of
from .catalog import VERB_KEY, find_recipe, read_recipe, verbs_of
from .without_effect import find_without_effect


# Values that may come from the environment: name of the argument -> variable.
ENVIRONMENT = {"mixed_precision": "ACCELERATE_MIXED_PRECISION"}
DEFAULT, FLAG = "default", "flag"
# Arguments of text that are also given as an unquoted `no` or `true`.
_TRUTH_VALUES = {"mixed_precision": (False,), "resume_from_checkpoint": (False, True)}
_METAVARS: dict[Any, str] = {int: "INT", float: "FLOAT", str: "TEXT"}
# argparse itself takes -1e-3 for a flag.
_NEGATIVE_NUMBER = re.compile(r"-(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$", re.IGNORECASE)


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

        Read as a recipe, the text gives equal dataclasses, save for what was allowed for one start.
        """
        blocks = [f"{VERB_KEY}: {self.verb}\n"] if self.verb else []
        for part in self.parts:
            once = getattr(part, "_permissions", ())
            values = {each.name: getattr(part, each.name) for each in fields(part) if each.name not in once}
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
        self._negative_number_matcher = _NEGATIVE_NUMBER
        keys = {each.name for part in self.types for each in fields(part)}
        self.hints = {name: hint for part in self.types for name, hint in get_type_hints(part).items()}
        self.mappings = {name for part in self.types for name in getattr(part, "_mappings", ())}
        self.alternatives = {name for part in self.types for name in getattr(part, "_alternatives", ())}
        self.permissions = {name for part in self.types for name in getattr(part, "_permissions", ())}
        self.known = {action.dest: action for action in self._actions if action.dest in keys}
        for action in self._actions:
            if action.metavar is None and action.nargs != 0:
                choices = [str(each) for each in action.choices or ("true", "false")]
                action.metavar = _METAVARS.get(action.type, "|".join(choices))
            action.type = CONVERTERS.get(action.type, action.type)

    def parse(self, argv: Sequence[str] | None = None) -> ParsedArguments:
        """Return the dataclasses and where their values come from.

        Exits with code 2 and a message if something is unknown, missing, or has a wrong value.
        """
        argv = [expand_word(word) for word in (sys.argv[1:] if argv is None else argv)]
        self._require_lists_in_one_place(argv)
        self._require_known(argv)
        sources = {action.dest: DEFAULT for action in self._actions}
        if self.reads_environment:
            for name, variable in ENVIRONMENT.items():
                if os.environ.get(variable):
                    self._set_default(name, os.environ[variable])
                    sources[name] = f"environment {variable}"
        for name in recipe_names(argv):
            values = self._read(name)
            self._replace_alternatives({key for key, value in values.items() if value is not None}, sources)
            for key, value in values.items():
                if value is None and sources[key].startswith("environment"):
                    # Nothing in a recipe is no wish: what the launcher was told stands.
                    continue
                self._set_default(key, value)
                sources[key] = f"recipe {name}"
        flags = self._flags(argv)
        self._replace_alternatives(flags, sources)
        try:
            # The last one holds what no dataclass has, such as --recipe.
            *parts, _ = self.parse_args_into_dataclasses(argv, look_for_args_file=False)
        except ValueError as error:
            # The dataclasses check their values themselves.
            name = str(error).split(" ", 1)[0]
            said_by = sources.get(name, DEFAULT)
            self.error(f"{error}{f' ({said_by})' if said_by.startswith('environment') else ''}")
        sources |= dict.fromkeys(flags, FLAG)
        for name, value in ((name, value) for part in parts for name, value in vars(part).items()):
            if value == "" or (isinstance(value, list) and "" in value):
                self.error(f"{name} is empty text ({sources[name]}); give a value, or leave it out")
        if fault := find_without_effect(parts, flags):
            self.error(fault)
        count = len(self.types)
        return ParsedArguments(tuple(parts[:count]), sources, tuple(parts[count:]), self.verb)

    def error(self, message: str) -> NoReturn:
        """Exit with code 2 and the message alone: the usage of so many flags would hide it."""
        # One spelling of each flag.
        message = re.sub(r"(--\w+)(/--?[\w-]+)+", r"\1", message)
        if message.endswith(("expected one argument", "expected at least one argument")):
            message += "; a value that begins with a dash follows an equals sign, as in --seed=-1"
        self.exit(2, f"{self.prog}: error: {message}\nsee {self.prog} --help\n")

    def _require_known(self, argv: Sequence[str]) -> None:
        """Refuse a misspelt flag before the right one is said to be missing."""
        if {"-h", "--help"} & set(argv):
            return
        required = [action for action in self._actions if action.required]
        for action in required:
            action.required = False
        unknown = self.parse_known_args(argv)[1]
        for action in required:
            action.required = True
        if not unknown:
            return
        word = unknown[0]
        if not word.startswith("-"):
            self.error(
                f"{word!r} stands alone: names of arguments begin with --, and several values follow their name "
                "without an equals sign, as in --train_data A B"
            )
        name = word.split("=")[0].lstrip("-").replace("-", "_")
        close = difflib.get_close_matches(name, self._all_names(), n=1)
        self.error(f"unknown argument {word!r}" + (f"; did you mean {close[0]!r}?" if close else ""))

    def _require_lists_in_one_place(self, argv: Sequence[str]) -> None:
        for action in self._actions:
            times = sum(word.split("=")[0] in action.option_strings for word in argv)
            if action.nargs == "+" and times > 1 and action.dest not in self.permissions:
                name = action.option_strings[0]
                self.error(f"{name} is given twice, and only the last would count; write {name} A B")

    def _set_default(self, key: str, value: Any) -> None:
        self.known[key].required = False
        if key in self.permissions and isinstance(value, str):
            value = [value]
        self.set_defaults(**{key: value})

    def _replace_alternatives(self, given: set[str], sources: dict[str, str]) -> None:
        """Drop what earlier recipes say about fields of which `given` has another one."""
        if given & self.alternatives:
            for name in self.alternatives - given:
                self.set_defaults(**{name: None})
                sources[name] = DEFAULT

    def _read(self, name: str) -> dict[str, Any]:
        try:
            values = read_recipe(find_recipe(name))
        except ValueError as error:
            self.error(str(error))
        verbs = verbs_of(values)
        values.pop(VERB_KEY, None)
        if self.verb and verbs and self.verb not in verbs:
            commands = " and ".join(f"`depth-anything-hf {verb}`" for verb in verbs)
            self.error(
                f"the recipe {name!r} is for {commands}, not for `{self.verb}`; see depth-anything-hf recipes list"
            )
        for key, value in values.items():
            if key not in self.known:
                if key in self._all_names():
                    self.error(f"{name}: {key} is no part of a recipe; give it on the command line: --{key} ...")
                self.error(f"{name}: unknown key {str(key)!r}; {nearest_of(key, sorted(self.known))}")
            try:
                values[key] = expand_home(self._convert(key, value))
            except ValueError as error:
                self.error(f"{name}: {key} {error}")
        return values

    def _convert(self, key: str, value: Any) -> Any:
        """Return the value of a recipe in the type of its argument."""
        # Words that YAML reads as truth values, and which the arguments know.
        if isinstance(value, bool) and value in _TRUTH_VALUES.get(key, ()):
            return value
        action = self.known[key]
        if value == [] and (action.required or action.default):
            raise ValueError("is an empty list, expected at least one entry")
        hint = self.hints[key]
        if key in self.mappings:
            if isinstance(value, Mapping):
                return value
            if isinstance(value, list):
                if get_origin(hint) is not list:
                    raise ValueError(f"must be text or a mapping, got {value!r}")
                return [each if isinstance(each, Mapping) else convert(each, str) for each in value]
        # Where infinity has a meaning is known to the dataclass.
        return convert(value, hint, may_be_infinite=True)

    def _flags(self, argv: Sequence[str]) -> set[str]:
        """Return the names of the arguments that the command line itself gives."""
        # argparse copies a list before it adds to it.
        untouched: dict[str, Any] = {name: [] if name in self.permissions else object() for name in self.known}
        namespace = argparse.Namespace(**untouched)
        self.parse_known_args(argv, namespace)
        return {name for name in self.known if getattr(namespace, name) is not untouched[name]}

    def _all_names(self) -> set[str]:
        return {action.dest for action in self._actions if action.dest != "help"}


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """One spelling of each flag, and defaults only where they are informative."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=36, width=_help_width())

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, str(action.metavar))
        return f"{action.option_strings[0]} {value}"

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        if action.required:
            return f"{text} (required)"
        if isinstance(action.default, list):
            return " ".join([text, *([f"[{' '.join(map(str, action.default))}]"] if action.default else [])])
        says_something = action.default is not None and action.default is not False and action.nargs != 0
        return f"{text} [%(default)s]" if says_something else text


def _help_width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return min(119, int(columns)) if columns.isdecimal() else 100


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


__all__ = ["ParsedArguments", "RecipeParser", "parse_recipe", "recipe_names"]
