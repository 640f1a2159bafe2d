# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of protocols: names, versions, sources, and the table of docs/evaluation.md."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from depth_anything_hf.data.public.catalog import PUBLIC_DATASETS
from depth_anything_hf.evaluation.protocols import PROTOCOL_GROUPS, PROTOCOLS, describe, find_protocol, identify
from depth_anything_hf.evaluation.settings import EvaluationSettings


DOCUMENT = Path(__file__).parents[2] / "docs" / "evaluation.md"


def test_every_protocol_has_a_reader_an_identifier_and_a_source() -> None:
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name and protocol.identifier == f"{name}@{protocol.version}"
        assert protocol.settings.protocol == identify(protocol.settings) == protocol.identifier
        assert describe(protocol.settings).startswith(protocol.identifier)
        assert protocol.source and protocol.matches and protocol.title
        dataset = PUBLIC_DATASETS[protocol.reader]
        assert protocol.split is None or protocol.split in dataset.splits
        assert set(protocol.options) <= set(dataset.options)
        assert (dataset.label == "pairs") == protocol.settings.scores_pairs
        for record in (asdict(protocol.settings), protocol.settings.record()):
            assert EvaluationSettings(**json.loads(json.dumps(record))) == protocol.settings
    # Their protocol was never published, so no number of ours may be put beside the papers'.
    for name in ("diode", "eth3d", "sintel"):
        assert PROTOCOLS[name].matches == "none known" and "do not compare" in PROTOCOLS[name].notes


def test_the_document_lists_every_protocol_with_its_rules() -> None:
    rows = {
        cells[0].strip(" `"): cells
        for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
        if (cells := line.strip("|").split("|"))[0].strip().startswith("`") and line.startswith("|")
    }
    assert list(rows) == [protocol.identifier for protocol in PROTOCOLS.values()]
    for protocol in PROTOCOLS.values():
        _, images, crop, cap, alignment = (cell.strip() for cell in rows[protocol.identifier][:5])
        settings = protocol.settings
        assert images == (str(protocol.images) if protocol.images else "-")
        assert crop == (", ".join(filter(None, (settings.image_crop, settings.crop))) or "-")
        assert alignment == ("none" if settings.scores_pairs else settings.alignment)
        assert cap == ("-" if settings.scores_pairs else f"{settings.min_depth:g} to {settings.max_depth:g}")


def test_a_protocol_is_found_by_name_and_by_identifier() -> None:
    assert find_protocol("nyu") is find_protocol("nyu@1") is PROTOCOLS["nyu"]
    with pytest.raises(ValueError, match=r"protocol must be one of .* got 'kiti'; did you mean 'kitti'"):
        find_protocol("kiti")
    with pytest.raises(ValueError, match="version 1 in this release, got version 9"):
        find_protocol("nyu@9")
    assert len(PROTOCOL_GROUPS["moge-bundle"]) == 10 and set(PROTOCOL_GROUPS["moge-bundle"]) < set(PROTOCOLS)
    with pytest.raises(ValueError, match="'moge-bundle' is a group of protocols; name one of them: moge-nyu"):
        find_protocol("moge-bundle")
    with pytest.raises(ValueError, match="did you mean 'moge-bundle'"):
        find_protocol("moge-bundel")


def test_changed_settings_no_longer_pass_as_the_protocol() -> None:
    nyu = PROTOCOLS["nyu"].settings
    assert identify(replace(nyu, max_depth=20.0)) == "nyu@1, modified"
    assert identify(replace(nyu, protocol="nyu@9")) == "nyu@9, modified"
    assert identify(EvaluationSettings()) == "own settings"
