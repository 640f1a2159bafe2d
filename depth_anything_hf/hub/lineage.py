# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Where a model comes from: its lineage, what that means for its license, and how it is kept with the model."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import RepoCard, hf_hub_download

from ..pseudo_labels.shards import PROVENANCE_FILE
from ..utils.redaction import is_hub_id, is_local_path, redact_name, redact_text
from .licenses import CODE_LICENSE, published_license, stricter_parts, strictest_license
from .markdown import name_and_license_entries


logger = logging.getLogger(__name__)

# Parts of a lineage that come under a license of their own.
LICENSED_PARTS = ("encoder", "initial_weights", "teacher")
# Parts that are sets of images, each entry with a name and perhaps a license.
DATA_PARTS = ("labels", "data")
RANDOM_WEIGHTS = "random weights"
LINEAGE_KEY, PARENT_KEY = "lineage", "parent"


def labels_lineage(sources: Sequence[str]) -> dict[str, Any]:
    """The part of a student's lineage that its stored labels tell: whose they are, and under which license.

    `provenance.json` beside the labels names the teacher, and the card of the labels, where there is one, the license
    of photographs and labels together. Of data sets on the Hub both are fetched.

    Args:
        sources: folders that `label_images` wrote, or the same as data sets on the Hub.

    Returns:
        "labels", a list of {"name", "license", "revision", "note", "teacher_weights_sha256"}, as far as known; and
        where any is known, "teacher" and "teacher_revision", lists if they are several.
    """
    entries: list[dict[str, Any]] = []
    teachers: dict[str, str | None] = {}
    for source in sources:
        place = Path(source).expanduser()
        folder = place if place.is_dir() else place.parent if place.exists() else _files_beside_labels(source)
        provenance = _provenance(folder) if folder else {}
        teacher = provenance.get("teacher")
        entry: dict[str, Any] = {"name": source, "license": _license_in_card(folder) if folder else None}
        if folder and folder.parent.name == "snapshots":
            entry["revision"] = folder.name
        if teacher:
            teachers[teacher] = provenance.get("revision")
            entry["note"] = f"labels of {teacher} for {provenance.get('data', 'photographs')}"
            hashes = (provenance.get("weights_sha256") or {}).items()
            entry["teacher_weights_sha256"] = ", ".join(f"{file} {digest}" for file, digest in hashes)
        else:
            entry["note"] = f"teacher unknown: no {PROVENANCE_FILE} that names it"
            # Whoever made the labels, their license would count too.
            entry["license"] = None
        entries.append({key: value for key, value in entry.items() if value})
    names, revisions = list(teachers), list(teachers.values())
    lineage: dict[str, Any] = {"labels": entries}
    if names:
        lineage["teacher"] = names if len(names) > 1 else names[0]
    if any(revisions):
        lineage["teacher_revision"] = revisions if len(names) > 1 else revisions[0]
    return lineage


def lineage_record(lineage: Mapping[str, Any]) -> dict[str, Any]:
    """A lineage as JSON values that may be read by anyone: local paths are reduced to their last part."""
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


def license_of(given: str | None, lineage: Mapping[str, Any]) -> tuple[str | None, str]:
    """The license of the model and the reason, as sentences."""
    parts: list[tuple[str, str | None]] = [("code", CODE_LICENSE)]
    for part in LICENSED_PARTS:
        named = [origin for origin in origins(lineage, part) if origin[0] not in (None, RANDOM_WEIGHTS)]
        for name, own_license, _ in named:
            what = part.replace("_", " ")
            parts.append((what if len(named) == 1 else f"{what} {redact_name(name)}", own_license))
    parts += [
        (f"{part} {redact_name(entry['name'])}", entry.get("license"))
        for part in DATA_PARTS
        for entry in name_and_license_entries(lineage.get(part))
        if part == "data" or _is_licensed(entry, lineage)
    ]
    if given == "unknown" or (given is None and len(parts) == 1):
        advice = "The licenses of the encoder, the teacher and the data apply; settle it before you publish the model."
        return None, advice
    if given is None:
        name, reason = strictest_license(parts)
        advice = " Settle it before you publish the model." if name is None else ""
        return name, f"{reason[0].upper()}{reason[1:]}{'' if reason.endswith('.') else '.'}{advice}"
    stricter = stricter_parts(given, parts)
    if stricter:
        return (
            given,
            f"As stated by its author, although parts of it are under stricter terms ({', '.join(stricter)}).",
        )
    return given, "The licenses of the encoder, the teacher and the data above may limit its use further."


def with_known_licenses(lineage: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for part in LICENSED_PARTS:
        if lineage.get(part) is None or lineage.get(f"{part}_license"):
            continue
        licenses = [published_license(name) for name, _, _ in origins(lineage, part)]
        if any(licenses):
            known[f"{part}_license"] = licenses if isinstance(lineage[part], list | tuple) else licenses[0]
    return {**lineage, **known}


def origins(lineage: Mapping[str, Any], part: str) -> list[tuple[Any, Any, Any]]:
    """(name, license, revision) of each of a part's origins, of which there is mostly one."""
    names = lineage.get(part)
    if not isinstance(names, list | tuple):
        return [(names, lineage.get(f"{part}_license"), lineage.get(f"{part}_revision"))]
    licenses, revisions = (
        given if isinstance(given, list | tuple) else [given] * len(names)
        for given in (lineage.get(f"{part}_license"), lineage.get(f"{part}_revision"))
    )
    return list(zip(names, licenses, revisions, strict=True))


def lineage_rows(lineage: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    rows = []
    for part, origin in lineage.items():
        if part in DATA_PARTS or part.endswith(("_license", "_revision")) or origin is None:
            continue
        for name, own_license, revision in origins(lineage, part):
            needs_license = part in LICENSED_PARTS and name != RANDOM_WEIGHTS
            rows.append((part, _origin(name), own_license or ("unknown" if needs_license else ""), revision or ""))
    for part in DATA_PARTS:
        for entry in name_and_license_entries(lineage.get(part)):
            origin = " ".join(filter(None, [_origin(entry["name"]), redact_text(entry.get("note") or "")]))
            unknown = "unknown" if part == "data" or _is_licensed(entry, lineage) else ""
            rows.append((part, origin, entry.get("license") or unknown, entry.get("revision") or ""))
    return rows or [("", "not recorded", "unknown", "")]


def write_lineage(path: Path, config: dict[str, Any], lineage: Mapping[str, Any]) -> None:
    """Adds the lineage to a saved configuration, and keeps that of the initial weights, which it inherited."""
    if not config:
        return
    record, inherited = lineage_record(lineage), config.get(LINEAGE_KEY)
    if inherited and "initial_weights" in record:
        is_own = inherited.get("initial_weights") == record["initial_weights"]
        parent = inherited.get(PARENT_KEY) if is_own else inherited
        record |= {PARENT_KEY: parent} if parent else {}
    if record != inherited:
        text = json.dumps({**config, LINEAGE_KEY: record}, indent=2, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")


def _is_licensed(entry: Mapping[str, Any], lineage: Mapping[str, Any]) -> bool:
    """Whether labels come under a license of their own; words that describe those of a named teacher do not."""
    name = str(entry["name"])
    is_described = set(entry) == {"name"} and not is_hub_id(name) and not is_local_path(name)
    return not is_described or lineage.get("teacher") is None


def _holds_mappings(given: Any) -> bool:
    return any(isinstance(entry, Mapping) for entry in (given if isinstance(given, list | tuple) else [given]))


def _files_beside_labels(repo_id: str) -> Path | None:
    """Where provenance and card of a data set on the Hub lie in the local cache, as far as it has them."""
    found = None
    for file in (PROVENANCE_FILE, "README.md"):
        try:
            found = Path(hf_hub_download(repo_id, file, repo_type="dataset")).parent
        except Exception as error:
            # No such file, most often. An outage must not stop a training either: the card then says unknown.
            logger.info("%s of the labels %s is not at hand: %s", file, repo_id, type(error).__name__)
    return found


def _license_in_card(folder: Path) -> str | None:
    card = folder / "README.md"
    if not card.is_file():
        return None
    try:
        data = RepoCard(card.read_text(encoding="utf-8", errors="replace"), ignore_metadata_errors=True).data.to_dict()
    except ValueError:
        return None
    name = data.get("license_name") if data.get("license") == "other" else data.get("license")
    return name if isinstance(name, str) else None


def _origin(name: Any) -> str:
    """The Hub id, or only the last part of a local path, else the words themselves."""
    text = str(name)
    if is_hub_id(text):
        return f"`{text}`"
    return f"`{redact_name(text)}` (local)" if is_local_path(text) else redact_text(text)


def _provenance(folder: Path) -> dict[str, Any]:
    path = folder / PROVENANCE_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
