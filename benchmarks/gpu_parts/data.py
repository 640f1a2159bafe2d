# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rendered images for the part `student`: those of the quickstart, made small enough to be carried to a GPU.

    python benchmarks/gpu.py --prepare

renders them, which needs the extra `render` and no GPU, and takes some minutes. Images to train on become JPEG, and
their depth is rounded to 12 bits of mantissa (0.02 %), which compresses; the held-out images stay as they are.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from .plan import ROOT


PRESET, DRY_PRESET = "quick", "smoke"
LABELLED, UNLABELLED, HELD_OUT = "renders", "renders-unlabelled", "renders-held-out"
STAGES = ("render", "render held-out scenes", "render without labels")
JPEG_QUALITY = 95
# Of TIFF: Deflate as Adobe writes it. Without it OpenCV does not compress float32.
ADOBE_DEFLATE = 8
DROPPED_BITS = 12
LARGEST_BYTES = 40 * 2**20


def is_complete(folder: Path) -> bool:
    """Return whether all images are there."""
    return all((folder / name / "metadata.jsonl").is_file() for name in (LABELLED, UNLABELLED, HELD_OUT))


def render(work: Path, preset: str) -> None:
    """Render as the quickstart does, with its own commands."""
    words = [str(ROOT / "examples" / "quickstart" / "run.py"), "--preset", preset, "--output_dir", str(work)]
    # No photographs are labelled here; the stages that are left out would read them.
    subprocess.run([sys.executable, *words, "--photos", str(work), "--only", *STAGES], check=True, cwd=ROOT)


def round_depth(depth: np.ndarray) -> np.ndarray:
    """Round float32 to fewer bits; what is not finite stays as it is."""
    half, mask = np.uint32(1 << (DROPPED_BITS - 1)), np.uint32(2**32 - 2**DROPPED_BITS)
    rounded = ((depth.view(np.uint32) + half) & mask).view(np.float32)
    return np.where(np.isfinite(depth), rounded, depth)


def pack(source: Path, target: Path) -> None:
    """Write a folder of renders anew, smaller.

    Raises:
        OSError: a file cannot be read or written.
    """
    lines = [json.loads(line) for line in (source / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        image = read(source / line["file_name"], cv2.IMREAD_COLOR)
        line["file_name"] = str(Path(line["file_name"]).with_suffix(".jpg").as_posix())
        write(target / line["file_name"], image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if "depth_file_name" in line:
            depth = read(source / line["depth_file_name"], cv2.IMREAD_UNCHANGED)
            write(target / line["depth_file_name"], round_depth(depth), [cv2.IMWRITE_TIFF_COMPRESSION, ADOBE_DEFLATE])
    shutil.copy(source / "render.json", target)
    # Last, as a mark that all the others are there.
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (target / "metadata.jsonl").write_text(text, encoding="utf-8")


def read(path: Path, mode: int) -> np.ndarray:
    image = cv2.imread(str(path), mode)
    if image is None:
        raise OSError(f"{path} cannot be read")
    return np.asarray(image)


def write(path: Path, image: np.ndarray, options: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image, options):
        raise OSError(f"{path} cannot be written")


def prepare(folder: Path, preset: str = PRESET) -> int:
    """Render and pack into a folder, unless it is complete; return its size in bytes.

    Raises:
        RuntimeError: it is larger than what can be carried.
    """
    if not is_complete(folder):
        work = folder.with_name(f"{folder.name}-rendered")
        render(work, preset)
        for name in (LABELLED, UNLABELLED):
            pack(work / name, folder / name)
        shutil.copytree(work / HELD_OUT, folder / HELD_OUT, dirs_exist_ok=True)
        shutil.rmtree(work)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > LARGEST_BYTES:
        raise RuntimeError(f"{folder} has {size / 2**20:.1f} MiB, expected at most {LARGEST_BYTES / 2**20:.0f}")
    return size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    size = prepare(arguments.folder)
    print(f"{arguments.folder}: {size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
