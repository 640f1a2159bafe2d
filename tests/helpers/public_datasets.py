# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tiny copies of the public datasets in their documented layouts, and where genuine files lie."""

from __future__ import annotations

import csv
import pathlib
import struct
from collections.abc import Callable

import numpy as np
import pytest
import scipy.io
from captured_datasets import CAPTURED_WRITERS
from dataset_files import (
    CAMERA,
    DEPTH,
    HEIGHT,
    INVALID,
    OTHER,
    RGB,
    SKY,
    WIDTH,
    stored_depth,
    write_array,
    write_bytes,
    write_codes,
    write_exr,
    write_hdf5,
    write_json,
    write_picture,
)
from dataset_files import expected_depth as expected_depth
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from rendered_datasets import RENDERED_WRITERS
from shared_files import SHARED_FORMATS as FORMATS


def pfm(values: np.ndarray) -> bytes:
    return f"Pf\n{WIDTH} {HEIGHT}\n-1.0\n".encode() + values[::-1].astype("<f4").tobytes()


def projection_of(intrinsics: np.ndarray, height: int, width: int, turn: np.ndarray | None = None) -> np.ndarray:
    """The OpenGL matrix (4, 4) of a camera, written independently: x right, y up, z backwards."""
    to_clip = np.array([[2 / width, 0, 1 / width - 1], [0, -2 / height, 1 - 1 / height], [0, 0, 1]])
    rows = to_clip @ intrinsics @ (np.eye(3) if turn is None else turn) @ np.diag([1, -1, -1])
    projection = np.zeros((4, 4))
    projection[[0, 1, 3], :3] = rows
    projection[2, 2:] = -1.002, -2.002
    return projection


def write_hypersim_cameras(root: pathlib.Path, projections: dict[str, np.ndarray]) -> None:
    with (root / "metadata_camera_parameters.csv").open("w", newline="") as file:
        names = [f"M_proj_{i}{j}" for i in range(4) for j in range(4)]
        writer = csv.writer(file)
        writer.writerow(["scene_name", "settings_camera_fov", *names])
        for scene, projection in projections.items():
            writer.writerow([scene, "1.0", *projection.ravel()])


def write_hypersim(root: pathlib.Path) -> None:
    for scene, frame in (("ai_001_001", 0), ("ai_001_001", 1), ("ai_002_001", 0), ("ai_038_007", 0)):
        images = root / scene / "images"
        write_picture(images / "scene_cam_00_final_preview" / f"frame.{frame:04d}.tonemap.jpg")
        distance = stored_depth(np.nan).astype(np.float16)
        write_hdf5(images / "scene_cam_00_geometry_hdf5" / f"frame.{frame:04d}.depth_meters.hdf5", dataset=distance)
    write_hypersim_cameras(root, {"ai_001_001": projection_of(CAMERA, HEIGHT, WIDTH)})


def write_vkitti2(root: pathlib.Path) -> None:
    for scene, camera in (("Scene01", 0), ("Scene02", 0), ("Scene02", 1)):
        frames = root / scene / "clone" / "frames"
        write_picture(frames / "rgb" / f"Camera_{camera}" / "rgb_00000.jpg")
        write_codes(frames / "depth" / f"Camera_{camera}" / "depth_00000.png", stored_depth(0, 65535, 100))


def write_tartanair(root: pathlib.Path) -> None:
    for environment in ("office/Easy", "amusement/Hard", "ocean/ocean/Hard"):
        write_picture(root / environment / "P001" / "image_left" / "000000_left.png")
        depth = stored_depth(0, 10000).astype(np.float32)
        write_array(root / environment / "P001" / "depth_left" / "000000_left_depth.npy", depth)


def write_irs(root: pathlib.Path) -> None:
    write_picture(root / "Home" / "Wood_d_Room" / "l_7.png")
    disparity = 48 / stored_depth(1)
    disparity[INVALID] = 0
    write_exr(root / "Home" / "Wood_d_Room" / "d_7.exr", disparity.astype(np.float32), "G")


def write_blendedmvs(root: pathlib.Path) -> None:
    for project in ("5a3ca9cb", "5a4a38da"):
        write_picture(root / project / "blended_images" / "00000003.jpg")
        write_picture(root / project / "blended_images" / "00000003_masked.jpg")
        rows = "\n".join(" ".join(map(str, row)) for row in CAMERA)
        text = "extrinsic\n" + "1 0 0 9\n" * 4 + f"\nintrinsic\n{rows}\n\n425.0 2.5 128 700.0\n"
        write_bytes(root / project / "cams" / "00000003_cam.txt", text.encode())
        write_bytes(root / project / "rendered_depth_maps" / "00000003.pfm", pfm(stored_depth(0)))
    (root / "validation_list.txt").write_text("5a4a38da\n")


def write_nyu(root: pathlib.Path) -> None:
    raw = stored_depth(0).astype(np.float32)
    filled = DEPTH + 100
    pictures = np.stack([RGB.transpose(2, 1, 0) + index for index in range(3)])
    write_hdf5(
        root / "nyu_depth_v2_labeled.mat",
        images=pictures,
        rawDepths=np.stack([raw.T + index * (raw.T > 0) for index in range(3)]),
        depths=np.stack([filled.T] * 3),
    )
    scipy.io.savemat(root / "splits.mat", {"trainNdxs": [[2]], "testNdxs": [[1], [3]]})


KITTI_DRIVE = "2011_09_26_drive_0002_sync"


def write_kitti(root: pathlib.Path) -> None:
    for number in (5, 69):
        write_picture(root / "2011_09_26" / KITTI_DRIVE / "image_02" / "data" / f"{number:010d}.png")
        groundtruth = root / "val" / KITTI_DRIVE / "proj_depth" / "groundtruth" / "image_02"
        write_codes(groundtruth / f"{number:010d}.png", stored_depth(0, factor=256))
    row = " ".join(map(str, np.hstack([CAMERA, [[44.9], [0.2], [0.003]]]).ravel()))
    (root / "2011_09_26" / "calib_cam_to_cam.txt").write_text(f"S_rect_02: 1 2\nP_rect_02: {row}\n")


def write_diode(root: pathlib.Path) -> None:
    for environment in ("indoors", "outdoor"):
        folder = root / "val" / environment / "scene_00019" / "scan_00183"
        write_picture(folder / "00019_00183.png")
        write_array(folder / "00019_00183_depth.npy", DEPTH[..., None])
        mask = np.ones((HEIGHT, WIDTH))
        mask[INVALID] = 0
        write_array(folder / "00019_00183_depth_mask.npy", mask)


def write_eth3d(root: pathlib.Path) -> None:
    write_picture(root / "office" / "images" / "dslr_images" / "DSC_0219.JPG")
    content = stored_depth(np.inf).astype("<f4").tobytes()
    write_bytes(root / "office" / "ground_truth_depth" / "dslr_images" / "DSC_0219.JPG", content)


def write_sintel(root: pathlib.Path) -> None:
    training = root / "training"
    for folder in ("final", "clean"):
        write_picture(training / folder / "alley_1" / "frame_0001.png")
    tag = struct.pack("<f", 202021.25)
    depth = tag + struct.pack("<ii", WIDTH, HEIGHT) + stored_depth(0, 50000).astype("<f4").tobytes()
    write_bytes(training / "depth" / "alley_1" / "frame_0001.dpt", depth)
    camera = tag + CAMERA.astype("<f8").tobytes() + np.eye(3, 4).astype("<f8").tobytes()
    write_bytes(training / "camdata_left" / "alley_1" / "frame_0001.cam", camera)


def write_ibims(root: pathlib.Path) -> None:
    folder = root / "ibims1_core_mat"
    folder.mkdir()
    good, opaque = np.ones((HEIGHT, WIDTH), np.uint8), np.ones((HEIGHT, WIDTH), np.uint8)
    good[OTHER] = opaque[SKY] = 0
    matlab_camera = CAMERA.copy()
    matlab_camera[:2, 2] += 1
    data = {
        "rgb": RGB,
        "depth": stored_depth(0),
        "edges": RGB[..., 0] > 60,
        "calib": matlab_camera.T,
        "mask_invalid": good,
        "mask_transp": opaque,
    }
    scipy.io.savemat(folder / "corridor_01.mat", {"data": data})
    (folder / "imagelist.txt").write_text("corridor_01\n")


def write_seven_scenes(root: pathlib.Path) -> None:
    (root / "chess").mkdir()
    for split, number in (("Train", 1), ("Test", 3)):
        (root / "chess" / f"{split}Split.txt").write_text(f"# {split}\nsequence{number}\n")
        folder = root / "chess" / f"seq-{number:02d}"
        write_picture(folder / "frame-000000.color.png")
        write_codes(folder / "frame-000000.depth.png", stored_depth(65535, factor=1000))


def write_middlebury(root: pathlib.Path) -> None:
    folder = root / "trainingQ" / "Adirondack"
    write_picture(folder / "im0.png")
    disparity = 500 * 0.2 / stored_depth(1) - 1.5
    disparity[INVALID] = np.inf
    write_bytes(folder / "disp0GT.pfm", pfm(disparity))
    lines = "cam0=[500 0 4.5; 0 510 3.5; 0 0 1]\ncam1=[500 0 6; 0 510 3.5; 0 0 1]\ndoffs=1.5\nbaseline=200\nwidth=8\n"
    (folder / "calib.txt").write_text(lines)


def write_da_2k(root: pathlib.Path) -> None:
    write_picture(root / "images" / "indoor" / "a.png")
    write_picture(root / "images" / "underwater" / "b.png")
    first = {"point1": [1, 2], "point2": [5, 7], "closer_point": "point1"}
    second = {"point1": [0, 0], "point2": [3, 3], "closer_point": "point2"}
    annotations = {"images/indoor/a.png": [first, second], "images/underwater/b.png": [first]}
    write_json(root / "annotations.json", annotations)


def log_codes(depth: np.ndarray, near: float, far: float) -> np.ndarray:
    finite = np.isfinite(depth)
    share = np.log(np.where(finite, depth, near) / near) / np.log(far / near)
    return np.select([np.isnan(depth), np.isinf(depth)], [0, 65535], 1 + np.rint(share * 65533)).astype(np.uint16)


def write_moge_bundle(root: pathlib.Path) -> None:
    folder = root / "NYUv2" / "bathroom" / "0045"
    write_picture(folder / "image.jpg")
    text = PngInfo()
    text.add_text("near", "0.5")
    text.add_text("far", "40.0")
    codes = log_codes(stored_depth(np.nan, np.inf), 0.5, 40.0)
    Image.fromarray(codes).save(folder / "depth.png", pnginfo=text)
    normalized = CAMERA + np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    normalized = np.diag([1 / WIDTH, 1 / HEIGHT, 1]) @ normalized
    write_json(folder / "meta.json", {"intrinsics": normalized.tolist()})
    (root / "NYUv2" / ".index.txt").write_text("bathroom/0045\n")


WRITERS: dict[str, Callable[[pathlib.Path], None]] = {
    "hypersim": write_hypersim,
    "vkitti2": write_vkitti2,
    "tartanair": write_tartanair,
    "irs": write_irs,
    **RENDERED_WRITERS,
    "blendedmvs": write_blendedmvs,
    "nyu": write_nyu,
    "kitti": write_kitti,
    "diode": write_diode,
    "eth3d": write_eth3d,
    "sintel": write_sintel,
    "ibims": write_ibims,
    "7scenes": write_seven_scenes,
    **CAPTURED_WRITERS,
    "middlebury": write_middlebury,
    "da-2k": write_da_2k,
    "moge": write_moge_bundle,
}
quiet_about_cameras = pytest.mark.filterwarnings("ignore:.*Hypersim scenes have no camera")


def names_of(samples: object) -> list[str]:
    return [samples[index]["name"] for index in range(len(samples))]  # type: ignore[index, arg-type]


def genuine(*parts: str) -> pathlib.Path:
    path = FORMATS.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the genuine files of {FORMATS} are not here")
    return path
