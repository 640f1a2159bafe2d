# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The card of a dataset of pseudo-labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_runs import PROVENANCE, label

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.pseudo_labels.dataset_card import SAMPLES_FILE, _size_category, write_label_card
from depth_anything_hf.pseudo_labels.push import push_labels
from depth_anything_hf.pseudo_labels.shards import MANIFEST_FILE, join_manifest


@pytest.mark.parametrize(
    ("rows", "category"), [(999, "n<1K"), (62_000_000, "10M<n<100M"), (10**9, "1B<n<10B"), (10**12, "n>1T")]
)
def test_sizes_of_data_sets_as_the_hub_names_them(rows: int, category: str) -> None:
    assert _size_category(rows) == category


def test_card_and_manifest_replace_no_file_of_the_user(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels"
    label(predictor, photos, labels, provenance=PROVENANCE)
    for name in (SAMPLES_FILE, MANIFEST_FILE):
        (labels / name).parent.mkdir(exist_ok=True)
        (labels / name).write_text("mine")
        # Before anything is on the Hub.
        with pytest.raises(FileExistsError, match=f"{name}: already there .* move it away"):
            push_labels(labels, "owner/labels", endpoint="http://localhost:9")
        assert (labels / name).read_text() == "mine" and not (labels / "README.md").exists()
        (labels / name).unlink()
    for _ in range(2):
        write_label_card(labels, title="Labels")
        join_manifest(labels)
    # A run that was killed has not come as far as the card.
    (labels / "README.md").unlink()
    write_label_card(labels, title="Labels")
