# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Licenses of cards: the strictest of all parts, and unknown ones stated as such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cards import LINEAGE, metadata, write_card

from depth_anything_hf.hub.licenses import (
    check_known_license,
    license_fields,
    license_identifier,
    original_license,
    published_license,
    strictest_license,
)


@pytest.mark.parametrize("license", [None, "unknown"])
def test_an_unknown_license_is_said_and_not_claimed(tmp_path: Path, license: str | None) -> None:
    card = write_card(tmp_path, license=license)
    assert "License of this model: unknown" in card.text
    assert "license" not in metadata(tmp_path)


def test_a_license_the_hub_does_not_list_gets_a_name(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("Do no harm.")
    data: Any = write_card(tmp_path, license="My Research License 1.0").data
    assert (data.license, data.license_name, data.license_link) == ("other", "my-research-license-1.0", "LICENSE")


@pytest.mark.parametrize(
    ("parts", "name", "words"),
    [
        ([("code", "apache-2.0"), ("teacher", "CC-BY-NC-4.0"), ("images", "mit")], "cc-by-nc-4.0", "strictest of its"),
        ([("code", "apache-2.0"), ("images", "cc-by-sa-4.0")], "cc-by-sa-4.0", "images: cc-by-sa-4.0"),
        ([("code", "apache-2.0"), ("images", None)], None, "images (unknown)"),
        ([("teacher", "cc-by-nc-4.0"), ("images", "my terms")], None, "at least as strict as cc-by-nc-4.0"),
        ([], None, "not recorded"),
        ([("a", "cc-by-nc-4.0"), ("b", "cc-by-nc-sa-4.0"), ("c", "cc-by-4.0")], "cc-by-nc-sa-4.0", "strictest"),
        ([("a", "cc-by-sa-4.0"), ("b", "mpl-2.0")], "gpl-3.0", "carries the obligations of all"),
        ([("code", "apache-2.0"), ("b", "lgpl-2.1")], "gpl-3.0", "carries the obligations of all"),
        ([("code", "apache-2.0"), ("b", "mpl-2.0"), ("c", "cc0-1.0")], "mpl-2.0", "strictest"),
        ([("a", "cc-by-4.0"), ("b", "gpl-2.0")], "gpl-2.0", "strictest"),
        ([("a", "cc-by-3.0"), ("b", "gpl-3.0")], None, "b: gpl-3.0"),
        ([("a", "odc-by"), ("b", "cc-by-sa-4.0")], None, "a: odc-by"),
        ([("a", "cc-by-4.0"), ("b", "odbl")], None, "b: odbl"),
        ([("a", "odc-by"), ("b", "cc-by-nc-4.0")], "cc-by-nc-4.0", "strictest"),
        ([("a", "cc-by-nc-4.0"), ("b", "cc-by-nd-4.0")], None, "is passed on (b: cc-by-nd-4.0)"),
        ([("b", "cc-by-nc-nd-4.0")], None, "is passed on (b: cc-by-nc-nd-4.0)"),
        ([("a", "cc-by-sa-3.0"), ("b", "cc-by-sa-4.0")], "cc-by-sa-4.0", "strictest"),
        ([("code", "apache-2.0"), ("a", "gpl-3.0"), ("b", "cc-by-sa-4.0")], "gpl-3.0", "strictest"),
        ([("a", "cc-by-sa-4.0"), ("b", "cc-by-nc-4.0")], None, "(a: cc-by-sa-4.0, b: cc-by-nc-4.0)"),
        ([("a", "cc-by-sa-4.0"), ("b", "cc-by-nc-sa-4.0")], None, "cc-by-nc-sa-4.0 asks for"),
        ([("a", "cc-by-sa-4.0"), ("b", "cc-by-nd-4.0")], None, "is passed on (b: cc-by-nd-4.0)"),
        ([("a", "gpl-3.0"), ("b", "cc-by-nc-4.0"), ("c", "mit")], None, "(a: gpl-3.0, b: cc-by-nc-4.0)"),
        ([("code", "apache-2.0"), ("a", "gpl-2.0")], None, "a: gpl-2.0"),
        ([("a", "openrail"), ("b", "cc-by-nc-4.0")], None, "openrail asks for attribution, limits of use of its own"),
        (
            [("a", "cc-by-sa-4.0"), ("b", "cc-by-nc-4.0"), ("c", None)],
            None,
            "No license is known to meet the terms of all",
        ),
        ([("a", "CC BY-NC-SA 4.0"), ("b", "Apache 2.0")], "cc-by-nc-sa-4.0", "strictest"),
    ],
)
def test_the_strictest_license_of_all_parts(parts: Any, name: str | None, words: str) -> None:
    found = strictest_license(parts)
    assert found.name == name and words in found.reason


def test_the_license_is_derived_where_every_part_has_one(tmp_path: Path) -> None:
    lineage = {**LINEAGE, "data": [{"name": "owner/photographs", "license": "cc-by-4.0"}]}
    card = write_card(tmp_path, license=None, lineage=lineage)
    assert metadata(tmp_path)["license"] == "cc-by-nc-4.0"
    assert "teacher: cc-by-nc-4.0" in card.text
    # Nobody gave the licenses of these well-known weights.
    lineage = {"encoder": "facebook/dinov2-base", "teacher": "depth-anything/Depth-Anything-V2-Small-hf"}
    write_card(tmp_path, license=None, lineage=lineage)
    assert metadata(tmp_path)["license"] == "apache-2.0"
    card = write_card(tmp_path, license="mit", lineage=LINEAGE)
    assert metadata(tmp_path)["license"] == "mit"
    assert "although parts of it are under stricter terms (teacher: cc-by-nc-4.0)" in card.text


@pytest.mark.parametrize(
    ("name", "license"),
    [
        ("facebook/dinov2-giant", "apache-2.0"),
        ("depth-anything/Depth-Anything-V2-Small-hf", "apache-2.0"),
        ("depth-anything/Depth-Anything-V2-Large", "cc-by-nc-4.0"),
        ("depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf", None),
        ("somebody/depth", None),
        (None, None),
    ],
)
def test_licenses_of_published_weights(name: str | None, license: str | None) -> None:
    assert published_license(name) == license


def test_the_authors_name_licenses_for_relative_models_of_the_second_version_only() -> None:
    found = original_license("large", is_metric=False, feature_layers="v2")
    assert found.name == "cc-by-nc-4.0" and "release of Depth Anything V2 (large)" in found.reason
    assert original_license("large", is_metric=True, feature_layers="v2").reason.startswith(
        "not stated by the authors"
    )
    for size, layers in ((None, "v2"), ("small", "v1"), ("small", "given")):
        assert original_license(size, is_metric=False, feature_layers=layers) == (None, "unknown")


@pytest.mark.parametrize(
    ("name", "license"),
    [
        ("depth-anything/Depth-Anything-V2-Large-hf", "apache-2.0"),
        ("Depth-Anything/depth-anything-v2-base", "MIT"),
        ("models/Depth-Anything-V2-Large-hf", "cc-by-4.0"),
        ("depth-anything/Depth-Anything-V2-Giant", "cc-by-sa-4.0"),
    ],
)
def test_a_license_that_weights_are_known_not_to_have_is_refused(name: str, license: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"teacher license .* contradicts that of .*cc-by-nc-4\.0"):
        check_known_license("teacher", name, license)
    with pytest.raises(ValueError, match="contradicts"):
        write_card(
            tmp_path, license=None, lineage={"teacher": [name, "runs/other"], "teacher_license": [license, None]}
        )


def test_stricter_licenses_agreements_and_unknown_weights_are_taken_as_stated(tmp_path: Path) -> None:
    large = "depth-anything/Depth-Anything-V2-Large-hf"
    for license in (None, "unknown", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "agreement of May 2026"):
        check_known_license("teacher", large, license)
    check_known_license("teacher", "somebody/depth", "apache-2.0")
    check_known_license("teacher", None, "apache-2.0")
    # A folder's own card is known too.
    (tmp_path / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n\n# Model\n")
    with pytest.raises(ValueError, match=r"published under cc-by-nc-4\.0"):
        check_known_license("teacher", str(tmp_path), "apache-2.0")
    (tmp_path / "README.md").write_text("---\nlicense: cc-by-nd-4.0\n---\n\n# Model\n")
    check_known_license("teacher", str(tmp_path), "cc-by-nd-4.0")


def test_the_hub_gets_its_own_identifier() -> None:
    assert license_fields("CC BY-NC-SA 4.0", False) == {"license": "cc-by-nc-sa-4.0"}
    assert license_fields("Gemma", False) == {"license": "other", "license_name": "gemma"}


@pytest.mark.parametrize(
    ("spelled", "identifier"),
    [
        *(("Apache License, Version 2.0", "apache-2.0"), ("apache2", "apache-2.0"), ("The MIT License", "mit")),
        *(("CC BY-NC-SA 4.0 International", "cc-by-nc-sa-4.0"), ("CC0 1.0 Universal", "cc0-1.0")),
        *(("GPLv3", "gpl-3.0"), ("3-clause BSD", "bsd-3-clause"), ("BSD-3-Clause-Clear", None)),
        ("https://creativecommons.org/licenses/by-nc/4.0/legalcode", "cc-by-nc-4.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0"),
        ("Creative Commons Attribution-NonCommercial-NoDerivatives 4.0", "cc-by-nc-nd-4.0"),
        *(("cc-by-nc", None), ("gpl", None), ("not mit", None), ("mit or gpl", None), ("license", None)),
        *(("", None), (None, None)),
    ],
)
def test_licenses_are_known_however_they_are_spelled(spelled: str | None, identifier: str | None) -> None:
    assert license_identifier(spelled) == identifier


@pytest.mark.parametrize("license", ["apache2", "Apache License, Version 2.0", "MIT License", "CC BY 4.0"])
def test_a_license_contradicts_in_every_spelling(license: str) -> None:
    with pytest.raises(ValueError, match="contradicts that of"):
        check_known_license("teacher", "depth-anything/Depth-Anything-V2-Large-hf", license)
