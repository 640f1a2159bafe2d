# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The card of a dataset of pseudo-labels."""

from __future__ import annotations

import pytest

from depth_anything_hf.pseudo_labels.dataset_card import _size_category


@pytest.mark.parametrize(
    ("rows", "category"), [(999, "n<1K"), (62_000_000, "10M<n<100M"), (10**9, "1B<n<10B"), (10**12, "n>1T")]
)
def test_sizes_of_data_sets_as_the_hub_names_them(rows: int, category: str) -> None:
    assert _size_category(rows) == category
