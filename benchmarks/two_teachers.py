# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels by two teachers on renders, where the truth is known: their metres, their edges, and their masks.

    depth-anything-hf render runs/outdoors --count 40 --kind street --kind nature --haze --views_per_scene 4
    python benchmarks/two_teachers.py runs/outdoors --emulated
    python benchmarks/two_teachers.py runs/outdoors --teacher RELATIVE --scale_teacher METRIC --sheet sheet.png

Compared by AbsRel and boundary F1: the scale teacher alone, the fused label, and the teacher of the detail fitted to
the truth by least squares. Of the masks: precision and recall of `sky` (by the two teachers) against the sky of the
renders, and of `teachers` and `flip` against pixels of the fused label that are wrong by more than a quarter. The
emulated teachers are made of the truth: a sharp one of unknown scale and shift, and a metric one of an eighth of the
size, wrong by a factor and in places, that ends at 80 m.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.decoding.label_masks import MASK_NAMES
from depth_anything_hf.geometry.alignment import align_disparity
from depth_anything_hf.geometry.depth_units import max_depth_in_metres
from depth_anything_hf.inference.confidence import find_confidence
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.metrics.boundaries import boundary_f1
from depth_anything_hf.pseudo_labels.fusion import fuse_labels
from depth_anything_hf.pseudo_labels.fusion_settings import FusionSettings
from depth_anything_hf.pseudo_labels.sky_mask import sky_by_teachers
from depth_anything_hf.visualization.colour_maps import colour_map
from depth_anything_hf.visualization.encode import encode_png
from depth_anything_hf.visualization.figures import sheet


MIN_DEPTH, MAX_DEPTH = 0.1, 80.0
WRONG_BY = 0.25
SHEET_COLUMNS, SHEET_HEIGHT = 6, 160

# Of an image: the sharp disparity, the metres of the scale teacher, and the sharp disparity of the mirrored image.
Teachers = Callable[[np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray, np.ndarray | None]]


def emulated(image: np.ndarray, depth: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray, None]:
    """Teachers that are made of the truth (H, W), metres, +inf in the sky."""
    random = np.random.default_rng(number)
    size = depth.shape[::-1]

    def field(cells: int, strength: float) -> np.ndarray:
        coarse = random.normal(0, strength, (cells, cells)).astype(np.float32)
        return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)

    disparity = 1 / np.maximum(depth, MIN_DEPTH)
    sharp = random.uniform(5, 50) * (disparity * np.exp(field(4, 0.03)) + random.uniform(0, 0.02))
    small = cv2.resize(np.minimum(depth, MAX_DEPTH), (size[0] // 8, size[1] // 8), interpolation=cv2.INTER_AREA)
    metric = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
    metric = metric * np.exp(random.normal(0, 0.05) + field(6, 0.08))
    # An object that the metric teacher takes for something else.
    row, column = (int(random.integers(0, side - side // 4)) for side in depth.shape)
    metric[row : row + depth.shape[0] // 4, column : column + depth.shape[1] // 4] *= random.uniform(0.4, 2)
    return sharp.astype(np.float32), np.clip(metric, MIN_DEPTH, MAX_DEPTH).astype(np.float32), None


def trained(teacher: DepthPredictor, scale_teacher: DepthPredictor) -> Teachers:
    def predict(image: np.ndarray, depth: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mirrored = teacher.predict(np.ascontiguousarray(image[:, ::-1]))[:, ::-1]
        return teacher.predict(image), scale_teacher.predict(image), mirrored

    return predict


class Masks:
    """Counts of a mask against what it is to find, over all pixels of all images."""

    def __init__(self) -> None:
        self.found = self.masked = self.wanted = self.pixels = 0

    def add(self, mask: np.ndarray, wanted: np.ndarray, counted: np.ndarray) -> None:
        self.found += int((mask & wanted & counted).sum())
        self.masked += int((mask & counted).sum())
        self.wanted += int((wanted & counted).sum())
        self.pixels += int(counted.sum())

    def __str__(self) -> str:
        precision, recall = self.found / max(self.masked, 1), self.found / max(self.wanted, 1)
        masked, wanted = self.masked / max(self.pixels, 1), self.wanted / max(self.pixels, 1)
        return f"precision {precision:.3f}, recall {recall:.3f}; masked {masked:.1%}, to be found {wanted:.1%}"


def score(depth_predicted: np.ndarray, depth: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """Return AbsRel and boundary F1 over the mask."""
    predicted = np.clip(depth_predicted, MIN_DEPTH, MAX_DEPTH)
    errors = np.abs(predicted - depth)[mask] / depth[mask]
    return float(errors.mean()), boundary_f1(predicted, depth, mask)


def samples(folder: Path, limit: int | None) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    renders = DepthFolder(folder, "depth", limit=limit)
    for number in range(len(renders)):
        sample = renders[number]
        yield number, sample["image"], sample["depth"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("renders", type=Path, help="folder of `depth-anything-hf render`, with depth")
    parser.add_argument("--teacher", help="relative model; with --scale_teacher")
    parser.add_argument("--scale_teacher", help="metric model")
    parser.add_argument("--emulated", action="store_true", help="teachers that are made of the truth")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sheet", type=Path, help="PNG of images, truth, scale teacher, fused label and masks")
    arguments = parser.parse_args()
    if arguments.emulated == bool(arguments.teacher and arguments.scale_teacher):
        parser.error("give --emulated, or --teacher and --scale_teacher")
    max_depth: float | None = MAX_DEPTH
    predict: Teachers = emulated
    if not arguments.emulated:
        scale_teacher = DepthPredictor.from_pretrained(arguments.scale_teacher, device=arguments.device)
        max_depth = max_depth_in_metres(scale_teacher.model.config)
        predict = trained(DepthPredictor.from_pretrained(arguments.teacher, device=arguments.device), scale_teacher)
    settings = FusionSettings()
    scores: dict[str, list[tuple[float, float]]] = {}
    masks = {name: Masks() for name in MASK_NAMES}
    faults: list[str] = []
    pictures: list[list[np.ndarray]] = []
    for number, image, depth in samples(arguments.renders, arguments.limit):
        sharp, metres, mirrored = predict(image, depth, number)
        label = fuse_labels(sharp, metres, max_depth=max_depth, settings=settings)
        valid = np.isfinite(depth) & (depth >= MIN_DEPTH) & (depth <= MAX_DEPTH)
        fused = 1 / np.maximum(label.disparity, 1 / MAX_DEPTH)
        if not label.is_ok:
            faults.append(label.fault)
        else:
            fitted, _ = align_disparity(sharp, depth, valid, MIN_DEPTH, MAX_DEPTH)
            maps = {"scale teacher alone": metres, "fused": fused, "detail fitted to the truth": fitted}
            for name, one in maps.items():
                scores.setdefault(name, []).append(score(one, depth, valid))
        wrong = np.abs(fused - np.minimum(depth, MAX_DEPTH)) > WRONG_BY * np.minimum(depth, MAX_DEPTH)
        found = {
            "sky": sky_by_teachers(label.disparity if label.is_ok else None, metres, max_depth or MAX_DEPTH),
            "teachers": label.disagreement > settings.teachers_threshold,
        }
        masks["sky"].add(found["sky"], np.isinf(depth), ~np.isnan(depth))
        masks["teachers"].add(found["teachers"], wrong, valid)
        if mirrored is not None:
            found["flip"] = find_confidence(sharp, [mirrored], "disparity") < math.exp(-settings.flip_threshold)
            masks["flip"].add(found["flip"], wrong, valid)
        if len(pictures) < SHEET_COLUMNS:
            shown = [np.where(np.isinf(depth), 0, 1 / depth), 1 / metres, label.disparity]
            grey = (255 * one.astype(np.uint8) for one in found.values())
            pictures.append([image, *map(colour_map, shown), *grey])
    fused_count = len(next(iter(scores.values()), ()))
    print(f"{fused_count} pictures fused, {len(faults)} bad fits: {faults[:3]}")
    print("| depth | AbsRel | boundary F1 |\n|---|---|---|")
    for name, values in scores.items():
        print(f"| {name} | {np.mean([one for one, _ in values]):.4f} | {np.nanmean([one for _, one in values]):.4f} |")
    for name, counts in masks.items():
        if counts.pixels:
            print(f"mask {name}: {counts}")
    if arguments.sheet:
        rows = [list(row) for row in zip(*pictures, strict=True)]
        arguments.sheet.write_bytes(encode_png(sheet(rows, SHEET_HEIGHT)))


if __name__ == "__main__":
    main()
