# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What all commands share: how options may be spelled, how help is laid out, and how errors are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


# They work, and would stand in the help of every shell session.
NOT_IN_HELP = ("install_completion", "show_completion")


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

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, each under the heading of its panel."""
        _write_panels(self, ctx, formatter)


class Program(TyperGroup):
    """The commands in panels; errors that a user can mend are one line.

    Other errors are faults of the program and keep their traceback.
    """

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of this name, which may be written with underscores too."""
        return super().get_command(ctx, cmd_name.replace("_", "-"))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, then the commands, each under the heading of its panel."""
        _write_panels(self, ctx, formatter)
        commands = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        width = formatter.width - 6 - max((len(name) for name, _ in commands), default=0)
        panels: dict[str, list[tuple[str, str]]] = {}
        for name, command in commands:
            if not command.hidden:
                title = getattr(command, "rich_help_panel", None) or "Commands"
                panels.setdefault(title, []).append((name, command.get_short_help_str(width)))
        # All panels have the columns of the widest.
        widest = max((len(name) for name, _ in commands), default=0)
        for title, rows in panels.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(widest), text) for name, text in rows])

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and show an error that a user can mend as one line."""
        try:
            return super().invoke(ctx)
        except (ValueError, OSError, ImportError) as error:
            if ctx.params.get("debug"):
                raise
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None


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
