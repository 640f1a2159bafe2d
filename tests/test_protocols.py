# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of protocols, and what each of its rules does to a score."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from sample_files import write_moge

from depth_anything_hf.data.public.catalog import PUBLIC_DATASETS
from depth_anything_hf.evaluation.datasets import open_benchmarks, open_protocol
from depth_anything_hf.evaluation.protocols import PROTOCOL_GROUPS, PROTOCOLS, describe, find_protocol, identify
from depth_anything_hf.evaluation.scoring import cut_sample, score_image, target_of
from depth_anything_hf.evaluation.settings import CROPS, EvaluationSettings
from depth_anything_hf.metrics.boundaries import depth_edges
from depth_anything_hf.metrics.ordinal import point_pairs_correct


DOCUMENT = Path(__file__).parents[1] / "docs" / "evaluation.md"


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
    with pytest.raises(ValueError, match="unknown 'kiti'; did you mean 'kitti'"):
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


def test_crops() -> None:
    def window(name: str, height: int, width: int) -> tuple[int, ...]:
        rows, columns = CROPS[name].window(height, width)
        return rows.start, rows.stop, columns.start, columns.stop

    assert window("eigen-nyu", 480, 640) == (45, 471, 41, 601)
    assert window("garg", 375, 1242) == (153, 371, 44, 1197)
    assert window("eigen-kitti", 352, 1216) == (117, 321, 43, 1172)
    assert window("kitti-benchmark", 375, 1242) == (23, 375, 13, 1229)
    with pytest.raises(ValueError, match=r"a\.png: crop 'eigen-nyu': .*480 x 640.*got 240 x 320"):
        EvaluationSettings(crop="eigen-nyu").window("crop", 240, 320, "a.png")
    with pytest.raises(ValueError, match="does not fit into 300 x 1242"):
        CROPS["kitti-benchmark"].window(300, 1242)


def ramp(height: int = 40, width: int = 60) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    return (1.0 + rows / 10 + columns / 20).astype(np.float32)


def test_pixels_outside_the_crop_do_not_count() -> None:
    depth = ramp(480, 640)
    damaged = depth.copy()
    damaged[:45], damaged[471:], damaged[:, :41], damaged[:, 601:] = 3, 3, 3, 3
    settings = PROTOCOLS["nyu-metric"].settings
    wrong_outside = score_image(damaged, {"depth": depth, "name": "a"}, settings, "depth")
    assert wrong_outside["abs_rel"] == 0 and wrong_outside["delta1"] == 1
    inside = depth[45:471, 41:601]
    assert wrong_outside["valid_pixels"] == (inside <= 10).sum() < inside.size


def test_the_benchmark_crop_cuts_image_and_label_before_the_model_sees_them() -> None:
    settings = PROTOCOLS["marigold-kitti"].settings
    image = np.arange(375 * 1242, dtype=np.uint32).astype(np.uint8).reshape(375, 1242, 1).repeat(3, axis=2)
    depth = ramp(375, 1242) / 2
    cut = cut_sample({"image": image, "depth": depth, "name": "a"}, settings)
    assert np.array_equal(cut["image"], image[23:, 13:1229])
    assert np.array_equal(cut["depth"], depth[23:, 13:1229])
    target = target_of(cut, settings)
    assert not target.mask[:117].any() and target.mask[117:321, 43:1172].all()  # type: ignore[union-attr]


@pytest.mark.parametrize("alignment", ["disparity", "depth", "median", "none"])
def test_each_alignment_forgives_what_it_fits(alignment: Any) -> None:
    depth = ramp()
    sample = {"depth": depth, "name": "a"}
    settings = EvaluationSettings(alignment=alignment)
    outputs = {
        "exact": depth,
        "scaled": 1.7 * depth,
        "shifted": 1.7 * depth + 0.8,
        "shifted disparity": 1 / (0.6 / depth + 0.05),
    }
    forgiven = {
        name for name, output in outputs.items() if score_image(output, sample, settings, "depth")["abs_rel"] < 1e-6
    }
    expected = {
        "none": {"exact"},
        "median": {"exact", "scaled"},
        "depth": {"exact", "scaled", "shifted"},
        "disparity": {"exact", "scaled", "shifted disparity"},
    }
    assert forgiven == expected[alignment]
    if alignment != "disparity":
        with pytest.raises(ValueError, match="use alignment='disparity'"):
            score_image(1 / depth, sample, settings, "disparity")


def test_the_clamp_decides_pixels_whose_aligned_disparity_is_negative() -> None:
    depth = ramp()
    output = 1 / depth
    output[0, :3] = -0.01  # behind everything, also once it is aligned
    sample = {"depth": depth, "name": "a"}
    results = {
        clamp: score_image(output, sample, EvaluationSettings(clamp=clamp), "disparity")
        for clamp in ("range", "farthest label")
    }
    assert results["range"]["rmse"] > 5 * results["farthest label"]["rmse"]
    assert 0 < results["range"]["clamped_share"] <= results["farthest label"]["clamped_share"]


def test_a_smallest_disparity_limits_the_prediction_and_not_the_label() -> None:
    depth = ramp()
    depth[:4] = 5000.0
    output = 1 / depth
    sample = {"depth": depth, "name": "a"}
    unlimited = replace(PROTOCOLS["marigold-eth3d-disparity"].settings, min_aligned_disparity=None)
    assert unlimited.fit_positive_only
    limited = score_image(output, sample, PROTOCOLS["marigold-eth3d-disparity"].settings, "disparity")
    assert limited["valid_pixels"] == depth.size and limited["clamped_share"] == pytest.approx(0.1)
    # A tenth of the pixels at 1000 m instead of 5000 m; all else is exact.
    assert limited["abs_rel"] == pytest.approx(0.1 * 0.8, abs=1e-4)
    assert score_image(output, sample, unlimited, "disparity")["abs_rel"] < 1e-4
    for name, protocol in PROTOCOLS.items():
        expected = 1e-3 if name.startswith("marigold") and name.endswith("-disparity") else None
        assert protocol.settings.min_aligned_disparity == expected
    for wrong in (0.0, 1e3):
        with pytest.raises(ValueError, match="min_aligned_disparity"):
            EvaluationSettings(min_aligned_disparity=wrong)


def test_labels_far_beyond_the_nearest_do_not_count() -> None:
    settings = PROTOCOLS["moge-ddad"].settings
    depth = ramp()
    depth[0, :7] = 9000.0
    depth[1, :3] = 900.0
    target = target_of({"depth": depth, "name": "a"}, settings)
    # The nearest percent is about 1 m away.
    assert np.array_equal(target.mask, depth < 1000)  # type: ignore[union-attr]
    assert target.max_depth == 900  # type: ignore[union-attr]
    for name, protocol in PROTOCOLS.items():
        assert protocol.settings.largest_over_near_quantile == (1000 if name.startswith("moge-") else None)
    with pytest.raises(ValueError, match="largest_over_near_quantile must be more than 1"):
        EvaluationSettings(largest_over_near_quantile=1.0)


def test_the_fit_may_leave_pixels_out_but_the_score_does_not() -> None:
    depth = ramp()
    output = 0.5 / depth + 0.1
    output[::2, 1:] = 0.0
    sample = {"depth": depth, "name": "a"}
    everywhere = score_image(output, sample, EvaluationSettings(), "disparity")
    positive = score_image(output, sample, EvaluationSettings(fit_positive_only=True), "disparity")
    # Half of the pixels are exact once the others do not disturb the fit.
    assert positive["delta1"] > everywhere["delta1"] and positive["delta1"] == pytest.approx(0.5, abs=0.03)
    assert positive["valid_pixels"] == everywhere["valid_pixels"] == depth.size
    # A grid of every second row and column misses the zeros.
    output = 0.5 / depth + 0.1
    output[1::2, 1::2] = 0.0
    grid = score_image(output, sample, EvaluationSettings(fit_max_side=30), "disparity")
    assert grid["delta1"] > 0.74 > score_image(output, sample, EvaluationSettings(), "disparity")["delta1"]


def test_a_prediction_is_enlarged_to_the_label_and_never_the_label_reduced() -> None:
    # A plane in disparity; with aligned corners its bilinear enlargement is the same plane.
    large, small = (np.linspace(0.1, 0.5, h)[:, None] + np.linspace(0.0, 0.3, w) for h, w in ((80, 120), (40, 60)))
    sample = {"depth": 1 / large, "name": "a"}
    found = score_image(small, sample, EvaluationSettings(), "disparity")
    assert found["valid_pixels"] == 80 * 120 and found["abs_rel"] < 1e-6
    with pytest.raises(
        ValueError, match=r"a: the prediction is \(40, 57\) and the label \(80, 120\); both must have one aspect ratio"
    ):
        score_image(small[:, :-3], sample, EvaluationSettings(), "disparity")
    with pytest.raises(ValueError, match=r"b\.png: the image is \(40, 60\) and the label \(41, 60\)"):
        cut_sample(
            {"image": np.zeros((40, 60, 3), dtype=np.uint8), "depth": ramp(41, 60), "name": "b.png"},
            EvaluationSettings(),
        )


def test_boundaries_and_edges_are_scored_where_the_protocol_asks() -> None:
    depth = np.full((40, 60), 8.0, dtype=np.float32)
    depth[10:30, 20:40] = 2.0
    depth[:5] = np.inf
    sample = {"depth": depth, "name": "a"}
    settings = PROTOCOLS["sintel"].settings
    output = np.where(np.isinf(depth), 0.0, 1 / depth).astype(np.float32)
    sharp = score_image(output, sample, settings, "disparity")
    soft = score_image(cv2.GaussianBlur(output, (0, 0), 2.0), sample, settings, "disparity")
    assert sharp["boundary_f1"] > 0.9 > 0.5 > soft["boundary_f1"]
    assert sharp["edge_accuracy_error"] < 1 and sharp["edge_completeness_error"] < soft["edge_completeness_error"] + 1
    # Without exact labels edges must be annotated.
    ibims = PROTOCOLS["ibims"].settings
    assert math.isnan(score_image(output, sample, ibims, "disparity")["edge_accuracy_error"])
    annotated = {**sample, "edges": depth_edges(depth, depth > 0)}
    assert score_image(output, annotated, ibims, "disparity")["edge_accuracy_error"] == sharp["edge_accuracy_error"]


@pytest.mark.parametrize("name", ["sintel", "ibims", "moge-spring"])
def test_a_perfect_prediction_has_perfect_boundaries_whatever_lies_beyond_the_range(name: str) -> None:
    settings = PROTOCOLS[name].settings
    depth = np.full((40, 60), 8.0, dtype=np.float32)
    depth[10:30, 5:20] = 2.0
    depth[:, 30:] = 3e5  # beyond the range, or the nearest percent, of each
    depth[10:30, 40:50] = 1e6
    depth[:5, 50:] = np.inf
    output = np.where(np.isinf(depth), 0.0, 1 / depth)
    found = score_image(output, {"depth": depth, "name": "a"}, replace(settings, exact_labels=True), "disparity")
    assert found["abs_rel"] < 1e-6 and found["boundary_f1"] == 1
    beyond = target_of({"depth": depth, "name": "a"}, settings)
    assert not beyond.mask[:, 30:].any()  # type: ignore[union-attr]
    if "edge_completeness_error" in found:
        # No edge is expected between two pixels beyond the range.
        near = depth.copy()
        near[:, 30:] = np.inf
        expected = score_image(output, {"depth": near, "name": "a"}, replace(settings, exact_labels=True), "disparity")
        assert found["edge_completeness_error"] == expected["edge_completeness_error"]


def write_da_2k(root: Path) -> Path:
    """Three pictures of two scenarios, brighter = nearer, with five pairs of which the last is annotated falsely."""
    annotations: dict[str, list[dict[str, Any]]] = {}
    for index, (scenario, pairs) in enumerate([("indoor", 2), ("indoor", 1), ("aerial", 2)]):
        path = root / "images" / scenario / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.tile(np.arange(40, dtype=np.uint8) * 6, (30, 1)))
        near, far = [5, 35], [25, 4]
        annotations[f"images/{scenario}/{index}.png"] = [
            {
                "point1": far if (index, pair) == (2, 1) else near,
                "point2": near if (index, pair) == (2, 1) else far,
                "closer_point": "point1",
            }
            for pair in range(pairs)
        ]
    (root / "annotations.json").write_text(json.dumps(annotations))
    return root


def test_a_protocol_opens_its_data_and_warns_of_another_number_of_images(tmp_path: Path, caplog: Any) -> None:
    dataset, settings = open_protocol("da-2k", write_da_2k(tmp_path))
    assert len(dataset) == 3 and settings is PROTOCOLS["da-2k"].settings and not caplog.records
    sample = next(dataset[index] for index in range(3) if dataset[index]["name"].endswith("0.png"))
    found = score_image(sample["image"][..., 0].astype(np.float32), sample, settings, "disparity")
    assert (found["pair_accuracy"], found["pairs"], found["scenario"]) == (1.0, 2, "indoor")
    with pytest.raises(ValueError, match="outside"):
        point_pairs_correct(np.ones((30, 40)), np.array([[30, 0]]), np.array([[0, 0]]))
    nyu = tmp_path / "nyu" / "test" / "office"
    nyu.mkdir(parents=True)
    cv2.imwrite(str(nyu / "rgb_00001.jpg"), np.zeros((480, 640, 3), dtype=np.uint8))
    cv2.imwrite(str(nyu / "sync_depth_00001.png"), np.full((480, 640), 2000, dtype=np.uint16))
    open_protocol("nyu", tmp_path / "nyu")
    assert "nyu@1: the benchmark has 654 images" in caplog.text and "has 1" in caplog.text
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "absent"))):
        open_protocol("nyu", tmp_path / "absent")


def test_other_images_than_the_protocols_do_not_sign_as_it(tmp_path: Path) -> None:
    for subset, count in (("NYUv2", 2), ("Sintel", 1)):
        write_moge(tmp_path, subset, count)
    _, settings = open_protocol("moge-nyu", tmp_path, split="Sintel", limit=1)
    assert identify(settings) == "moge-nyu@1, modified" and settings.images == "split Sintel, first 1"
    assert describe(settings).startswith("moge-nyu@1, modified, split Sintel, first 1, alignment")
    # What is asked for is what the protocol takes anyway.
    for options in ({"split": "NYUv2"}, {"limit": 3}):
        assert identify(open_protocol("moge-nyu", tmp_path, **options)[1]) == "moge-nyu@1"
    pairs = open_protocol("da-2k", write_da_2k(tmp_path / "da-2k"), limit=2)[1]
    assert describe(pairs).startswith("da-2k@1, modified, first 2, annotated point pairs")
    # The default split of a reader belongs to a protocol that names none.
    assert identify(open_protocol("da-2k", tmp_path / "da-2k", split="test")[1]) == "da-2k@1"


def test_a_group_opens_the_sets_that_are_there_and_names_the_others(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"has no data set of moge-bundle; expected .*NYUv2, KITTI"):
        open_benchmarks("moge-bundle", tmp_path)
    for subset in ("NYUv2", "Spring"):
        write_moge(tmp_path, subset, 2)
    opened, missing = open_benchmarks("moge-bundle", tmp_path)
    assert list(opened) == ["moge-nyu", "moge-spring"]
    assert [len(dataset) for dataset, _ in opened.values()] == [2, 2]
    assert {*opened, *missing} == set(PROTOCOL_GROUPS["moge-bundle"])
    assert missing["moge-kitti"] == "no folder KITTI in the root"
    limited, _ = open_benchmarks("moge-bundle", tmp_path, limit=1)
    assert identify(limited["moge-spring"][1]) == "moge-spring@1, modified"
    with pytest.raises(ValueError, match="split='NYUv2' cannot be combined with moge-bundle"):
        open_benchmarks("moge-bundle", tmp_path, "NYUv2")
    # A set that is there in part is an error, not a missing one.
    (tmp_path / "Spring" / "1" / "depth.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"depth\.png"):
        open_benchmarks("moge-bundle", tmp_path)
    alone, missing = open_benchmarks("moge-nyu", tmp_path)
    assert list(alone) == ["moge-nyu"] and missing == {}
