# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What all cards share: user text that is kept when a card is rewritten, tables, code blocks, versions."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..utils.printable_names import one_line, printable_text


_CODE_SPAN = re.compile(r"(?<!`)(?P<fence>`+)(?!`).+?(?<!`)(?P=fence)(?!`)")
KEEP_START, KEEP_END = "<!-- keep -->", "<!-- /keep -->"
OWN_SECTION = "<!-- Text between the two keep markers is yours: it survives when the card is written again. -->"
PACKAGES = ("depth_anything_hf", "transformers", "torch", "datasets", "accelerate", "huggingface_hub")


def own_text(card: str) -> str:
    """Return the user's text: between the keep markers, or the whole text of a card without them.

    The metadata is not parsed, so that broken YAML does no harm.
    """
    kept = re.findall(f"{KEEP_START}(.*?)(?:{KEEP_END}|\\Z)", card, flags=re.DOTALL)
    if kept:
        return "".join(kept)
    body = re.sub(r"\A---\s*\n.*?\n---\s*\n", "", card, flags=re.DOTALL).strip()
    return f"\n{body}\n" if body else f"\n{OWN_SECTION}\n"


def kept_section(card: str | None) -> str:
    """Return the section of own text at the end of a new card, taken over from the card before."""
    return f"{KEEP_START}{own_text(card or '')}{KEEP_END}"


def merge_own_text(card: str, other: str) -> str:
    """Return a card with the own text of another one added, for when the folder's and the Hub's were edited."""
    here, there = own_text(card), own_text(other)
    plain_here, plain_there = (text.replace(OWN_SECTION, "").strip() for text in (here, there))
    if plain_there in plain_here:
        return card
    text = there if plain_here in plain_there else f"{here.rstrip()}\n\n{there.lstrip()}"
    start = card.find(KEEP_START)
    return (card[:start] if start >= 0 else f"{card.rstrip()}\n\n") + f"{KEEP_START}{text}{KEEP_END}\n"


@cache
def versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of Python and of the installed packages, as (name, version), which a process keeps."""
    found = [("python", platform.python_version())]
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found.append((package, version(package)))
    return tuple(found)


def table(heading: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def code_block(text: str, language: str) -> str:
    """Return a fenced block of code, with a fence that is longer than any in it."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text.strip()}\n{fence}"


def code_span(text: Any) -> str:
    """Return a name as code within a line, whatever characters it has."""
    words = one_line(str(text))
    fence = "`" * (_longest_run(words) + 1)
    space = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{fence}{space}{words}{space}{fence}"


def python_text(text: str) -> str:
    """Return a text as Python code has it, in double quotes."""
    return json.dumps(printable_text(text), ensure_ascii=False)


def inline(text: Any) -> str:
    """Return text for one line of Markdown: HTML and links in it are shown and not obeyed; spans of code stay."""
    words, parts, end = one_line(str(text)), [], 0
    for span in _CODE_SPAN.finditer(words):
        parts += [_plain(words[end : span.start()]), span[0]]
        end = span.end()
    return "".join([*parts, _plain(words[end:])])


def slug(name: str) -> str:
    """Return a name for files and metadata: lower-case letters, digits, points and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-") or "unnamed"


def name_and_license_entries(given: Any) -> list[Mapping[str, Any]]:
    """Return a name, a mapping, or a list of both as mappings with at least a "name"."""
    entries: Sequence[Any] = [given] if isinstance(given, (str, Path, Mapping)) else given or []
    return [entry if isinstance(entry, Mapping) else {"name": str(entry)} for entry in entries]


def _cell(value: Any) -> str:
    # A backslash before the bar would be taken for its escape.
    return re.sub(r"(\\*)\|", r"\1\1\\|", inline(value))


def _plain(text: str) -> str:
    """Escape what would start an HTML tag or entity, a link or picture, or a span of code."""
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
    return text.replace("](", "]\\(").replace("`", "\\`")


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
