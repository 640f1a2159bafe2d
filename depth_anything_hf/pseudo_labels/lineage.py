# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which teacher made stored labels, and under which license: the labels' part of a student's lineage."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download

from ..hub.licenses import license_in_card
from ..utils.paths import local_path
from .provenance import PROVENANCE_FILE, SCALE_TEACHER, SKY_TEACHER, read_provenance, teachers_of


logger = logging.getLogger(__name__)


def labels_lineage(sources: Sequence[str]) -> dict[str, Any]:
    """Return the part of a student's lineage that its stored labels tell: their teacher and their license.

    `provenance.json` beside the labels names the teacher, and the card of the labels, where there is one, the license
    of photographs and labels together. Of datasets on the Hub both are fetched.

    Args:
        sources: folders that `label_images` wrote, or the same as datasets on the Hub.

    Returns:
        "labels", a list of {"name", "license", "revision", "note", "teacher_weights_sha256"}, as far as known, of
        labels by two teachers also "scale_teacher_weights_sha256", and "sky_teacher_weights_sha256" where a model has
        found their sky; and where any is known, "teacher" and "teacher_revision", lists if they are several: every
        model that had a part in the labels is one, so that its license counts.
    """
    entries: list[dict[str, Any]] = []
    teachers: dict[str, str | None] = {}
    for source in sources:
        place = local_path(source)
        folder = place if place.is_dir() else place.parent if place.exists() else _fetch_card_and_provenance(source)
        provenance = read_provenance(folder) if folder else {}
        teacher = provenance.get("teacher")
        entry: dict[str, Any] = {"name": source, "license": license_in_card(folder) if folder else None}
        if folder and folder.parent.name == "snapshots":
            entry["revision"] = folder.name
        if teacher:
            for part, name in teachers_of(provenance).items():
                prefix = "" if part == "teacher" else f"{part}_"
                teachers[name] = provenance.get(f"{prefix}revision")
                hashes = (provenance.get(f"{prefix}weights_sha256") or {}).items()
                entry[f"{part}_weights_sha256"] = ", ".join(f"{file} {digest}" for file, digest in hashes)
            entry["note"] = f"predicted by {teacher} for {provenance.get('data', 'photographs')}"
            if SCALE_TEACHER in provenance:
                entry["note"] += f", in the scale of {provenance[SCALE_TEACHER]}"
            if SKY_TEACHER in provenance:
                entry["note"] += f", sky by {provenance[SKY_TEACHER]}"
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


def _fetch_card_and_provenance(repo_id: str) -> Path | None:
    """Return the folder of the local cache that holds them, as far as the dataset on the Hub has them."""
    found = [_fetch(repo_id, file) for file in (PROVENANCE_FILE, "README.md")]
    return next((path.parent for path in found if path is not None), None)


def _fetch(repo_id: str, file: str) -> Path | None:
    try:
        return Path(hf_hub_download(repo_id, file, repo_type="dataset"))
    except Exception as error:
        # No such file, most often. An outage must not stop a training either: the card then says unknown.
        logger.info("%s of the labels %s cannot be fetched: %s", file, repo_id, type(error).__name__)
        return None
