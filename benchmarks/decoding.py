# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Time and memory of reading depth by its encoding, against the plainest reader that gets it right.

    python benchmarks/decoding.py --json benchmarks/results/decoding.json

Both read the same bytes in memory, one after the other in one process and on one thread; processor time, the least of
all rounds each. The plain reader is what somebody writes who knows the file: it decodes, converts and masks, and
checks nothing. Peak memory is what NumPy's allocator has at most while a file is read, by the size of the float32 map.
"""

from __future__ import annotations

import argparse
import io
import os
import struct
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import h5py
import numpy as np
import OpenEXR
from harness import machine, settings_of, write_result

from depth_anything_hf.data.decoding.depth_maps import LabelRules


Reader = Callable[[bytes], np.ndarray]


@dataclass
class Row:
    """An encoding: milliseconds of both readers, their ratio, and the peak of ours by the size of the map."""

    encoding: str
    plain_ms: float
    ours_ms: float
    ratio: float
    peak: float


def scene(height: int, width: int) -> np.ndarray:
    """Metres of a floor, with noise as a sensor has it: float32 (height, width)."""
    rng = np.random.default_rng(0)
    floor = 1 / np.linspace(0.25, 1, height * width).reshape(height, width)
    noisy: np.ndarray = (floor + rng.normal(0, 0.01, (height, width))).astype(np.float32)
    return noisy


def decode(content: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED))


def masked(values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    values[missing] = np.nan
    return values


def positive(values: np.ndarray) -> np.ndarray:
    return masked(values, ~(values > 0))


def png(stored: np.ndarray, suffix: str = ".png") -> bytes:
    return bytes(cv2.imencode(suffix, stored)[1])


def of_whole_numbers(depth: np.ndarray) -> list[tuple[str, bytes, Reader]]:
    """Files of whole numbers: encoding, content and plain reader."""
    millimetres = (depth * 1000).astype(np.uint16)
    raw = np.clip(1092.5 - 351.3 / depth, 0, 2047).astype(np.uint16)
    codes = (depth / 1000 * (256**3 - 1)).astype(np.uint32)
    carla = np.stack([codes >> 16, codes >> 8 & 255, codes & 255, 0 * codes + 255], axis=2).astype(np.uint8)

    def plain_mm(content: bytes) -> np.ndarray:
        stored = decode(content)
        return masked(stored.astype(np.float32) / 1000, (stored == 0) | (stored == 65535))

    def plain_rotated(content: bytes) -> np.ndarray:
        stored = decode(content)
        return masked((stored >> 3 | stored << 13).astype(np.float32) / 1000, stored == 0)

    def plain_raw(content: bytes) -> np.ndarray:
        distance = 1092.5 - decode(content).astype(np.float32)
        return masked(351.3 / distance, distance <= 0)

    def plain_depth16(content: bytes) -> np.ndarray:
        stored = decode(content)
        low = stored & 0x1FFF
        return masked(low.astype(np.float32) / 1000, (low == 0) | (stored >> 13 == 1))

    def plain_bytes(content: bytes) -> np.ndarray:
        values = positive(decode(content).view("<f4")[..., 0])
        values[values >= 1e4] = np.inf
        return values

    def plain_carla(content: bytes) -> np.ndarray:
        picture = decode(content).astype(np.float32)
        number = picture[..., 2] + picture[..., 1] * 256 + picture[..., 0] * 65536
        values = masked(number / (256**3 - 1) * 1000, number == 0)
        values[number == 256**3 - 1] = np.inf
        return values

    return [
        ("mm", png(millimetres), plain_mm),
        ("sunrgbd", png(millimetres << 3 | millimetres >> 13), plain_rotated),
        ("kinect_raw", png(raw, ".pgm"), plain_raw),
        ("depth16", png(millimetres), plain_depth16),
        (
            "float16_png",
            png(depth.astype(np.float16).view(np.uint16)),
            lambda content: positive(decode(content).view(np.float16).astype(np.float32)),
        ),
        ("tartanair_rgba", png(depth.view(np.uint8).reshape(*depth.shape, 4)), plain_bytes),
        ("carla", png(carla), plain_carla),
    ]


def of_floats(depth: np.ndarray) -> list[tuple[str, bytes, Reader]]:
    """Files of floating-point numbers: encoding, content and plain reader."""
    height, width = depth.shape
    npy, npz, hdf5 = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(npy, depth)
    np.savez_compressed(npz, depth=depth)
    with h5py.File(hdf5, "w") as opened:
        opened.create_dataset("dataset", data=depth.astype(np.float16), compression="gzip")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "depth.exr")
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, {"Z": depth}).write(path)
        exr = Path(path).read_bytes()

    def after(content: bytes, mark: bytes) -> np.ndarray:
        start = content.index(mark) + len(mark)
        return np.frombuffer(content, "<f4", offset=start).reshape(height, width)

    def plain_exr(content: bytes) -> np.ndarray:
        values = positive(OpenEXR.File(io.BytesIO(content)).channels()["Z"].pixels.copy())
        values[values >= 1e10] = np.inf
        return values

    def plain_hypersim(content: bytes) -> np.ndarray:
        with h5py.File(io.BytesIO(content)) as opened:
            return positive(opened["dataset"][()].astype(np.float32))

    return [
        (
            "pfm",
            f"Pf\n{width} {height}\n-1.0\n".encode() + depth[::-1].tobytes(),
            lambda content: positive(after(content, b"-1.0\n")[::-1].copy()),
        ),
        (
            "sintel",
            struct.pack("<fii", 202021.25, width, height) + depth.tobytes(),
            lambda content: positive(np.frombuffer(content, "<f4", offset=12).reshape(height, width).copy()),
        ),
        (
            "colmap",
            f"{width}&{height}&1&".encode() + depth.tobytes(),
            lambda content: positive(after(content, b"&1&").copy()),
        ),
        ("npz", npz.getvalue(), lambda content: positive(np.load(io.BytesIO(content))["depth"].copy())),
        ("npz (npy)", npy.getvalue(), lambda content: positive(np.load(io.BytesIO(content)).copy())),
        ("exr", exr, plain_exr),
        ("hypersim:ray=keep", hdf5.getvalue(), plain_hypersim),
    ]


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(encoding: str, content: bytes, plain: Reader, rounds: int) -> Row:
    """Measure one encoding, whose readers must agree.

    Raises:
        AssertionError: they do not.
    """
    cell, rules = {"bytes": content, "path": f"{encoding}/map"}, LabelRules("depth", encoding=encoding.split()[0])
    for _ in range(3):
        # Of the first files of a folder more is looked at.
        ours, theirs = rules.read(cell), plain(content)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    size = ours.nbytes
    del ours, theirs
    times = [(seconds(lambda: plain(content)), seconds(lambda: rules.read(cell))) for _ in range(rounds)]
    tracemalloc.start()
    rules.read(cell)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    plain_s, ours_s = (min(each) for each in zip(*times, strict=True))
    return Row(encoding, 1000 * plain_s, 1000 * ours_s, plain_s / ours_s, peak / size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="how often each reader is timed")
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--json", type=Path, help="file for the result")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    depth = scene(arguments.height, arguments.width)
    rows = [compare(*case, arguments.rounds) for case in (*of_whole_numbers(depth), *of_floats(depth))]
    print(f"{'encoding':18}  plain ms  ours ms  plain / ours  peak / map")
    for row in rows:
        print(f"{row.encoding:18} {row.plain_ms:9.2f} {row.ours_ms:8.2f} {row.ratio:13.2f} {row.peak:11.2f}")
    title = f"Reading depth of {arguments.width} x {arguments.height}"
    facts = {"title": title, "machine": machine(1), "opencv": cv2.__version__, "settings": settings_of(arguments)}
    write_result(arguments.json, {**facts, "rows": [asdict(row) for row in rows]})


if __name__ == "__main__":
    main()
