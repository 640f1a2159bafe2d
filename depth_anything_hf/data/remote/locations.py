# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which files a URL names: itself, those of a folder or a pattern, of numbers in braces, or of a list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from ..table_files import TABLE_FORMATS, files_of_split, table_suffix
from .file_systems import Patience, file_system, is_url, with_tries, without_query


LIST_SUFFIXES = (".txt", ".lst", ".list")
MOST_FILES = 10_000_000
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")


def remote_files(url: str, split: str, patience: Patience) -> tuple[str, list[str]]:
    """Return the format of the tables that a URL names, by its name in `datasets`, and their URLs.

    Args:
        url: of a table; of a folder of tables; with a pattern (`*`, `[0-9]`; `?` but on web servers); with numbers or
            words in braces (`{00000..00099}`, `{a,b}`); or of a list (.txt) of such, one a line, relative to the list.
        split: which of several splits of a folder is meant.
        patience: how long to wait for the server.

    Raises:
        FileNotFoundError: there is no table.
        ImportError: the protocol needs another package.
        ValueError: tables of two formats, no files of the split, or braces that cannot be expanded.
    """
    files = list(dict.fromkeys(_files_of(url, split, patience)))
    suffixes = sorted({_suffix(file) for file in files})
    if not files or not set(suffixes) <= set(TABLE_FORMATS):
        raise FileNotFoundError(f"{url}: expected tables ({', '.join(TABLE_FORMATS)}), found {suffixes or 'none'}")
    if len(suffixes) > 1:
        raise ValueError(f"{url}: tables of several formats {suffixes}, and only one can be read: name their pattern")
    return TABLE_FORMATS[suffixes[0]], files


def expand_braces(text: str) -> Iterator[str]:
    """Yield the text with every choice of its braces: `{00..11}` counts with as many digits, `{a,b}` lists.

    Raises:
        ValueError: other braces, or too many choices.
    """
    parts = _BRACES.split(text)
    choices = [_choices(part, text) if index % 2 else [part] for index, part in enumerate(parts)]
    yield from map("".join, product(*choices))


def _choices(inside: str, text: str) -> list[str]:
    numbers = _RANGE.fullmatch(inside)
    if numbers is None and "," not in inside:
        raise ValueError(f"{text}: expected numbers as {{00000..00099}} or words as {{a,b}} in braces, got {inside!r}")
    if numbers is None:
        return inside.split(",")
    first, last = numbers.groups()
    if int(last) - int(first) >= MOST_FILES:
        raise ValueError(f"{text}: more than {MOST_FILES} files")
    if int(last) < int(first):
        raise ValueError(f"{text}: the last number in braces is less than the first")
    return [f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1)]


def _files_of(url: str, split: str, patience: Patience) -> list[str]:
    if "{" in url:
        return [file for each in expand_braces(url) for file in _files_of(each, split, patience)]
    name = _path_of(url)
    system, path = file_system(url)
    if name.lower().endswith(LIST_SUFFIXES):
        lines = bytes(with_tries(url, patience, system.cat_file, path)).decode().splitlines()
        wanted = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        folder = without_query(url).rpartition("/")[0]
        named = [line if is_url(line) else f"{folder}/{line}" for line in wanted]
        return [file for each in named for file in _files_of(each, split, patience)]
    if re.search(r"[*\[]" if _is_web(url) else r"[*?\[]", name):
        found = with_tries(url, patience, system.glob, path)
        return [str(system.unstrip_protocol(each)) for each in sorted(found) if _is_table(str(each))]
    if table_suffix(PurePosixPath(name).name) in TABLE_FORMATS:
        return [url]
    found = with_tries(url, patience, system.find, path)
    tables = [PurePosixPath(each) for each in sorted(found) if _is_table(str(each))]
    root = PurePosixPath(path)
    visible = [each for each in tables if not any(part.startswith(".") for part in each.parts[len(root.parts) :])]
    chosen = files_of_split(visible, root, split) if visible else []
    return [str(system.unstrip_protocol(_text(each))) for each in chosen]


def _text(path: PurePosixPath) -> str:
    # `PurePosixPath` makes one slash of the two of a web address.
    return re.sub(r"^(https?:)/(?!/)", r"\1//", str(path))


def _path_of(url: str) -> str:
    return urlsplit(url).path if _is_web(url) else url


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _is_table(path: str) -> bool:
    return _suffix(path) in TABLE_FORMATS


def _suffix(url: str) -> str:
    return table_suffix(PurePosixPath(_path_of(url)).name)
