# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What Pillow, OpenCV and imageio give of depth as devices and data sets write it, and what it is.

    python benchmarks/plain_readers.py                                          # prints the table of docs/formats.md
    python benchmarks/plain_readers.py --page docs/formats.md --pictures docs/pictures
    python benchmarks/plain_readers.py --devices FOLDER                         # with genuine files

Every encoding has a row: of a genuine file, where the folder has one (a folder each, with `meta.json` that names the
file), else of a rendered room that is written here as those programs write it. "/ 1000" is the middle of the map if
the first channel of what OpenCV gives unchanged is taken for millimetres, floating-point numbers for metres.
"""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL
from PIL import Image
from written_maps import room, write_room

from depth_anything_hf.data.decoding.depth_maps import LabelRules
from depth_anything_hf.data.decoding.encodings.catalog import ENCODINGS
from depth_anything_hf.data.decoding.encodings.choice import parse_encoding
from depth_anything_hf.data.decoding.encodings.decode import decode_map
from depth_anything_hf.visualization.colour_maps import colour_map
from depth_anything_hf.visualization.encode import encode_jpeg
from depth_anything_hf.visualization.figures import add_caption, side_by_side
from depth_anything_hf.visualization.legend import add_legend


NOTHING = "-"
START, END = "<!-- by benchmarks/plain_readers.py -->", "<!-- end -->"
# Genuine files by their folders.
GENUINE = {
    "sunrgbd": "sunrgbd_bitrot",
    "kinect_raw": "nyu_raw_pgm",
    "tenth_mm": "truedepth_tenth_mm",
    "tum": "tum_5000",
    "mm": "realsense_65535",
    "drake": "drake_mm_near0_far65535",
    "exr": "exr_channel_Y",
    "gdepth": "gdepth_lensblur_jpeg",
    "apple_heic": "apple_heic_disparity",
}
# What goes wrong with a plain reader, and is not seen from the numbers alone.
REMARKS = {
    "mm": "saturated pixels become a wall at 65.5 m; OpenCV's default keeps 8 bits",
    "tenth_mm": "nothing in the file tells; ten times too far is believable as well",
    "quarter_mm": "four times too far",
    "cm": "ten times too near",
    "vkitti": "ten times too near, and the sky is a wall",
    "kitti": "four times too near",
    "taskonomy": "half as far, and 65535 is a wall",
    "tum": "five times too far",
    "replica": "6.5 times too far",
    "replica_pano": "four times too far, and along rays all around",
    "drake": "most pixels are too near (0) or too far (65535): a wall",
    "point_odyssey": "sixteen times too near",
    "c3vd": "655 times too far",
    "scaled": "the unit is told elsewhere",
    "nerfcapture": "the unit is in transforms.json",
    "bop": "the unit is in scene_camera.json, another one for each picture",
    "factor_depth": "the unit is in a MATLAB file",
    "sunrgbd": "eight times too far; a shift by 3 turns what is beyond 8.19 m to 0..1.7 m",
    "kinect_player": "eight times too far, plus the number of a player",
    "kinect_raw": "these bytes are little-endian, which PGM is not, and the numbers are raw disparity",
    "depth16": "pixels of no confidence are 8 m farther",
    "depth16_rgba": "the first channel is 0, or a saw tooth",
    "float16_png": "bits of a float: 15 to 30 m, and in the right order",
    "midair": "bits of a float, and distance along rays",
    "tartanair_rgba": "the bytes of a float; Pillow has them in another order",
    "carla": "the first channel is the lowest byte with Pillow, the highest with OpenCV",
    "synthia": "Pillow, imageio and OpenCV's default keep 8 of 16 bits",
    "kitti_disparity": "near is far; OpenCV's default keeps 8 bits",
    "cityscapes_disparity": "near is far, and 1 is subtracted first",
    "oak_disparity": "near is far, in eighths of a pixel",
    "pfm": "imageio decodes it as a video, to 8 bits, where PyAV is there; "
    "OpenCV reads it with IMREAD_UNCHANGED: by default it fails, in grey it rounds to whole metres",
    "pfm_disparity": "near is far, and unknown pixels are infinite",
    "exr": "OpenCV reads no channel but R, G, B and Y; 1e10 is where nothing was hit",
    "npz": "several arrays, of which one is depth",
    "isaac_gym": "all numbers are negative: a mask of those > 0 leaves nothing",
    "tiff": "GDAL_NODATA is text with other digits than the pixels",
    "sintel": "12 bytes, then floats",
    "colmap": "a text, then floats",
    "openmvs": "depth, normals and confidence behind a header; imageio takes it for a spectrum (SPE)",
    "spring": "twice the size of the picture",
    "hypersim": "distance along rays",
    "elevation": "heights are no depth: near is far",
    "gdepth": "the photograph; depth is in segments of XMP, and larger is farther",
    "dynamic_depth": "the photograph; depth is behind it, after a gain map",
    "apple_heic": "the photograph; two auxiliary images, and the range is elsewhere",
    "apple_jpeg": "the photograph; depth is behind it, after a matte",
    "record3d": "compressed by LZFSE, of a size that is told elsewhere",
    "ros_depth": "12 bytes before the PNG",
    "hololens": "distance along the rays of a table beside it",
    "scared": "points: depth is the third number, which Pillow has none of",
    "raw": "no header: the size is that of the picture",
}


def tell(read: Callable[[str], Any], path: Path) -> tuple[str, np.ndarray | None]:
    """Say in words what a reader gives of a file, and return it; a hyphen where it gives nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = read(str(path))
        values = None if found is None else np.asarray(found)
        if values is not None and values.ndim == 4 and len(values) == 1:
            # A video of one frame.
            values = values[0]
    except Exception:
        # Each reader has exceptions of its own for what it does not know.
        values = None
    if values is None or values.dtype.kind not in "biuf" or values.ndim not in (2, 3):
        return NOTHING, None
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "nothing finite", values
    low, high = (
        f"{float(each):.3g}" if values.dtype.kind == "f" else str(each) for each in (finite.min(), finite.max())
    )
    kind = "float" if values.dtype.kind == "f" else f"{8 * values.dtype.itemsize} bits"
    return f"{kind}{f' x {values.shape[2]}' if values.ndim == 3 else ''}, {low}..{high}", values


def readers() -> dict[str, tuple[str, Callable[[str], Any]]]:
    """Return the plain readers by their columns, each with its library and version."""
    found: dict[str, tuple[str, Callable[[str], Any]]] = {
        "Pillow": (f"Pillow {PIL.__version__}", lambda path: np.asarray(Image.open(path))),
        "OpenCV": (f"OpenCV {cv2.__version__}", cv2.imread),
        "OpenCV, unchanged": ("", lambda path: cv2.imread(path, cv2.IMREAD_UNCHANGED)),
    }
    try:
        imageio = importlib.import_module("imageio.v3")
        version = importlib.import_module("imageio").__version__
        found["imageio"] = (f"imageio {version}", imageio.imread)
    except ImportError:
        pass
    return found


def naive_middle(values: np.ndarray | None) -> str:
    """Return the middle of the first channel, metres: whole numbers of more than 8 bits are taken for millimetres."""
    if values is None:
        return NOTHING
    first = values[..., 0] if values.ndim == 3 else values
    numbers = first[np.isfinite(first) & (first > 0)]
    if not numbers.size or values.dtype == np.uint8:
        return NOTHING
    return f"{float(np.median(numbers)) / (1000 if first.dtype.kind in 'iu' else 1):.3g} m"


def middle(path: Path, encoding: str) -> str:
    """Return the middle of the map as it is: metres, pixels of disparity, or 1/m."""
    decoded = decode_map(path, encoding)
    values = decoded.values[np.isfinite(decoded.values)]
    unit = {"scene": " of the scene"}.get(decoded.unit, f" {decoded.unit}")
    return f"{float(np.median(values)):.3g}{unit}"


def rows_of(devices: Path | None, size: tuple[int, int]) -> list[list[str]]:
    """Return the rows of the table, its head first."""
    columns = readers()
    rows = [["encoding", "file", "by", "is", *columns, "/ 1000", "what goes wrong"]]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        depth = room(*size)
        for name, encoding in ENCODINGS.items():
            genuine = devices / GENUINE[name] if devices is not None and name in GENUINE else None
            try:
                if genuine is not None and (genuine / "meta.json").is_file():
                    path, told, kind = (
                        genuine / json.loads((genuine / "meta.json").read_text())["file"],
                        name,
                        "genuine",
                    )
                else:
                    path, told = write_room(name, depth, Path(folder))
                    kind = "made"
                is_really = middle(path, told)
            except (ImportError, KeyError):
                rows.append([f"`{name}`", "none here", *[NOTHING] * (len(columns) + 3), REMARKS.get(name, "")])
                continue
            given = {column: tell(read, path) for column, (_, read) in columns.items()}
            by = "content" if encoding.proves is not None else "name"
            naive = naive_middle(given["OpenCV, unchanged"][1])
            words = [word for word, _ in given.values()]
            rows.append([f"`{name}`", f"{kind} {path.suffix}", by, is_really, *words, naive, REMARKS.get(name, "")])
    return rows


def as_markdown(rows: list[list[str]]) -> str:
    """Return a table in Markdown, with the versions of the readers above it."""
    versions = ", ".join(version for version, _ in readers().values() if version)
    head, *body = rows
    lines = [" | ".join(row) for row in (head, ["---"] * len(head), *body)]
    return f'By {versions}; "-": cannot open it, or gives nothing.\n\n' + "\n".join(f"| {line} |" for line in lines)


def panel(metres: np.ndarray, caption: str, nearest: float, farthest: float) -> np.ndarray:
    """Return a map as colours, near bright, with a caption: uint8 (H, W, 3)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return add_caption(colour_map(1 / metres, 1 / farthest, 1 / nearest), caption)


def pictures_of(folder: Path, size: tuple[int, int]) -> None:
    """Write what plain readers make of three encodings beside the right map, as JPEG."""
    depth = room(*size)
    nearest, farthest = 1.0, 12.0

    def save(name: str, naive: list[tuple[np.ndarray, str]], right: np.ndarray) -> None:
        parts = [(values, f"{text}: {values.min():.0f} to {values.max():.0f} m") for values, text in naive]
        parts.append((right, f"read_label: {right.min():.0f} to {right.max():.0f} m"))
        shown = [panel(values, text, nearest, farthest) for values, text in parts]
        last = add_legend(shown.pop(), 1 / farthest, 1 / nearest, is_depth=True)
        (folder / f"plain_{name}.jpg").write_bytes(encode_jpeg(side_by_side([*shown, last])))

    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")

        def written(name: str) -> tuple[Path, np.ndarray]:
            path, told = write_room(name, depth, Path(place))
            return path, LabelRules(parse_encoding(told).kind, encoding=told).read(path)

        path, right = written("sunrgbd")
        codes = np.asarray(Image.open(path)).astype(np.uint16)
        save("sunrgbd", [(codes / 1000, "Pillow, / 1000"), ((codes >> 3) / 1000, "shifted by 3, / 1000")], right)
        path, right = written("tartanair_rgba")
        channels = np.asarray(Image.open(path))
        floats = np.ascontiguousarray(channels).view("<f4")[..., 0]
        first = np.float32(farthest) * channels[..., 0] / 255
        save("tartanair", [(first, "Pillow, first channel"), (floats, "Pillow, bytes as floats")], right)
        path, right = written("midair")
        codes = np.asarray(Image.open(path)).astype(np.uint16)
        along = codes.view(np.float16).astype(np.float32)
        save("midair", [(codes / 1000, "Pillow, / 1000"), (along, "float bits, along rays")], right)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=Path, help="folder of genuine files, a folder each with a meta.json")
    parser.add_argument("--page", type=Path, help="replace the table in this page, between its two comments")
    parser.add_argument("--pictures", type=Path, help="folder for three pictures of what goes wrong")
    parser.add_argument("--height", type=int, default=240, help="of the rendered room, pixels; 4/3 as wide [240]")
    arguments = parser.parse_args()
    size = (arguments.height, arguments.height * 4 // 3)
    # It writes of every file that it cannot open.
    cv2.utils.logging.setLogLevel(0)
    table = as_markdown(rows_of(arguments.devices, size))
    if arguments.page is None:
        print(table)
    else:
        text = arguments.page.read_text(encoding="utf-8")
        start, end = text.index(START) + len(START), text.index(END)
        arguments.page.write_text(f"{text[:start]}\n{table}\n{text[end:]}", encoding="utf-8")
    if arguments.pictures is not None:
        pictures_of(arguments.pictures, size)


if __name__ == "__main__":
    main()
