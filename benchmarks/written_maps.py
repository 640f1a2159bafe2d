# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One rendered room, written by every encoding as its devices and programs write it, by other libraries than ours."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


# The writers of the tests, which use Pillow, h5py and tifffile, or write byte by byte.
sys.path.append(str(Path(__file__).parents[1] / "tests" / "helpers"))

import encoded_maps as files


FOCAL_SHARE = 0.6
END_METRES = 12.0
PLAYER, CONFIDENT, LARGEST_RAW = 1, 0, 2047


def room(height: int, width: int) -> np.ndarray:
    """Depth in metres of a hall of 3 by 2.8 m, 12 m long, with two balls: float64 (H, W), all pixels have a value."""
    focal = FOCAL_SHARE * width
    across = ((np.arange(width) - width / 2 + 0.5) / focal + 0.12)[None]
    down = ((np.arange(height) - height / 2 + 0.5) / focal)[:, None]
    inverses = np.broadcast_arrays(
        across / 1.5, -across / 1.5, down / 1.2, -down / 1.6, np.full((1, 1), 1 / END_METRES)
    )
    depth: np.ndarray = 1 / np.max(inverses, axis=0)
    square = across**2 + down**2 + 1
    for centre, radius in (((0.1, 0.7, 2.6), 0.5), ((0.9, 0.3, 6.0), 0.9)):
        along = across * centre[0] + down * centre[1] + centre[2]
        under = along**2 - square * (sum(each**2 for each in centre) - radius**2)
        hit = (along - np.sqrt(np.maximum(under, 0))) / square
        depth = np.where((under > 0) & (hit < depth), hit, depth)
    return depth


def ray_lengths(height: int, width: int) -> np.ndarray:
    """Distance from the camera's centre of what is one metre deep, for the focal length of the room: (H, W)."""
    focal = FOCAL_SHARE * width
    across = ((np.arange(width) - width / 2 + 0.5) / focal)[None]
    down = ((np.arange(height) - height / 2 + 0.5) / focal)[:, None]
    lengths: np.ndarray = np.sqrt(1 + across**2 + down**2)
    return lengths


@dataclass(frozen=True)
class Written:
    """A file of the room.

    Attributes:
        name: of the file, by whose suffix other readers choose.
        content: its bytes.
        options: of the encoding, as text after its colon.
        beside: further files, by their paths from the folder of the file.
    """

    name: str
    content: bytes
    options: str = ""
    beside: tuple[tuple[str, bytes], ...] = ()


def _codes(values: np.ndarray) -> np.ndarray:
    codes: np.ndarray = np.clip(np.rint(values), 0, 65535).astype(np.uint16)
    return codes


def _scaled(per_metre: float, **further: Any) -> Callable[[np.ndarray], Written]:
    return lambda depth: Written("depth.png", files.png(_codes(depth * per_metre)), **further)


def _bytes_of_floats(depth: np.ndarray) -> np.ndarray:
    blue, green, red, alpha = np.moveaxis(depth.astype("<f4").view(np.uint8).reshape(*depth.shape, 4), 2, 0)
    picture: np.ndarray = np.stack([red, green, blue, alpha], axis=2)
    return picture


def _carla(depth: np.ndarray) -> np.ndarray:
    steps = np.rint(depth / 1000 * ((1 << 24) - 1)).astype(np.int64)
    return np.stack([steps & 255, steps >> 8 & 255, steps >> 16, 0 * steps + 255], axis=2).astype(np.uint8)


def _android(depth: np.ndarray) -> np.ndarray:
    code = _codes(np.minimum(depth, 8.19) * 1000).astype(np.int64) << 3 | 7
    return np.stack([0 * code, code & 255, code >> 8, 0 * code + 255], axis=2).astype(np.uint8)


def _raw_kinect(depth: np.ndarray) -> np.ndarray:
    return np.minimum(np.rint(1092.5 - 351.3 / depth), LARGEST_RAW).astype(np.uint16)


def _exr(depth: np.ndarray) -> bytes:
    from depth_anything_hf.visualization.encode_maps import encode_exr

    return encode_exr(depth.astype(np.float32), "Z", {})


def _lzfse(depth: np.ndarray) -> Written:
    import lzfse

    height, width = depth.shape
    told = {"w": width, "h": height, "dw": width, "dh": height, "fps": 30, "K": [300.0, 0, 0, 0, 300.0, 0, 0, 0, 1]}
    return Written("0.depth", lzfse.compress(depth.astype("<f4").tobytes()), "", (("../metadata", _json(told)),))


def _json(content: object) -> bytes:
    return json.dumps(content).encode()


def _matlab() -> bytes:
    import io

    from scipy.io import savemat

    stream = io.BytesIO()
    savemat(stream, {"factor_depth": 1000.0})
    return stream.getvalue()


def _shares(values: np.ndarray) -> np.ndarray:
    """Values as codes of 8 bits between their smallest and their largest."""
    codes: np.ndarray = np.rint((values - values.min()) / np.ptp(values) * 255).astype(np.uint8)
    return codes


def _range_of(values: np.ndarray, start: str, linear: str) -> str:
    kind = f'{start}:Format="{linear}" ' if linear else ""
    return f'{kind}{start}:Near="{float(values.min())}" {start}:Far="{float(values.max())}"'


def _rays(depth: np.ndarray) -> bytes:
    height, width = depth.shape
    across, down = np.meshgrid(np.arange(width) - width / 2 + 0.5, np.arange(height) - height / 2 + 0.5)
    points = np.stack([across / (FOCAL_SHARE * width), down / (FOCAL_SHARE * width), np.ones_like(depth)], axis=2)
    lengths = np.linalg.norm(points, axis=2, keepdims=True)
    content: bytes = (points / lengths).astype("<f4").tobytes()
    return content


def _focal(depth: np.ndarray) -> str:
    return f"fx={FOCAL_SHARE * depth.shape[1]!r}"


def _distance(depth: np.ndarray) -> np.ndarray:
    distance: np.ndarray = depth * ray_lengths(*depth.shape)
    return distance


def _pixels(depth: np.ndarray) -> np.ndarray:
    """Disparity in pixels of a rig of 0.2 m."""
    disparity: np.ndarray = 0.2 * FOCAL_SHARE * depth.shape[1] / depth
    return disparity


def _points(depth: np.ndarray) -> bytes:
    height, width = depth.shape
    across, down = np.meshgrid(np.arange(width) - width / 2, np.arange(height) - height / 2)
    points = np.stack([across * depth, down * depth, depth], axis=2) * 1000
    content: bytes = files.tiff(points.astype(np.float32), photometric="rgb")
    return content


WRITERS: dict[str, Callable[[np.ndarray], Written]] = {
    **{name: _scaled(per_metre) for name, per_metre in (("mm", 1000), ("cm", 100), ("vkitti", 100), ("kitti", 256))},
    **{name: _scaled(per_metre) for name, per_metre in (("taskonomy", 512), ("tum", 5000), ("drake", 1000))},
    **{name: _scaled(per_metre) for name, per_metre in (("quarter_mm", 4000), ("point_odyssey", 65.535))},
    "tenth_mm": lambda depth: Written("depth.png", files.png(_codes(depth / 4 * 10000))),
    "replica": lambda depth: Written("depth.png", files.png(_codes(depth / 2 * 6553.5))),
    "replica_pano": _scaled(4000, options="ray=keep"),
    "c3vd": lambda depth: Written("depth.tiff", files.tiff(_codes(depth / 200 * 655350))),
    "scaled": _scaled(2000, options="per_metre=2000"),
    "nerfcapture": _scaled(6553.5 / 2, beside=(("../transforms.json", _json({"integer_depth_scale": 2 / 6553.5})),)),
    "bop": lambda depth: Written(
        "000001.png",
        files.png(_codes(depth * 1000)),
        "",
        (("../scene_camera.json", _json({"1": {"depth_scale": 1.0}})),),
    ),
    "factor_depth": lambda depth: Written(
        "depth.png", files.png(_codes(depth * 1000)), "", (("meta.mat", _matlab()),)
    ),
    "sunrgbd": lambda depth: Written("depth.png", files.png(_codes(depth * 1000) << 3 | _codes(depth * 1000) >> 13)),
    "kinect_player": lambda depth: Written("depth.png", files.png(_codes(depth / 2 * 1000) << 3 | PLAYER)),
    "kinect_raw": lambda depth: Written("depth.pgm", files.pgm(_raw_kinect(depth), "<")),
    "depth16": lambda depth: Written("depth.png", files.png(_codes(depth / 2 * 1000) | CONFIDENT << 13)),
    "depth16_rgba": lambda depth: Written("depth.png", files.png(_android(depth / 2))),
    "float16_png": lambda depth: Written("depth.png", files.png(depth.astype(np.float16).view(np.uint16))),
    "midair": lambda depth: Written(
        "depth.png", files.png(_distance(depth).astype(np.float16).view(np.uint16)), _focal(depth)
    ),
    "tartanair_rgba": lambda depth: Written("depth.png", files.png(_bytes_of_floats(depth))),
    "carla": lambda depth: Written("depth.png", files.png(_carla(depth))),
    "synthia": lambda depth: Written("depth.png", files.png_of_channels(np.stack([_codes(depth * 100)] * 3, axis=2))),
    "kitti_disparity": lambda depth: Written("disparity.png", files.png(_codes(_pixels(depth) * 256))),
    "cityscapes_disparity": lambda depth: Written("disparity.png", files.png(_codes(_pixels(depth) * 256 + 1))),
    "oak_disparity": lambda depth: Written("disparity.png", files.png(_codes(_pixels(depth) * 8))),
    "pfm": lambda depth: Written("depth.pfm", files.pfm(depth)),
    "pfm_disparity": lambda depth: Written("disparity.pfm", files.pfm(_pixels(depth))),
    "exr": lambda depth: Written("depth.exr", _exr(depth)),
    "npz": lambda depth: Written("depth.npz", files.npz(depth=depth.astype(np.float32))),
    "isaac_gym": lambda depth: Written("depth.npy", files.npy(-depth)),
    "tiff": lambda depth: Written("depth.tiff", files.tiff(depth.astype(np.float32))),
    "sintel": lambda depth: Written("depth.dpt", files.dpt(depth)),
    "colmap": lambda depth: Written("depth.geometric.bin", files.colmap(depth)),
    "openmvs": lambda depth: Written("depth0000.dmap", files.openmvs(depth, depth.shape[::-1], np.eye(3), depth)),
    "spring": lambda depth: Written(
        "disp1_left_0001.dsp5",
        files.hdf5(disparity=np.kron(_pixels(depth), np.ones((2, 2))).astype(np.float32)),
    ),
    "hypersim": lambda depth: Written(
        "depth_meters.hdf5", files.hdf5(dataset=_distance(depth).astype(np.float16)), _focal(depth)
    ),
    "elevation": lambda depth: Written(
        "heights.tif",
        files.tiff((120 - depth).astype(np.float32), extratags=[(33550, "d", 3, (1.0, 1.0, 0.0), True)]),
        "camera_height=120",
    ),
    "gdepth": lambda depth: Written(
        "photograph.jpg", files.gdepth(files.png(_shares(depth)), _range_of(depth, "GDepth", "RangeLinear"))
    ),
    "dynamic_depth": lambda depth: Written(
        "photograph.jpg",
        files.dynamic_depth(
            files.jpeg(grey=_shares(depth)),
            f'DepthMap:Format="RangeLinear" DepthMap:Units="Meters" {_range_of(depth, "DepthMap", "")}',
        ),
    ),
    "apple_jpeg": lambda depth: Written(
        "photograph.jpg",
        files.apple_jpeg(_shares(1 / depth), "disparity", float(1 / depth.max()), float(1 / depth.min())),
    ),
    "record3d": _lzfse,
    "ros_depth": lambda depth: Written(
        "message.bin", struct.pack("<iff", 0, 0, 0) + files.png(_codes(depth * 1000)), "image=16UC1"
    ),
    "hololens": lambda depth: Written(
        "1.pgm",
        files.pgm(_codes(np.minimum(_distance(depth), 7.5) * 1000)),
        "",
        (("../{folder}_lut.bin", _rays(depth)),),
    ),
    "scared": lambda depth: Written("points.tiff", _points(depth / 100)),
    "raw": lambda depth: Written(
        "depth.bin", depth.astype("<f4").tobytes(), f"width={depth.shape[1]},height={depth.shape[0]}"
    ),
}


def write_room(name: str, depth: np.ndarray, folder: Path) -> tuple[Path, str]:
    """Write the room by an encoding into a folder of its own; return the file and the encoding with its options.

    Raises:
        ImportError: a package that writes it is missing.
        KeyError: nothing here writes it.
    """
    written = WRITERS[name](depth)
    place = folder / name / "depth"
    place.mkdir(parents=True)
    for path, content in ((written.name, written.content), *written.beside):
        (place / path.format(folder=place.name)).write_bytes(content)
    return place / written.name, f"{name}:{written.options}" if written.options else name
