# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A model's lineage: encoder, initial weights, teacher, labels and data, in its card and its configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..utils.files import atomic_write
from ..utils.redaction import is_hub_id, is_local_path, redact_name, redact_text, redact_values
from .markdown import code_span, name_and_license_entries


# Parts of a lineage that come under a license of their own.
LICENSED_PARTS = ("encoder", "initial_weights", "teacher")
# Parts that are sets of images, each entry with a name and perhaps a license.
DATA_PARTS = ("labels", "data")
RANDOM_WEIGHTS = "random weights"
LINEAGE_KEY, PARENT_KEY = "lineage", "parent"


def lineage_record(lineage: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lineage as JSON values that may be published: local paths are reduced to their last part."""
    record: dict[str, Any] = {}
    for part, origin in lineage.items():
        if origin is None or part == PARENT_KEY:
            continue
        if part == "data" or (part == "labels" and _holds_mappings(origin)):
            entries = name_and_license_entries(origin)
            record[part] = [{key: redact_name(value) for key, value in entry.items()} for entry in entries]
        elif isinstance(origin, list | tuple):
            record[part] = [None if each is None else redact_name(each) for each in origin]
        else:
            record[part] = redact_name(origin)
    return record


def origins(lineage: Mapping[str, Any], part: str) -> list[tuple[Any, Any, Any]]:
    """Return (name, license, revision) of each of a part's origins, of which there is mostly one."""
    names = lineage.get(part)
    if not isinstance(names, list | tuple):
        return [(names, lineage.get(f"{part}_license"), lineage.get(f"{part}_revision"))]
    licenses, revisions = (
        given if isinstance(given, list | tuple) else [given] * len(names)
        for given in (lineage.get(f"{part}_license"), lineage.get(f"{part}_revision"))
    )
    return list(zip(names, licenses, revisions, strict=True))


def has_own_license(entry: Mapping[str, Any], lineage: Mapping[str, Any]) -> bool:
    """Return whether labels come under a license of their own; words that describe a named teacher's labels do not."""
    name = str(entry["name"])
    is_described = set(entry) == {"name"} and not is_hub_id(name) and not is_local_path(name)
    return not is_described or lineage.get("teacher") is None


def lineage_rows(lineage: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a card's table: (part, origin, license, revision)."""
    rows = []
    for part, origin in lineage.items():
        if part in DATA_PARTS or part.endswith(("_license", "_revision")) or origin is None:
            continue
        for name, own_license, revision in origins(lineage, part):
            needs_license = part in LICENSED_PARTS and name != RANDOM_WEIGHTS
            unknown = "unknown" if needs_license else ""
            rows.append((part, _origin(name), _words(own_license) or unknown, _words(revision)))
    for part in DATA_PARTS:
        for entry in name_and_license_entries(lineage.get(part)):
            origin = " ".join(filter(None, [_origin(entry["name"]), redact_text(entry.get("note") or "")]))
            unknown = "unknown" if part == "data" or has_own_license(entry, lineage) else ""
            rows.append((part, origin, _words(entry.get("license")) or unknown, _words(entry.get("revision"))))
    return rows or [("", "not recorded", "unknown", "")]


def write_lineage(path: Path, config: dict[str, Any], lineage: Mapping[str, Any]) -> None:
    """Add the lineage to a saved configuration, and keep the inherited one of the initial weights as "parent"."""
    if not config:
        return
    record, inherited = lineage_record(lineage), config.get(LINEAGE_KEY)
    if inherited and "initial_weights" in record:
        is_own = inherited.get("initial_weights") == record["initial_weights"]
        parent = inherited.get(PARENT_KEY) if is_own else inherited
        record |= {PARENT_KEY: redact_values(parent)} if parent else {}
    if record != inherited:
        text = json.dumps({**config, LINEAGE_KEY: record}, indent=2, sort_keys=True)
        atomic_write(path, text + "\n")


def _holds_mappings(given: Any) -> bool:
    return any(isinstance(entry, Mapping) for entry in (given if isinstance(given, list | tuple) else [given]))


def _words(given: Any) -> str:
    return redact_name(given) if given else ""


def _origin(name: Any) -> str:
    """Return the Hub id, or only the last part of a local path, else the words themselves."""
    text = str(name)
    if is_hub_id(text):
        return code_span(text)
    return f"{code_span(redact_name(text))} (local)" if is_local_path(text) else redact_text(text)
