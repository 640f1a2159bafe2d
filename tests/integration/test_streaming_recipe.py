# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A recipe names streams, and the source that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numbers_data import write_numbered_shards
from sample_files import colour_ramp, depth_ramp, write_pairs

from depth_anything_hf.data.streaming_mixture import StreamingMixture
from depth_anything_hf.recipes.arguments import DataArguments, ModelArguments


RGB = colour_ramp()


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shards")
    write_numbered_shards(root)
    return root


def test_a_recipe_names_streams_and_the_source_that_cannot_be_used(shards: Path, tmp_path: Path) -> None:
    model = ModelArguments(encoder_config="{}", input_size=14)
    write_pairs(tmp_path / "pairs", RGB, depth_ramp(), ["a", "b"])
    pairs = {"path": str(tmp_path / "pairs"), "weight": 1.0}
    stream = {"path": str(shards), "weight": 2.0, "streaming": True}
    mixture = DataArguments(train_data=[stream, pairs]).mixture(model, seed=3)  # type: ignore[list-item]
    assert isinstance(mixture, StreamingMixture) and mixture.seed == 3
    assert np.allclose(mixture.weights, [2 / 3, 1 / 3])
    assert next(mixture.part(0, 1))["pixel_values"].shape == (3, 14, 14)
    for picture in (tmp_path / "pairs" / "images").iterdir():
        picture.write_bytes(b"")
    with pytest.raises(ValueError, match=r"pairs: none of its first samples can be used.*the file is empty"):
        DataArguments(train_data=[stream, pairs]).mixture(model, seed=3)  # type: ignore[list-item]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        DataArguments(train_data=[str(shards), str(tmp_path / "nowhere")]).mixture(model, seed=3)
