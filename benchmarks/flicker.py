# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What each treatment of videos is worth on rendered pans: flicker, consistency, delta1; drift, lag, time, a picture.

    for scene in 500 501 502 503 504 505; do depth-anything-hf render clips/$scene --clip --count 150 --height 168 \\
        --width 224 --family hazy-rooms --haze --first_scene $scene; done
    python benchmarks/flicker.py --models runs/quickstart/teacher runs/quickstart/student --clips clips/50? \\
        --json benchmarks/results/flicker.json
    python benchmarks/flicker.py --models runs/quickstart/teacher --clips clips/504 --picture time_slices.jpg

Each model predicts each clip once. Its maps are scored as they are and disturbed, each by a random scale and shift;
and so is the truth in place of predictions, as of a perfect model, which shows what a treatment spoils. The first
model's maps are also smoothed with other weights of the past.

Drift: 2,000 frames of a pan to and fro over a synthetic picture, its disparity with 10 % of noise in every map and a
random scale and shift in each: by how much the scale of the result is off. Lag: a disc in a still picture comes near,
from 0.3 to 0.9 in 60 frames where the background has 0.1 to 0.5, as a perfect model and one with noise see it: how
much its mean disparity is behind. Times: CPU time of a frame, by size.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from harness import machine, settings_of, write_result

from depth_anything_hf.evaluation.clip_scores import score_clip
from depth_anything_hf.evaluation.clips import ClipFrame, read_clip
from depth_anything_hf.evaluation.settings import settings_for
from depth_anything_hf.inference.prediction import Prediction
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.inference.video import smoothing
from depth_anything_hf.inference.video.alignment import TemporalAlignment
from depth_anything_hf.visualization.colour_maps import colour_map


Maps = list[np.ndarray]
SMOOTH = "align, smooth"
METRICS = ("flicker", "consistency_error", "delta1")
# Standard deviations: of the logarithm of the scale, and of the shift of a frame.
DISTURBED_SCALE, DISTURBED_SHIFT = 0.2, 0.1
SIZES = ((224, 168), (518, 518), (1920, 1080))  # (width, height)


def disturb(maps: Maps) -> Maps:
    random = np.random.default_rng(0)
    changed = []
    for values in maps:
        scale, shift = np.exp(random.normal(0, DISTURBED_SCALE)), random.normal(0, DISTURBED_SHIFT)
        changed.append(values * np.float32(scale) + np.float32(shift))
    return changed


def score(frames: list[ClipFrame], maps: Maps) -> dict[str, dict[str, float]]:
    """Scores by treatment."""

    def predict(images: Iterable[tuple[str, np.ndarray]]) -> Iterator[Prediction]:
        for (name, _), values in zip(images, maps, strict=True):
            yield Prediction(name, values)

    settings = settings_for("disparity", "depth", None)
    scores = score_clip(predict, iter(frames), prediction_kind="disparity", settings=settings)
    return {row.treatment: {metric: getattr(row, metric) for metric in METRICS} for row in scores.rows}


def summarize(clips: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Means over the clips by treatment, and the flicker of `none` by that of the treatment: of means, of clips."""
    found: dict[str, Any] = {}
    for treatment in clips[0]:
        rows = [clip[treatment] for clip in clips]
        ratios = [clip["none"]["flicker"] / clip[treatment]["flicker"] for clip in clips]
        means = {metric: float(np.mean([row[metric] for row in rows])) for metric in METRICS}
        none = float(np.mean([clip["none"]["flicker"] for clip in clips]))
        found[treatment] = {**means, "ratio": none / means["flicker"], "ratios": ratios, "clips": rows}
    return found


def table(title: str, found: dict[str, Any]) -> str:
    lines = [f"{title}:"]
    for treatment, row in found.items():
        ratios = " ".join(f"{each:.1f}" for each in row["ratios"])
        lines.append(
            f"  {treatment:<16} flicker {100 * row['flicker']:6.3f} %  "
            f"consistency {100 * row['consistency_error']:.3f} %  delta1 {row['delta1']:.4f}  "
            f"{row['ratio']:.2f} times less than none ({ratios})"
        )
    return "\n".join(lines)


def with_past_weight(weight: float, work: Callable[[], Any]) -> Any:
    kept, smoothing.PAST_WEIGHT = smoothing.PAST_WEIGHT, weight
    try:
        return work()
    finally:
        smoothing.PAST_WEIGHT = kept


def soft_noise(random: np.random.Generator, height: int, width: int, pixels: float) -> np.ndarray:
    """Noise from 0 to 1 that is smooth over so many pixels, float32 (height, width)."""
    noise = cv2.GaussianBlur(random.normal(size=(height, width)).astype(np.float32), (0, 0), pixels)
    softened: np.ndarray = (noise - noise.min()) / (noise.max() - noise.min())
    return softened


def drift(frames: int) -> dict[str, float]:
    """The largest and the mean factor by which the scale of the result is off."""
    random = np.random.default_rng(0)
    height, width, whole = 72, 96, 640
    picture = np.stack([soft_noise(random, height, whole, 1.5) for _ in range(3)], axis=-1)
    disparity, alignment, off = soft_noise(random, height, whole, 10), TemporalAlignment(), []
    middle = (whole - width) / 2
    for number in range(frames):
        left = round(middle + middle * np.sin(3 * number / middle))
        view = (slice(None), slice(left, left + width))
        values = disparity[view] + np.float32(0.1) * (soft_noise(random, height, width, 6) - np.float32(0.5))
        scale, shift = (1.0, 0.0) if number == 0 else (np.exp(random.normal(0, 0.4)), random.normal(0, 0.5))
        frame = np.ascontiguousarray((picture[view] * 255).astype(np.uint8))
        aligned = alignment(frame, (values * np.float32(scale) + np.float32(shift)).astype(np.float32))
        off.append(abs(float(np.log(aligned.scale * scale))))
    return {"frames": frames, "largest": float(np.exp(max(off))), "mean": float(np.exp(np.mean(off)))}


def lag(noise: float, **options: Any) -> dict[str, float]:
    """How far a disc that comes near is behind its true disparity, at most and on average."""
    random = np.random.default_rng(3)
    height, width, radius = 144, 192, 28
    rows, columns = np.ogrid[:height, :width]
    disc = (columns - width // 2) ** 2 + (rows - height // 2) ** 2 < radius**2
    grey = np.where(disc, soft_noise(random, height, width, 1.5), 0.8 * soft_noise(random, height, width, 1.5))
    frame = np.repeat((255 * grey).astype(np.uint8)[..., None], 3, axis=2)
    background = np.linspace(0.1, 0.5, height, dtype=np.float32)[:, None].repeat(width, axis=1)
    alignment, behind = TemporalAlignment(**options), []
    for number in range(120):
        near = 0.3 + 0.6 * min(1.0, max(0.0, (number - 30) / 60))
        truth = np.where(disc, np.float32(near), background)
        bend = np.float32(noise) * (soft_noise(random, height, width, 12) - np.float32(0.5))
        behind.append(abs(float((alignment(frame, truth + bend).values - truth)[disc].mean())))
    return {"largest": max(behind), "mean": float(np.mean(behind))}


def milliseconds(frames: list[ClipFrame], maps: Maps, size: tuple[int, int], **options: Any) -> float:
    """CPU time of a frame, after the first three."""
    alignment, spent = TemporalAlignment(**options), []
    for frame, values in zip(frames[:30], maps, strict=False):
        image, larger = cv2.resize(frame.image, size), cv2.resize(values, size)
        begin = time.process_time()
        alignment(image, larger)
        spent.append(1e3 * (time.process_time() - begin))
    return float(np.median(spent[3:]))


def draw_time_slices(frames: list[ClipFrame], maps: Maps, path: Path) -> None:
    """One row of pixels over time, from top to bottom: as predicted, aligned, aligned and smoothed."""
    treated = [maps]
    for smooth in (False, True):
        alignment = TemporalAlignment(smooth=smooth)
        treated.append([alignment(frame.image, values).values for frame, values in zip(frames, maps, strict=True)])
    slices = []
    for each in treated:
        low, high = np.percentile(np.stack(each), [2, 98])
        row = np.stack([values[values.shape[0] * 9 // 16] for values in each])
        coloured = colour_map(row, float(low), float(high))
        slices.append(cv2.resize(coloured, (373, 2 * len(each)), interpolation=cv2.INTER_NEAREST))
    cv2.imwrite(str(path), np.hstack(slices)[..., ::-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=[], help="relative models; the first is looked at closely")
    parser.add_argument("--clips", nargs="+", default=[], help="folders of render --clip")
    parser.add_argument("--limit", type=int, help="frames of each clip [all]")
    parser.add_argument("--drift", type=int, default=2000, metavar="FRAMES", help="0: leave the drift out")
    parser.add_argument("--past_weights", type=float, nargs="*", default=[0.9, 0.93, 0.95], help="of smoothing")
    parser.add_argument("--picture", type=Path, help="draw time slices of the first model and clip alone")
    parser.add_argument("--threads", type=int, default=1, help="of OpenCV")
    parser.add_argument("--json", type=Path, help="file of the results")
    arguments = parser.parse_args()
    cv2.setNumThreads(arguments.threads)
    clips = {Path(each).name: list(read_clip(each, arguments.limit)) for each in arguments.clips}
    predicted: dict[str, dict[str, Maps]] = {}
    for model in arguments.models:
        predictor = DepthPredictor.from_pretrained(model, device="cpu")
        found = {
            name: [np.asarray(each.values) for each in predictor(frame.image for frame in frames)]
            for name, frames in clips.items()
        }
        predicted[Path(model).name] = found
    first = next(iter(predicted.values()), {})
    if arguments.picture is not None:
        name, maps = next(iter(first.items()))
        draw_time_slices(clips[name], maps, arguments.picture)
        return
    result: dict[str, Any] = {"title": "flicker", "settings": settings_of(arguments), "machine": machine(1)}

    def note(title: str, maps: dict[str, Maps], only: str | None = None) -> None:
        found = summarize([score(clips[name], each) for name, each in maps.items()])
        found = {name: row for name, row in found.items() if only in (None, name)}
        result.setdefault("scores", {})[title] = found
        print(table(title, found), flush=True)

    for model, of_clips in predicted.items():
        note(f"{model}, as they are", of_clips)
        note(f"{model}, disturbed", {name: disturb(each) for name, each in of_clips.items()})
    if clips:
        truth = {
            name: [(1 / np.asarray(frame.depth)).astype(np.float32) for frame in frames]
            for name, frames in clips.items()
        }
        note("the truth as predictions", truth)
    for weight in arguments.past_weights if first else ():
        with_past_weight(weight, partial(note, f"past weight {weight:g}", first, SMOOTH))
    lags = {}
    for noise in (0.0, 0.1):
        for treatment, local in (("scale, shift", False), ("align", True)):
            lags[f"noise {noise:g}, {treatment}"] = lag(noise, local=local)
        for weight in arguments.past_weights:
            lags[f"noise {noise:g}, past weight {weight:g}"] = with_past_weight(
                weight, partial(lag, noise, smooth=True)
            )
    result["lag"] = lags
    for name, row in lags.items():
        print(f"lag, {name}: {row['largest']:.3f} at most, {row['mean']:.3f} on average")
    if arguments.drift:
        result["drift"] = drift(arguments.drift)
        print(
            "scale off by {largest:.3f} at most, {mean:.3f} on average, in {frames} frames".format(**result["drift"])
        )
    if first:
        name, maps = next(iter(first.items()))
        result["milliseconds"] = {
            f"{size[0]}x{size[1]}": {
                label: milliseconds(clips[name], maps, size, **options)
                for label, options in (("scale, shift", {"local": False}), ("align", {}), (SMOOTH, {"smooth": True}))
            }
            for size in SIZES
        }
        print(result["milliseconds"])
    write_result(arguments.json, result)


if __name__ == "__main__":
    main()
