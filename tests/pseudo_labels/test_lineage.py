# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What stored labels tell a student's card: their teacher and their license."""

from __future__ import annotations

import json
from pathlib import Path

from cards import metadata, write_card

from depth_anything_hf.pseudo_labels.lineage import labels_lineage


def stored_labels(folder: Path, teacher: str | None, card_license: str | None = None) -> Path:
    """A folder of pseudo-labels, as far as a student's card looks at it."""
    folder.mkdir()
    if teacher:
        provenance = {
            "teacher": teacher,
            "revision": "abc",
            "data": "owner/photographs",
            "weights_sha256": {"w": "12"},
        }
        (folder / "provenance.json").write_text(json.dumps(provenance))
    if card_license:
        (folder / "README.md").write_text(f"---\nlicense: {card_license}\n---\n\n# Labels\n")
    return folder


def test_a_student_of_stored_labels_names_their_teacher_and_inherits_its_license(tmp_path: Path) -> None:
    large, small = (f"depth-anything/Depth-Anything-V2-{size}-hf" for size in ("Large", "Small"))
    start = {"encoder": "facebook/dinov2-small"}
    labels = stored_labels(tmp_path / "labels", large)
    lineage = labels_lineage([str(labels)])
    assert (lineage["teacher"], lineage["teacher_revision"]) == (large, "abc")
    assert lineage["labels"][0]["teacher_weights_sha256"] == "w 12"
    card = write_card(tmp_path / "student", license=None, lineage={**start, **lineage})
    # The photographs' license is not known.
    assert "license" not in metadata(tmp_path / "student")
    assert "It depends on labels labels (unknown)" in card.text and "at least as strict as cc-by-nc-4.0" in card.text
    assert str(tmp_path) not in card.content
    known = stored_labels(tmp_path / "known", large, "cc-by-nc-4.0")
    write_card(tmp_path / "student", license=None, lineage={**start, **labels_lineage([str(known)])})
    assert metadata(tmp_path / "student")["license"] == "cc-by-nc-4.0"
    free = stored_labels(tmp_path / "free", small, "cc-by-4.0")
    both = labels_lineage([str(known), str(free)])
    assert both["teacher"] == [large, small] and both["teacher_revision"] == ["abc", "abc"]
    write_card(tmp_path / "student", license=None, lineage={**start, **both})
    assert metadata(tmp_path / "student")["license"] == "cc-by-nc-4.0"
    found = metadata(tmp_path / "student")
    assert found["base_model"] == "facebook/dinov2-small" and found["teacher"] == [large, small]


def test_labels_of_an_unknown_teacher_leave_the_license_unknown(tmp_path: Path) -> None:
    labels = stored_labels(tmp_path / "labels", None, "cc0-1.0")
    lineage = {"encoder": "facebook/dinov2-small", **labels_lineage([str(labels)])}
    assert "teacher" not in lineage
    card = write_card(tmp_path / "student", license=None, lineage=lineage)
    assert "license" not in metadata(tmp_path / "student") and "teacher unknown" in card.text
    write_card(
        tmp_path / "student", license=None, lineage={"encoder": "facebook/dinov2-small", "labels": "by somebody"}
    )
    assert "license" not in metadata(tmp_path / "student")


def test_labels_on_the_hub_are_a_data_set_of_the_card(tmp_path: Path) -> None:
    # Without the Hub nothing is known about them, and that stops nothing.
    lineage = labels_lineage(["owner/labels"])
    write_card(tmp_path, license=None, lineage=lineage)
    assert metadata(tmp_path)["datasets"] == ["owner/labels"] and "license" not in metadata(tmp_path)
