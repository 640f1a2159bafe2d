# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Labelling runs with a second teacher and masks: what the shards hold, and that runs resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from label_runs import COLUMNS, contents, label, tiny_predictor
from transformers import SegformerConfig, SegformerForSemanticSegmentation
from transformers.models.segformer.image_processing_pil_segformer import SegformerImageProcessorPil

from depth_anything_hf.data.decoding.disparity_codec import decode_disparity
from depth_anything_hf.data.decoding.label_masks import decode_masks, masks_of_row
from depth_anything_hf.inference.confidence import find_confidence
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.inference.sky_segmentation import SkySegmenter, sky_classes
from depth_anything_hf.pseudo_labels.dataset_card import write_label_card
from depth_anything_hf.pseudo_labels.fusion import fuse_labels
from depth_anything_hf.pseudo_labels.fusion_settings import FusionSettings
from depth_anything_hf.pseudo_labels.lineage import labels_lineage
from depth_anything_hf.pseudo_labels.runner import LabelArguments
from depth_anything_hf.pseudo_labels.shards import read_summary
from depth_anything_hf.pseudo_labels.verify import verify_labels
from depth_anything_hf.utils.option_errors import OptionError


FIT_COLUMNS = ["fit_scale", "fit_shift", "fit_inliers", "fit_residual", "fit_ok"]
MASK_COLUMNS = ["masks", "sky_share", "teachers_share", "flip_share"]
# Random teachers agree about nothing.
LENIENT = FusionSettings(fit_tolerance=5.0, least_inliers=0.1, teachers_threshold=0.05)


@pytest.fixture(scope="module")
def metric() -> DepthPredictor:
    """A metric teacher that sees what the relative one does: its depth falls where that one's disparity rises."""
    predictor = tiny_predictor(depth_estimation_type="metric", max_depth=20)
    predictor.model.head.conv3.weight.data.neg_()
    return predictor


def sky_segmenter() -> SkySegmenter:
    torch.manual_seed(0)
    names = {0: "wall", 1: "sky", 2: "tree"}
    config = SegformerConfig(
        id2label=names,
        label2id={name: number for number, name in names.items()},
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        decoder_hidden_size=16,
    )
    processor = SegformerImageProcessorPil(size={"height": 64, "width": 64})
    return SkySegmenter(SegformerForSemanticSegmentation(config), processor)


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def _label_of(row: dict[str, Any]) -> np.ndarray:
    span = (row["disparity_minimum"], row["disparity_maximum"], row["disparity_encoding"])
    return decode_disparity(row["disparity"]["bytes"], *span)


def test_shards_hold_fused_labels_their_fits_and_masks(
    predictor: DepthPredictor, metric: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    sky = sky_segmenter()
    options: dict[str, Any] = {"scale_predictor": metric, "masks": ("sky", "teachers", "flip"), "keep_order": True}
    folder = tmp_path / "labels"
    label(predictor, photos, folder, sky_segmenter=sky, fusion=LENIENT, **options)
    rows = _rows(folder)
    assert list(rows[0]) == [*COLUMNS, "disparity_unit", *FIT_COLUMNS, *MASK_COLUMNS]
    kept = 0
    for row in rows:
        path = photos / row["name"].split("photos/")[-1]
        one, metres = predictor.predict(path), metric.predict(path)
        expected = fuse_labels(one, metres, max_depth=20, settings=LENIENT)
        assert row["fit_ok"] == expected.is_ok and row["disparity_unit"] == "1/m"
        assert row["fit_scale"] == pytest.approx(expected.scale, rel=1e-2)
        np.testing.assert_allclose(_label_of(row), expected.disparity, rtol=1e-3, atol=1e-5)
        kept += row["fit_ok"]
        masks = decode_masks(row["masks"], masks_of_row(row))
        assert masks["sky"].shape == one.shape and masks_of_row(row) == ("sky", "teachers", "flip")
        assert np.mean(masks["teachers"] == (expected.disagreement > 0.05)) > 0.98
        with_mirrored = find_confidence(one, [mirrored_prediction(predictor, path)], "disparity")
        assert np.mean(masks["flip"] == (with_mirrored < np.exp(-0.2))) > 0.98
        assert row["flip_share"] == pytest.approx(masks["flip"].mean(), abs=1e-6)
    assert len(rows) == 7 and kept
    assert verify_labels(folder).is_sound


def mirrored_prediction(predictor: DepthPredictor, path: Path) -> np.ndarray:
    from depth_anything_hf.data.decoding.images import read_image

    prepared = predictor.passes.prepare(read_image(path)).flip(-1)
    size = read_image(path).shape[:2]
    return predictor.passes.launch([prepared], [(size[0], size[1])])()[0][:, ::-1]


def test_bad_fits_are_kept_counted_and_hold_the_scale_teachers_prediction(
    predictor: DepthPredictor, metric: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    strict = FusionSettings(fit_tolerance=1e-9)
    report = label(predictor, photos, tmp_path / "labels", scale_predictor=metric, fusion=strict)
    assert report.labelled == 7 == report.bad_fits
    for row in _rows(tmp_path / "labels"):
        assert row["fit_ok"] is False
        np.testing.assert_allclose(1 / _label_of(row), metric.predict(Path(row["name"])), rtol=1e-3)
    again = label(predictor, photos, tmp_path / "labels", scale_predictor=metric, fusion=strict)
    assert again == report and again.labelled_now == 0
    assert verify_labels(tmp_path / "labels").is_sound


def test_a_run_of_two_teachers_resumes_to_the_same_shards_and_refuses_others(
    predictor: DepthPredictor, metric: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"scale_predictor": metric, "masks": ("teachers",), "fusion": LENIENT}
    report = label(predictor, photos, tmp_path / "labels", **options)
    before = contents(tmp_path / "labels")
    report.shards[1].unlink()
    assert label(predictor, photos, tmp_path / "labels", **options).labelled_now == 3
    assert contents(tmp_path / "labels") == before
    for changes, name in (
        ({"masks": ("flip",)}, "mask"),
        ({"fusion": FusionSettings(teachers_threshold=0.06, fit_tolerance=5.0, least_inliers=0.1)}, "mask_thresholds"),
        ({"scale_predictor": None, "masks": ()}, "fit"),
        ({"fusion": FusionSettings()}, "fit"),
    ):
        with pytest.raises(ValueError, match=f"other settings .*{name}"):
            label(predictor, photos, tmp_path / "labels", **{**options, **changes})


def test_masks_without_a_second_teacher_change_no_label(
    predictor: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    averaging = tiny_predictor()
    averaging = DepthPredictor(averaging.model, averaging.processor, batch_size=2, flip_averaging=True)
    for name, teacher in (("plain", predictor), ("averaged", averaging)):
        label(teacher, photos, tmp_path / f"{name}-alone")
        label(teacher, photos, tmp_path / name, masks=("flip",))
        for alone, row in zip(_rows(tmp_path / f"{name}-alone"), _rows(tmp_path / name), strict=True):
            assert {key: row[key] for key in COLUMNS} == {key: alone[key] for key in COLUMNS}
            assert row["sky_share"] is None and masks_of_row(row) == ("flip",)
    # The mean of both passes is mirrored into itself: the mask must be of the single ones.
    assert [row["flip_share"] for row in _rows(tmp_path / "averaged")] == pytest.approx(
        [row["flip_share"] for row in _rows(tmp_path / "plain")]
    )


def test_damaged_masks_and_shares_are_found(predictor: DepthPredictor, photos: Path, tmp_path: Path) -> None:
    from label_shards import write_shard

    report = label(predictor, photos, tmp_path / "labels", masks=("flip",), shard_size=10)
    (row,) = _rows(tmp_path / "labels")[:1]
    provenance = read_summary(report.shards[0]).provenance  # type: ignore[union-attr]
    for number, (changes, fault) in enumerate(
        (
            ({"flip_share": row["flip_share"] + 0.01}, "its mask flip covers"),
            ({"masks": row["masks"][:-20]}, "truncated"),
            ({"masks": None}, "no masks, and the share of flip"),
        )
    ):
        folder = tmp_path / str(number)
        write_shard(folder / "labels-00000-of-00001.parquet", [{**row, **changes}], provenance=provenance)
        assert fault in dict(verify_labels(folder).damaged)["labels-00000-of-00001.parquet"]


def test_card_and_lineage_name_both_teachers_and_the_stricter_license(
    predictor: DepthPredictor, metric: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    provenance = {
        "teacher": "depth-anything/Depth-Anything-V2-Small-hf",
        "scale_teacher": "someone/metric-model",
        "scale_teacher_revision": "abc",
        "scale_teacher_weights_sha256": {"model.safetensors": "12"},
    }
    options: dict[str, Any] = {"scale_predictor": metric, "masks": ("teachers",), "fusion": LENIENT}
    label(predictor, photos, tmp_path / "labels", provenance=provenance, **options)
    licenses = {"image_license": "cc0-1.0", "scale_teacher_license": "cc-by-nc-4.0"}
    card = write_label_card(tmp_path / "labels", title="Labels", **licenses).read_text(encoding="utf-8")
    assert "license: cc-by-nc-4.0" in card and "fitted to the scale teacher `someone/metric-model`" in card
    assert "(revision abc), whose metres it has" in card and "| scale teacher | cc-by-nc-4.0 |" in card
    assert "scale_teacher model.safetensors" in card and "fit_ok" in card and "## Masks" in card
    lineage = labels_lineage([str(tmp_path / "labels")])
    assert lineage["teacher"] == [provenance["teacher"], "someone/metric-model"]
    assert lineage["teacher_revision"] == [None, "abc"]
    assert "in the scale of someone/metric-model" in lineage["labels"][0]["note"]
    assert lineage["labels"][0]["scale_teacher_weights_sha256"] == "model.safetensors 12"
    unknown = write_label_card(tmp_path / "labels", title="Labels", image_license="cc0-1.0").read_text(
        encoding="utf-8"
    )
    assert "| scale teacher | unknown |" in unknown and "license: cc" not in unknown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"masks": "teachers"}, "name the other one by scale_teacher"),
        ({"masks": "sky"}, "needs sky_teacher, a model of semantic segmentation"),
        ({"sky_teacher": "a/b"}, "add sky to masks"),
        ({"masks": "clouds"}, "masks must be one of"),
        ({"scale_input_size": 518}, "--scale_input_size is for a second teacher"),
        ({"sky_teacher_license": "mit"}, "--sky_teacher_license is for a sky teacher"),
        ({"fit_tolerance": 0.2}, "--fit_tolerance has no effect without --scale_teacher"),
        ({"least_inliers": 0.2}, "--least_inliers has no effect without --scale_teacher"),
        ({"scale_teacher": "x", "teachers_threshold": 0.2}, "--teachers_threshold has no effect without --masks"),
        ({"flip_threshold": 0.1}, "--flip_threshold has no effect without --masks flip"),
        ({"scale_teacher": "x", "masks": "sky", "sky_threshold": 0.2}, "--sky_threshold has no effect without --sky"),
        ({"scale_teacher": "a/b", "fit_tolerance": -1.0}, "fit_tolerance is -1"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        LabelArguments("t", "d", "labels", **options)


def test_teachers_in_the_wrong_order_are_refused(
    predictor: DepthPredictor, metric: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="exchange --teacher and --scale_teacher"):
        label(metric, photos, tmp_path / "labels", scale_predictor=predictor)
    assert not (tmp_path / "labels").exists()


def test_sky_by_two_teachers_needs_one_that_sees_far(
    predictor: DepthPredictor, metric: DepthPredictor, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=r"largest depth is at least 50 m, this one has a largest depth of 20"):
        label(predictor, photos, tmp_path / "labels", scale_predictor=metric, masks=("sky",))
    with pytest.raises(OptionError, match="this one has no metres"):
        label(predictor, photos, tmp_path / "labels", scale_predictor=predictor, masks=("sky",))
    far = tiny_predictor(depth_estimation_type="metric", max_depth=80)
    label(predictor, photos, tmp_path / "labels", scale_predictor=far, masks=("sky",))
    assert all(row["sky_share"] is not None for row in _rows(tmp_path / "labels"))


def test_classes_of_sky_are_found_by_their_names() -> None:
    assert sky_classes({0: "road", 10: "sky"}) == [10]
    assert sky_classes({"2": "Sky", "5": "sky-other-merged", "7": "skyscraper"}) == [2, 5]
    with pytest.raises(ValueError, match=r"class called 'sky', got 2 classes: skyscraper, wall; models of ADE20K"):
        sky_classes({0: "skyscraper", 1: "wall"})


def test_the_probability_of_sky_is_that_of_the_segmentation(tmp_path: Path) -> None:
    sky = sky_segmenter()
    sky.model.save_pretrained(tmp_path)
    sky.processor.save_pretrained(tmp_path)
    try:
        opened = SkySegmenter.from_pretrained(tmp_path, device="cpu")
    except ImportError as error:
        # Earlier versions of transformers have no AutoImageProcessor without it.
        if "Torchvision" not in str(error):
            raise
        pytest.skip("this version of transformers needs torchvision for the processor of a segmentation")
    image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    (found,) = opened.launch([opened.prepare(image)], [(40, 30)])()
    with torch.inference_mode():
        logits = sky.model(pixel_values=sky.prepare(image)[None]).logits
    expected = torch.nn.functional.interpolate(logits.softmax(1)[:, 1:2], size=(40, 30), mode="bilinear")[0, 0]
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "depth_anything"}))
    with pytest.raises(ValueError, match="none of semantic segmentation"):
        SkySegmenter.from_pretrained(tmp_path, device="cpu")
