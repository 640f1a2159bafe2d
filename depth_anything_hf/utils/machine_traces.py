# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What in values and files names this machine: absolute paths, home folders, ways out of a folder, its host name.

Weights are not looked at, only what is said about them.
"""

from __future__ import annotations

import json
import platform
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from .redaction import names_machine, redact_text


JSON_SUFFIXES = (".json", ".jsonl")
YAML_SUFFIXES = (".yaml", ".yml")
# `torch.save` writes these archives, whatever it calls them; the members below `data/` are tensors.
ARCHIVE_START = b"PK\x03\x04"
LARGEST_FILE_BYTES = 64 << 20
LONGEST_EXAMPLE = 120
# Folders in which machines have their data, and not those that a text may name on every machine (/etc, /usr, /dev).
_FOLDERS = (
    *("home", "Users", "root", "tmp", "var", "private", "Volumes", "mnt", "media", "data", "datasets", "scratch"),
    *("work", "workspace", "workspaces", "srv", "opt", "nfs", "fsx", "gpfs", "lustre", "cluster", "content", "kaggle"),
)
_PLACE = (
    rf"(?:file:/+|/(?:{'|'.join(_FOLDERS)})/|[A-Za-z]:\\+Users\\+)"
    r"[\w.@%+-]+(?:[\\/]+[^\s\"'<>|)\]}`\x00-\x1f]+)*"
)
_IN_TEXT = re.compile(rf"(?<![\w/.:~$}}-]){_PLACE}")
_IN_BYTES = re.compile(rf"(?:{_PLACE})|(?<![\w./])(?:\.\./)+[\w.-]+/[^\s\"'\x00-\x1f]+".encode())
_GENERIC_HOSTS = frozenset({"localhost", "localhost.localdomain"})
SHORTEST_HOST_NAME = 6


def traces_in_values(value: Any, key: str = "") -> Iterator[str]:
    """Yield "key: 'value'" for the places on this machine in JSON values, nested keys with dots."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from traces_in_values(each, f"{key}.{name}" if key else str(name))
            if isinstance(name, str) and names_machine(name):
                yield f"{key}: {name!r}" if key else repr(name)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from traces_in_values(each, key)
    elif isinstance(value, str) and (names_machine(value) or redact_text(value) != value or _names_host(value)):
        yield f"{key}: {_shorten(value)!r}" if key else repr(_shorten(value))


def traces_in_text(text: str) -> Iterator[str]:
    """Yield "line N: ..." for the places on this machine in free text; paths that all machines have are none."""
    for number, line in enumerate(text.splitlines(), 1):
        found = _IN_TEXT.search(line)
        if found is not None:
            yield f"line {number}: {_shorten(found[0])!r}"
        elif _names_host(line):
            yield f"line {number}: the name of this machine, {platform.node()!r}"


def traces_in_file(path: Path) -> Iterator[str]:
    """Yield the traces in a file of any kind, each with its key, line or member.

    Raises:
        OSError: it cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        yield from traces_in_values(_safetensors_metadata(path))
    elif _starts_with(path, ARCHIVE_START) and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if "/data/" not in member:
                    yield from (f"{member}: {trace}" for trace in _in_bytes(archive.read(member)))
    elif path.stat().st_size > LARGEST_FILE_BYTES:
        return
    else:
        content = path.read_bytes()
        values = _values(content, suffix)
        if values is not None:
            yield from traces_in_values(values)
        elif suffix in (".md", ".txt", "") or suffix in (*JSON_SUFFIXES, *YAML_SUFFIXES):
            yield from traces_in_text(content.decode("utf-8", errors="replace"))
        else:
            yield from _in_bytes(content)


def _starts_with(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) == start


def _values(content: bytes, suffix: str) -> Any:
    """Return what a JSON or YAML file holds; None of another one, or a damaged one."""
    try:
        if suffix == ".jsonl":
            return [json.loads(line) for line in content.splitlines() if line.strip()]
        if suffix in JSON_SUFFIXES:
            return json.loads(content)
        return yaml.safe_load(content) if suffix in YAML_SUFFIXES else None
    except (ValueError, yaml.YAMLError):
        return None


def _safetensors_metadata(path: Path) -> Any:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            header = json.loads(file.read(min(length, LARGEST_FILE_BYTES)))
        except ValueError:
            # Not of that format, whatever the name says; then nothing is known of it.
            return {}
    return header.get("__metadata__", {}) if isinstance(header, dict) else {}


def _in_bytes(content: bytes) -> Iterator[str]:
    found = _IN_BYTES.search(content)
    if found is not None:
        yield repr(_shorten(found[0].decode("utf-8", errors="replace")))


def _names_host(text: str) -> bool:
    """Return whether a text holds the name of this machine, which short names and plain words may be by chance."""
    host = platform.node()
    if len(host) < SHORTEST_HOST_NAME or host.isalpha() or host in _GENERIC_HOSTS:
        return False
    return re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", text) is not None


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST_EXAMPLE else f"{text[:LONGEST_EXAMPLE]}..."
