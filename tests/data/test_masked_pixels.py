# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Masked pixels from the row of a shard to the batch: unknown, or of less weight; masks that were not made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from label_shards import SIZE, row, write_shard
from masked_labels import masked_row, quarter_masks, write_masked_shard

from depth_anything_hf.data.batches import collate
from depth_anything_hf.data.cutmix import cutmix
from depth_anything_hf.data.decoding.errors import BrokenSampleError
from depth_anything_hf.data.decoding.label_masks import MissingMaskError, encode_masks
from depth_anything_hf.data.masked_pixels import WEIGHTS, MaskedPixels
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.data.streaming_mixture import StreamingMixture
from depth_anything_hf.data.transforms import TrainingTransform


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    write_masked_shard(tmp_path / "labels" / "labels-00000-of-00001.parquet", [masked_row("a.png"), masked_row("bb")])
    return tmp_path / "labels"


def test_masked_pixels_are_unknown(labels: Path) -> None:
    plain = open_source(str(labels))[0]["disparity"]
    masks = quarter_masks()
    for names, masked in (
        (["sky"], masks["sky"]),
        ("teachers", masks["teachers"]),
        (["teachers", "sky"], masks["sky"] | masks["teachers"]),
    ):
        sample = open_source({"path": str(labels), "ignore_masks": names})[0]
        assert np.isnan(sample["disparity"][masked]).all()
        assert np.array_equal(sample["disparity"][~masked], plain[~masked])
        assert WEIGHTS not in sample


def test_masked_pixels_weigh_less(labels: Path) -> None:
    plain = open_source(str(labels))[1]["disparity"]
    sample = open_source({"path": str(labels), "ignore_masks": ["sky"], "mask_weight": 0.2})[1]
    assert np.array_equal(sample["disparity"], plain)
    expected = np.where(quarter_masks()["sky"], np.float32(0.2), np.float32(1))
    assert sample[WEIGHTS].dtype == np.float32
    assert np.array_equal(sample[WEIGHTS], expected)


def test_streams_mask_as_tables_do(labels: Path) -> None:
    table = open_source({"path": str(labels), "ignore_masks": ["sky"]})
    stream = open_source({"path": str(labels), "ignore_masks": ["sky"], "streaming": True})
    part = StreamingMixture([stream], lambda sample, random: sample).part(0, 1)
    found = {sample["name"]: sample["disparity"] for sample in (next(part) for _ in range(2))}
    for index in range(2):
        np.testing.assert_array_equal(found[table[index]["name"]], table[index]["disparity"])


def test_a_mask_that_was_not_made_is_refused_with_how_to_make_it(labels: Path, tmp_path: Path) -> None:
    source = {"path": str(labels), "ignore_masks": ["flip", "sky"]}
    samples = open_source(source)
    with pytest.raises(MissingMaskError, match=r"row 0 \(a.png\): expected the mask 'flip' .* got only sky, teachers"):
        samples[0]
    plain = write_shard(tmp_path / "plain" / "labels-00000-of-00001.parquet", [row("a")]).parent
    for streaming in (False, True):
        with pytest.raises(MissingMaskError, match=r"got no masks\. Label .* pseudo-label --masks sky"):
            open_source({"path": str(plain), "ignore_masks": ["sky"], "streaming": streaming})


def test_a_row_with_nothing_masked_may_have_no_picture_of_masks() -> None:
    label = np.ones(SIZE, dtype=np.float32)
    masked = MaskedPixels("sky", 0.5)
    values, weights = masked.apply({"masks": None, "sky_share": 0.0}, label, "row 0")
    assert values is label
    assert weights is not None
    assert (weights == 1).all()
    with pytest.raises(MissingMaskError, match="row 0"):
        masked.apply({"masks": None, "sky_share": None}, label, "row 0")
    small = encode_masks({"sky": np.zeros((2, 2), dtype=bool)})
    with pytest.raises(BrokenSampleError, match=r"the masks are \(2, 2\) and the label \(6, 8\)"):
        masked.apply({"masks": {"bytes": small, "path": None}, "sky_share": 0.0}, label, "row 0")


def test_sources_without_masks_are_refused(tmp_path: Path, rgb: np.ndarray, depth: np.ndarray) -> None:
    for folder, name, content in (("images", "a.npy", rgb), ("depth", "a.npy", depth)):
        (tmp_path / "pairs" / folder).mkdir(parents=True)
        np.save(tmp_path / "pairs" / folder / name, content)
    from PIL import Image

    (tmp_path / "pairs" / "images" / "a.npy").unlink()
    Image.fromarray(rgb).save(tmp_path / "pairs" / "images" / "a.png")
    with pytest.raises(MissingMaskError, match="pairs: expected the mask 'sky'"):
        open_source({"path": str(tmp_path / "pairs"), "ignore_masks": ["sky"]})
    with pytest.raises(ValueError, match="ignore_masks is for labelled data"):
        open_source({"path": str(tmp_path / "pairs"), "kind": "photos", "ignore_masks": ["sky"]})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mask_weight": 0.5}, "mask_weight is of pixels in ignore_masks"),
        ({"ignore_masks": ["sky"], "mask_weight": 1.5}, "mask_weight is 1.5, expected 0"),
        ({"ignore_masks": ["clouds"]}, "clouds"),
    ],
)
def test_fields_that_do_not_go_together(labels: Path, fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_source({"path": str(labels), **fields})


def test_weights_are_cropped_and_mirrored_with_the_label() -> None:
    """The label holds the weights themselves, so that both must stay equal."""
    random = np.random.default_rng(0)
    weights = random.random((50, 70), dtype=np.float32)
    sample = {"image": np.zeros((50, 70, 3), dtype=np.uint8), "disparity": weights, WEIGHTS: weights, "name": "a"}
    transform = TrainingTransform(size=28, horizontal_flip=0.5, vertical_flip=0.5)
    for seed in range(8):
        item = transform(sample, np.random.default_rng(seed))
        assert torch.equal(item["labels"], item[WEIGHTS])
    with pytest.raises(ValueError, match="expected label_weights of the size of the label"):
        transform({**sample, WEIGHTS: weights[:4]}, random)


def test_a_batch_mixes_samples_with_and_without_weights() -> None:
    first = {"pixel_values": torch.zeros(3, 4, 4), "labels": torch.rand(4, 4), "name": "a"}
    second = {**first, "labels": torch.rand(4, 4), WEIGHTS: torch.rand(4, 4), "name": "b"}
    batch = collate([first, second])
    assert torch.equal(batch[WEIGHTS][0], torch.ones(4, 4))
    assert torch.equal(batch[WEIGHTS][1], second[WEIGHTS])
    assert WEIGHTS not in collate([first, first])
    mixed = cutmix({**batch, "labels": batch[WEIGHTS]}, np.random.default_rng(0), 1.0)
    assert mixed["region"].any()
    assert torch.equal(mixed["labels"], mixed[WEIGHTS])
