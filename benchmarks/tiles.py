# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Large pictures by tiles against single passes: accuracy, boundaries, seams, time and memory on rendered frames.

    depth-anything-hf render renders/ --count 12 --height 2072 --width 2072 --family hazy-rooms --haze \\
        --samples_per_pixel 4 --first_scene 300000 --denoise no
    python benchmarks/tiles.py runs/quickstart/teacher renders/ --json benchmarks/results/tiles.json

Every frame is predicted by a single pass at the model's size, by single passes at larger sizes, and by tiles of
several sizes; each way has a process of its own, for its memory. Maps are aligned to the label by scale and shift in
disparity.
Differences to the single pass at the model's size are means over the frames, with 95 % intervals of a bootstrap over
the frames, which are of one scene each. Boundary F1 is that of `metrics.boundaries` at the picture's own size, where a
contour must lie on the label's very pixel, and on every fourth pixel of rows and columns.

Seams: the mean error, |log of the ratio of depths|, within 2 pixels of the tiles' borders by that elsewhere; likewise
the error of the differences between neighbouring pixels, which a step at a border would raise. The single pass, which
has no borders, shows at the same pixels what the frames' content does to these ratios.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from harness import machine, process_peak_memory, settings_of, write_result

from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.inference.tiling.layout import TileLayout
from depth_anything_hf.inference.tiling.tiles import count_passes
from depth_anything_hf.metrics.boundaries import boundary_f1
from depth_anything_hf.metrics.depth import align_prediction, depth_metrics


METRICS = ("delta1", "abs_rel", "boundary_f1", "boundary_f1_quarter")
SEAM_PIXELS = 2
NEAREST, FARTHEST = 0.1, 30.0  # metres
REPETITIONS = 2000


def seam_pixels(size: tuple[int, int], layout: TileLayout) -> np.ndarray:
    """Pixels within 2 of a tile's border that is not the picture's, bool (H, W)."""
    near = np.zeros(size, dtype=bool)
    for tile in layout.tiles(*size):
        for start, length, side in ((tile.top, tile.height, 0), (tile.left, tile.width, 1)):
            for border in (start, start + length):
                if 0 < border < size[side]:
                    across = slice(border - SEAM_PIXELS, border + SEAM_PIXELS)
                    box = list(tile.box)
                    box[side] = across
                    near[tuple(box)] = True
    return near


def seams(aligned: np.ndarray, depth: np.ndarray, layout: TileLayout) -> dict[str, float]:
    """Sums and counts of both errors, at the tiles' borders and elsewhere."""
    near = seam_pixels((depth.shape[0], depth.shape[1]), layout)
    difference = np.log(aligned) - np.log(depth)
    error, steps = np.abs(difference), np.abs(np.diff(difference, axis=1))
    return {
        "error": float(error[near].mean() / error[~near].mean()),
        "steps": float(steps[near[:, 1:]].mean() / steps[~near[:, 1:]].mean()),
    }


def score(values: np.ndarray, kind: Any, depth: np.ndarray, layouts: dict[str, TileLayout]) -> dict[str, Any]:
    mask = np.isfinite(depth) & (depth > 0)
    aligned, _ = align_prediction(values, depth, mask, "disparity", kind, NEAREST, FARTHEST)
    found = depth_metrics(aligned, depth, mask)
    fourth = (slice(2, None, 4), slice(2, None, 4))
    return {
        "delta1": found["delta1"],
        "abs_rel": found["abs_rel"],
        "boundary_f1": boundary_f1(aligned, depth, mask),
        "boundary_f1_quarter": boundary_f1(aligned[fourth], depth[fourth], mask[fourth]),
        "seams": {name: seams(aligned, depth, layout) for name, layout in layouts.items()},
    }


def predict_all(way: dict[str, Any], model: str, files: list[tuple[str, str]], threads: int, queue: Any) -> None:
    """Score one way on all frames, in a process of its own."""
    torch.set_num_threads(threads)
    predictor = DepthPredictor.from_pretrained(model, batch_size=way["batch_size"], input_size=way["input_size"])
    size = predictor.input_size
    layouts = {str(each): TileLayout.make(each, None, size) for each in way["borders"]}
    predictor.predict(np.zeros((64, 64, 3), dtype=np.uint8))
    process = psutil.Process()
    rows: list[dict[str, Any]] = []
    seconds: list[tuple[float, float]] = []
    for image_file, depth_file in files:
        image, before = read_image(image_file), process.cpu_times()
        begin = time.perf_counter()
        if way["tile"] is None:
            values = predictor.predict(image)
        else:
            values = predictor.predict_tiled(image, tile_size=way["tile"])
        after = process.cpu_times()
        seconds.append((time.perf_counter() - begin, after.user + after.system - before.user - before.system))
        if not rows:
            # What scoring takes comes later, and does not count.
            peak = process_peak_memory()
        depth = read_label(depth_file).astype(np.float64)
        rows.append(score(values, predictor.prediction_kind, depth, layouts))
    passes = 1 if way["tile"] is None else count_passes(image.shape[:2], TileLayout.make(way["tile"], None, size))
    wall, processor = (float(np.median([each[index] for each in seconds])) for index in (0, 1))
    queue.put(
        {
            **way,
            "passes": passes,
            "wall_seconds": wall,
            "processor_seconds": processor,
            "peak_mebibytes": peak / 2**20,
            "frames": rows,
        }
    )


def interval(differences: np.ndarray) -> tuple[float, float, float]:
    """Mean and the ends of its 95 % interval, by a bootstrap over the frames."""
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(differences), (REPETITIONS, len(differences)))
    low, high = np.quantile(differences[drawn].mean(axis=1), [0.025, 0.975])
    return float(differences.mean()), float(low), float(high)


def compare(result: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    compared = {}
    for metric in METRICS:
        values, others = (np.array([frame[metric] for frame in each["frames"]]) for each in (result, base))
        mean, low, high = interval(values - others)
        compared[metric] = {"mean": float(values.mean()), "difference": mean, "low": low, "high": high}
    return compared


def table(results: list[dict[str, Any]]) -> str:
    lines = [
        "| way | passes | s (CPU s) | MiB | delta1 | boundary F1 | boundary F1, every 4th pixel |",
        "|---" * 7 + "|",
    ]
    for each in results:
        cells = [each["name"], str(each["passes"]), f"{each['wall_seconds']:.1f} ({each['processor_seconds']:.1f})"]
        cells.append(f"{each['peak_mebibytes']:.0f}")
        for metric in ("delta1", "boundary_f1", "boundary_f1_quarter"):
            found = each["compared"][metric]
            text = f"{found['mean']:.4f}"
            if each is not results[0]:
                text += f" ({found['difference']:+.4f}, {found['low']:+.4f} to {found['high']:+.4f})"
            cells.append(text)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def seam_lines(results: list[dict[str, Any]]) -> str:
    lines = []
    for each in results:
        if each["tile"] is None:
            continue
        name = str(each["tile"])
        means = {
            kind: [
                float(np.mean([frame["seams"][name][kind] for frame in one["frames"]])) for one in (each, results[0])
            ]
            for kind in ("error", "steps")
        }
        each["seams"] = {kind: {"tiles": tiles, "single": single} for kind, (tiles, single) in means.items()}
        lines.append(
            f"tiles of {name}: error at borders by error elsewhere {means['error'][0]:.3f} (single pass there "
            f"{means['error'][1]:.3f}), of differences between neighbours {means['steps'][0]:.3f} "
            f"({means['steps'][1]:.3f})"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a checkpoint; results of one trained on such renders mean most")
    parser.add_argument("folder", type=Path, help="renders: images/ and depth/")
    parser.add_argument("--tile_sizes", type=int, nargs="*", default=[1036, 518, 259], help="pixels of the picture")
    parser.add_argument("--input_sizes", type=int, nargs="*", default=[224, 518], help="of further single passes")
    parser.add_argument("--limit", type=int, help="frames")
    parser.add_argument("--batch_size", type=int, default=4, help="tiles in a pass")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="file for the result")
    arguments = parser.parse_args()
    images = sorted((arguments.folder / "images").iterdir())[: arguments.limit]
    depths = {path.stem: path for path in (arguments.folder / "depth").iterdir()}
    files = [(str(path), str(depths[path.stem])) for path in images]
    single: dict[str, Any] = {"tile": None, "input_size": None, "batch_size": 1, "borders": []}
    ways = [{**single, "name": "single pass", "borders": arguments.tile_sizes}]
    ways += [{**single, "name": f"single pass at {size}", "input_size": size} for size in arguments.input_sizes]
    ways += [
        {**single, "name": f"tiles of {size}", "tile": size, "batch_size": arguments.batch_size, "borders": [size]}
        for size in arguments.tile_sizes
    ]
    context, results = multiprocessing.get_context("spawn"), []
    for way in ways:
        queue = context.Queue()
        process = context.Process(target=predict_all, args=(way, arguments.model, files, arguments.threads, queue))
        process.start()
        found = None
        while found is None and (process.is_alive() or not queue.empty()):
            try:
                found = queue.get(timeout=1)
            except Exception:
                continue
        process.join()
        if found is None:
            raise SystemExit(f"{way['name']} ended with exit code {process.exitcode}, see above")
        results.append(found)
        print(f"{way['name']}: {found['wall_seconds']:.1f} s", flush=True)
    for each in results:
        each["compared"] = compare(each, results[0])
    facts = machine(arguments.threads)
    print(f"{len(files)} frames, {facts['processor']}, {facts['threads']} threads\n{table(results)}")
    print(seam_lines(results))
    title = f"{len(files)} frames by tiles and single passes"
    settings = {**settings_of(arguments), "model": Path(arguments.model).name}
    write_result(arguments.json, {"title": title, "machine": facts, "settings": settings, "ways": results})


if __name__ == "__main__":
    main()
