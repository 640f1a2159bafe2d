# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What all commands share: how options may be spelled, how help is laid out, and how errors are shown."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from ..utils.messages import USER_ERRORS, one_line
from ..utils.option_errors import OptionError
from ..utils.paths import expand_word
from .number_options import read_numbers


# They work, and would stand in the help of every shell session.
NOT_IN_HELP = ("install_completion", "show_completion")
# As the parser's own, of options that it cannot read.
EXIT_WRONG_OPTION = 2


def spellings(aliases: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the context settings under which `--batch-size` is `--batch_size`, and an alias its option.

    The parser applies this to names of options only, never to their values.

    Args:
        aliases: other name of an option -> its name, both without the dashes before and with underscores.
    """
    names = dict(aliases or {})

    def canonical(token: str) -> str:
        name = token.replace("-", "_")
        return names.get(name, name)

    normalize: Callable[[str], str] = canonical
    return {"token_normalize_func": normalize}


class Command(TyperCommand):
    """A command whose `--help` shows its options in panels."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of the command line, `~` expanded also where the shell left it."""
        return super().parse_args(ctx, [expand_word(word) for word in args])

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, each under the heading of its panel."""
        _write_panels(self, ctx, formatter)


@dataclass(frozen=True)
class Entry:
    """A command that is imported and built on first use, so that the others cost no time.

    Attributes:
        panel: heading in `--help`.
        summary: its line there.
        target: "module:name" in this room, of a function or of a `typer.Typer` with commands of its own.
        aliases: see `spellings`.
        options: of `typer.Typer.command`, or of `add_typer`.
    """

    panel: str
    summary: str
    target: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, name: str) -> Any:
        """Return the command as the parser takes it."""
        module, _, attribute = self.target.partition(":")
        target = getattr(import_module(f".{module}", __package__), attribute)
        options = {**self.options, "rich_help_panel": self.panel, "short_help": self.summary}
        options["context_settings"] = {**spellings(self.aliases), **self.options.get("context_settings", {})}
        alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        if not isinstance(target, typer.Typer):
            read_numbers(target)
            alone.command(name, cls=Command, **options)(target)
            return typer.main.get_command(alone)
        alone.add_typer(target, name=name, cls=Program, **options)
        group: Any = typer.main.get_command(alone)
        return group.commands[name]


class Program(TyperGroup):
    """The commands in panels; errors that a user can fix are one line.

    Other errors are bugs and keep their traceback.
    """

    entries: ClassVar[Mapping[str, Entry]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, built or not, in their order."""
        return [*self.entries, *(name for name in self.commands if name not in self.entries)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of this name, which may be written with underscores too."""
        name = cmd_name.replace("_", "-")
        if name in self.entries and name not in self.commands:
            self.commands[name] = self.entries[name].build(name)
        return super().get_command(ctx, name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return name, command and the words that are left; an unknown command is compared with all others."""
        if self.get_command(ctx, args[0]) is None:
            for name in self.entries:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, then the commands, each under the heading of its panel."""
        _write_panels(self, ctx, formatter)
        names = self.list_commands(ctx)
        # All panels have the columns of the widest.
        widest = max(map(len, names), default=0)
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in names:
            entry = self.entries.get(name)
            title = entry.panel if entry else "Commands"
            summary = entry.summary if entry else self.commands[name].get_short_help_str(formatter.width - 6 - widest)
            panels.setdefault(title, []).append((name, summary))
        for title, rows in panels.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(widest), text) for name, text in rows])

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and show an error that a user can fix as one line."""
        try:
            with _short_warnings():
                return super().invoke(ctx)
        except USER_ERRORS as error:
            # The parser ends quietly where `head` or a pager has read enough.
            if ctx.params.get("debug") or (isinstance(error, BrokenPipeError) and _nobody_reads()):
                raise
            typer.echo(one_line(error), err=True)
            raise typer.Exit(EXIT_WRONG_OPTION if isinstance(error, OptionError) else 1) from None


def _nobody_reads() -> bool:
    """Return whether the output goes into a pipe whose other end is closed, which an empty line tells."""
    try:
        typer.echo()
    except BrokenPipeError:
        return True
    return False


@contextmanager
def _short_warnings() -> Iterator[None]:
    """Show this package's warnings as one line, without the place in its code; those of others stay as they are."""
    package, usual = str(Path(__file__).parents[1]), warnings.formatwarning

    def format_warning(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
    ) -> str:
        if filename.startswith(package) and issubclass(category, UserWarning):
            return f"warning: {message}\n"
        return usual(message, category, filename, lineno, line)

    warnings.formatwarning = format_warning
    try:
        yield
    finally:
        warnings.formatwarning = usual


def _write_panels(command: Any, ctx: Any, formatter: Any) -> None:
    panels: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and parameter.name not in NOT_IN_HELP:
            standard = "Arguments" if parameter.param_type_name == "argument" else "Options"
            panels.setdefault(getattr(parameter, "rich_help_panel", None) or standard, []).append(record)
    # What has no panel of its own, such as --help, comes last.
    for title in sorted(panels, key=lambda title: title == "Options"):
        with formatter.section(title):
            formatter.write_dl(panels[title])
