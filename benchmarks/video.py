# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A video from file to files against the bare forward pass, and whether memory stays flat over many frames.

    python benchmarks/video.py --json benchmarks/results/video.json             # small, 1280x720, input 518
    python benchmarks/video.py --engine openvino --formats color,ffv1           # what the command does by default
    python benchmarks/video.py --memory 2000                                    # resident memory, a tiny model

The bare pass gets frames that are decoded and prepared before, and its maps stay in memory; it runs as often as the
clip has frames. From file to files means: the file decoded, each frame prepared, predicted, aligned, coloured, encoded
and written, as `predict` does. Both have a process of their own and take turns. The rate of the second by that of the
first should be at least 0.9: everything else is to happen while the model works.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import psutil
import torch
from harness import Contender, add_options, measure, median_ratio, report, write_live_model, write_result
from transformers import Dinov2Config

from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.inference.video.outputs import VideoOutputs
from depth_anything_hf.inference.video.recording import record_video
from depth_anything_hf.inference.video.sources import open_video
from depth_anything_hf.inference.video.unfinished import UnfinishedVideo
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


BARE, WHOLE = "bare forward pass", "from file to files"
PREPARED = 4  # frames


def write_clip(path: Path, frames: int, width: int, height: int) -> None:
    """Write a video of moving soft fields and noise, 30 frames a second."""
    random = np.random.default_rng(0)
    field = cv2.resize(random.integers(0, 256, (9, 32, 3), dtype=np.uint8), (2 * width, height))
    grain = random.integers(-12, 13, field.shape)
    picture = np.clip(field.astype(int) + grain, 0, 255).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 30)
        for number in range(frames):
            left = 4 * number % width
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:, left : left + width]), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def bare_passes(folder: Path, clip: Path, frames: int, engine: str, threads: int) -> Callable[[], None]:
    """A function that runs the forward pass once for each frame, on frames that are prepared."""
    torch.set_num_threads(threads)
    predictor = DepthPredictor.from_pretrained(folder, device="cpu", engine=engine)
    source = open_video(clip)
    pictures = [frame.image for frame, _ in zip(source.frames(), range(PREPARED), strict=False)]
    source.close()
    prepared = [(predictor._passes.prepare(each), each.shape[:2]) for each in pictures if each is not None]
    predictor.model.eval()

    def run() -> None:
        for number in range(frames):
            values, size = prepared[number % len(prepared)]
            predictor._passes.launch([values], [(size[0], size[1])])()

    return run


def whole_way(folder: Path, clip: Path, formats: str, temporal: str, engine: str, threads: int) -> Callable[[], None]:
    """A function that predicts the clip into files."""
    torch.set_num_threads(threads)
    predictor = DepthPredictor.from_pretrained(folder, device="cpu", engine=engine)
    outputs = VideoOutputs.make([formats], "inferno", False, None, None)

    def run() -> None:
        record(predictor, clip, outputs, temporal)

    return run


def record(
    predictor: DepthPredictor,
    clip: Path,
    outputs: VideoOutputs,
    temporal: str,
    tell: Callable[[str, int], None] = lambda what, count: None,
) -> None:
    with tempfile.TemporaryDirectory() as place:
        unfinished = UnfinishedVideo(Path(place) / "clip", "benchmark")
        unfinished.open()
        source = open_video(clip)
        try:
            record_video(
                predictor, source, outputs, unfinished, name=clip.name, temporal=temporal, smooth=False, tell=tell
            )
        finally:
            source.close()


def memory_over(frames: int, formats: str, temporal: str) -> dict[str, Any]:
    """Resident memory over the frames of a small clip with a tiny model: means of fifths, and the largest growth."""
    torch.manual_seed(0)
    encoder = Dinov2Config(hidden_size=48, num_hidden_layers=4, num_attention_heads=4, image_size=70)
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_encoder_config(encoder))
    predictor = DepthPredictor(model, DepthAnythingImageProcessor.for_input_size(70))
    process, resident = psutil.Process(), []
    with tempfile.TemporaryDirectory() as place:
        clip = Path(place) / "clip.mp4"
        write_clip(clip, frames, 160, 120)
        outputs = VideoOutputs.make([formats], "inferno", False, None, None)
        record(
            predictor, clip, outputs, temporal, lambda what, count: resident.append(process.memory_info().rss / 2**20)
        )
    fifths = [float(part.mean()) for part in np.array_split(np.array(resident), 5)]
    return {"frames": len(resident), "mebibytes_by_fifth": fifths, "growth_percent": 100 * (fifths[4] / fifths[0] - 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="small", help="small, base, large or giant")
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--input_size", type=int, default=518)
    parser.add_argument("--engine", default="torch", help="torch, openvino or onnxruntime")
    parser.add_argument("--formats", default="color,ffv1")
    parser.add_argument("--temporal", default="align", help="none, range or align")
    parser.add_argument("--memory", type=int, default=0, metavar="FRAMES", help="measure memory alone, over so many")
    add_options(parser, rounds=3, longest=3600)
    arguments = parser.parse_args()
    if arguments.memory:
        found = memory_over(arguments.memory, arguments.formats, arguments.temporal)
        fifths = ", ".join(f"{mean:.0f}" for mean in found["mebibytes_by_fifth"])
        print(f"{found['frames']} frames: {fifths} MiB by fifths, {found['growth_percent']:+.1f} % from the first")
        write_result(arguments.json, {"title": "memory over a video", **found})
        return
    with tempfile.TemporaryDirectory() as place:
        folder, clip = Path(place), Path(place) / "clip.mp4"
        write_live_model(folder, arguments.size)
        DepthAnythingImageProcessor.for_input_size(arguments.input_size).save_pretrained(folder)
        write_clip(clip, arguments.frames, arguments.width, arguments.height)
        whole = (folder, clip, arguments.formats, arguments.temporal, arguments.engine, arguments.threads)
        contenders = [
            Contender.from_name(
                f"ours: {BARE}",
                bare_passes,
                *(folder, clip, arguments.frames, arguments.engine, arguments.threads),
            ),
            Contender.from_name(f"ours: {WHOLE}", whole_way, *whole),
        ]
        timings = measure(contenders, arguments.rounds, arguments.threads, arguments.longest)
    alone, all_of_it = timings
    rates = {kind: median_ratio(alone, all_of_it, kind) for kind in ("wall", "processor")}
    title = f"{arguments.frames} frames of {arguments.width}x{arguments.height}, {arguments.size}"
    report(f"{title}, {arguments.engine}, {arguments.formats}", timings, arguments, rate_by_bare_rate=rates)
    print(f"from file to files at {rates['wall']:.3f} of the bare rate; by CPU time {rates['processor']:.3f}")


if __name__ == "__main__":
    main()
