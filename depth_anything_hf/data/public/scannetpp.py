# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""ScanNet++: rooms seen by a phone, with its LiDAR and with renderings of a laser scan."""

from __future__ import annotations

import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...utils.option_errors import check_choice
from ...utils.paths import local_path
from ..decoding.depth_maps import LabelRules
from ..decoding.encodings.scaled_integers import metres_of
from ..decoding.errors import UnreadableImageError
from ..decoding.images import read_stored_image
from ..decoding.lz4 import decompress_lz4_block
from ..decoding.video_frames import read_video_frame
from ..samples import Sample
from .captures import MILLIMETRES, in_order, join_capture, read_json, scenes_of_split, take_every
from .formats import check_exists
from .frames import Frame, PublicSamples, lines_of, matches, path_below, require_file
from .spec import PublicDataset


VIDEOS = ("rgb.mp4", "rgb.mkv")
PACKED, CAMERAS = "depth.bin", "pose_intrinsic_imu.json"
HEIGHT, WIDTH = 192, 256
PACKED_PER_METRE = 1000.0
METRE_RULES = LabelRules("depth")
LENGTH_BYTES = 4


def open_scannetpp(
    root: Path,
    split: str | None,
    *,
    depth: str = "lidar",
    rendered_root: str | None = None,
    split_list: str | None = None,
    every: int = 1,
) -> PublicSamples:
    """Find the frames of the phone in ScanNet++.

    Args:
        root: the folder with the files of `PublicDataset.layout`.
        split: "train" or "val", by the list of scenes; None takes all.
        depth: "lidar" takes the phone's maps, "rendered" those that the toolbox renders of the laser scan.
        rendered_root: folder with SCENE/iphone/render_depth, if the toolbox wrote it elsewhere.
        split_list: list of the split's scenes, if it is not `splits/nvs_sem_train.txt` and so on.
        every: 10 takes every tenth frame of a scene.

    Raises:
        FileNotFoundError: the list is needed and missing.
        ValueError: an unknown depth.
    """
    check_choice("depth", depth, ("lidar", "rendered"))
    found = {Path(folder).parent.name: Path(folder) for folder in matches(root, "data/*/iphone", "*/iphone")}
    names, source = None, None
    if split is not None:
        source = local_path(split_list) if split_list else root / "splits" / f"nvs_sem_{split}.txt"
        names = lines_of(require_file(source, "it lists the scenes of the split and is downloaded with the data"))
    rendered = None if rendered_root is None else local_path(rendered_root)
    frames: list[Frame] = []
    for phone in scenes_of_split(found, names, SCANNETPP.title, source):
        place = phone if rendered is None else rendered / phone.parent.name / "iphone"
        maps = place / "render_depth" if depth == "rendered" else phone / "depth"
        frames += _frames_of(root, phone, maps, every, may_be_packed=depth == "lidar")
    return PublicSamples("depth", frames, _read_scannetpp)


def _frames_of(root: Path, phone: Path, maps: Path, every: int, *, may_be_packed: bool) -> list[Frame]:
    camera = [str(phone / CAMERAS)] if (phone / CAMERAS).is_file() else []
    packed, taken_apart = phone / PACKED, (phone / "rgb").is_dir()
    is_packed = may_be_packed and not maps.is_dir() and packed.is_file()
    if taken_apart:
        # The toolbox takes some of the pictures out of the video, and all of the maps.
        numbers = [_number(path) for path in in_order(matches(phone / "rgb", "frame_*.jpg"))]
    elif is_packed:
        numbers = list(range(len(_index(str(packed), packed.stat().st_mtime_ns))))
    else:
        numbers = [_number(path) for path in in_order(matches(maps, "frame_*.png"))]
    video = next((phone / name for name in VIDEOS if (phone / name).is_file()), phone / VIDEOS[0])
    frames = []
    for number in take_every(numbers, every):
        picture = phone / "rgb" / f"{_name(number)}.jpg" if taken_apart else video
        stored = packed if is_packed else maps / f"{_name(number)}.png"
        name = path_below(root, str(picture)) + ("" if taken_apart else f":{number}")
        frames.append(Frame(name, (str(picture), *camera, str(stored)), number))
    return frames


def _number(path: str) -> int:
    return int(Path(path).stem.rpartition("_")[2])


def _name(number: int) -> str:
    return f"frame_{number:06d}"


def _read_scannetpp(frame: Frame) -> Sample:
    picture, path, number = frame.files[0], frame.files[-1], frame.details
    is_video = picture.endswith(VIDEOS)
    image = read_video_frame(picture, number) if is_video else read_stored_image(picture)[0]
    depth = read_packed_depth(path, number) if path.endswith(PACKED) else MILLIMETRES.read(path)
    return join_capture(image, depth, _camera_of(frame.files[1], number) if len(frame.files) == 3 else None)


def _camera_of(path: str, number: int) -> np.ndarray:
    try:
        return np.array(read_json(path)[_name(number)]["intrinsic"], dtype=np.float64).reshape(3, 3)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableImageError(f"{path}: expected {_name(number)} with intrinsic (3, 3), got {error!r}") from error


def read_packed_depth(path: str, index: int) -> np.ndarray:
    """Read a map of depth.bin: a block of LZ4 (16 bits, millimetres) or of deflate (float32, metres).

    Args:
        path: of the file.
        index: of the map.

    Returns:
        float32 (192, 256) metres, NaN where there is no depth.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: damaged, or without that map.
    """
    check_exists(path)
    blocks = _index(path, Path(path).stat().st_mtime_ns)
    if index >= len(blocks):
        raise UnreadableImageError(f"{path}: has {len(blocks)} maps, and no map {index}")
    begin, size = map(int, blocks[index])
    with open(path, "rb") as file:
        file.seek(begin)
        content = file.read(size)
    name = f"{path}, map {index}"
    try:
        values = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, 4 * HEIGHT * WIDTH + 1)
        if len(values) == 4 * HEIGHT * WIDTH:
            return METRE_RULES.apply(np.frombuffer(values, "<f4").reshape(HEIGHT, WIDTH), name)
    except zlib.error:
        pass
    stored = np.frombuffer(decompress_lz4_block(content, 2 * HEIGHT * WIDTH, name), "<u2").reshape(HEIGHT, WIDTH)
    return metres_of(stored, PACKED_PER_METRE)


@lru_cache(maxsize=32)
def _index(path: str, time: int) -> np.ndarray:
    """Return where each map's block begins, and its bytes: (N, 2).

    Raises:
        UnreadableImageError: the sizes do not lead to the end of the file.
    """
    size, place, blocks = Path(path).stat().st_size, 0, []
    with open(path, "rb") as file:
        while place < size:
            file.seek(place)
            length = int.from_bytes(file.read(LENGTH_BYTES), "little")
            begin, place = place + LENGTH_BYTES, place + LENGTH_BYTES + length
            if length == 0 or place > size:
                raise UnreadableImageError(
                    f"{path}: expected one block for each map, each after its size; a file that is compressed as a "
                    "whole must be taken apart with the toolbox: python -m iphone.prepare_iphone_data"
                )
            blocks.append((begin, length))
    return np.array(blocks, dtype=np.int64).reshape(-1, 2)


SCANNETPP = PublicDataset(
    name="scannetpp",
    title="ScanNet++ (phone)",
    license="ScanNet++'s Terms of Use, non-commercial: unverified",
    citation="Yeshwanth et al., ScanNet++: A High-Fidelity Dataset of 3D Indoor Scenes, ICCV 2023",
    homepage="https://kaldir.vc.in.tum.de/scannetpp",
    layout=(
        "data/036bce3393/iphone/rgb.mp4 (or rgb/frame_000000.jpg, of the toolbox)\n"
        "data/036bce3393/iphone/depth.bin (or depth/frame_000000.png, of the toolbox)\n"
        "data/036bce3393/iphone/pose_intrinsic_imu.json (for intrinsics)\n"
        "data/036bce3393/iphone/render_depth/frame_000000.png (for depth=rendered, of the toolbox)\n"
        "splits/nvs_sem_train.txt, nvs_sem_val.txt (for a split)"
    ),
    label="depth",
    unit="metres, planar; the files hold millimetres, 0 and 65535 invalid",
    splits=("train", "val"),
    default_split=None,
    opener=open_scannetpp,
    verified="layout, unit and depth.bin by scannetpp/scannetpp; files made by hand",
    traps=(
        "Maps of the LiDAR are 256 x 192, are enlarged to their pictures by the nearest value, and are guesses beyond "
        "5 m; depth=rendered has the laser scan's, which miss what the scan missed. Frames of a video need PyAV "
        "(extra video) and the time of decoding from the key frame before. A depth.bin that is compressed as a "
        "whole is refused. The pictures of the DSLR are fisheyes and are not read."
    ),
)
