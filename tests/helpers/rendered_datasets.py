# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tiny copies of the rendered public datasets in their documented layouts; pixels without a value as in each."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import numpy as np
from dataset_files import (
    CAMERA,
    HEIGHT,
    INVALID,
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
from encoded_maps import png, png_of_channels
from PIL import Image


# Sixteen bits of 1/5000 m end at 13 m.
NEARER = 0.4


def write_tartanair_v2(root: pathlib.Path) -> None:
    for place, camera in (("Hospital/Data_easy/P000", "lcam_front"), ("Hospital/Data_omni/P0001", "lcam_left")):
        write_picture(root / place / f"image_{camera}" / f"000000_{camera}.png")
        # Blue is the lowest byte of the float, red the third.
        blue, green, red, alpha = np.moveaxis(
            stored_depth(0, 10000).astype("<f4").view(np.uint8).reshape(HEIGHT, WIDTH, 4), 2, 0
        )
        content = png(np.stack([red, green, blue, alpha], axis=2))
        write_bytes(root / place / f"depth_{camera}" / f"000000_{camera}_depth.png", content)


def ray_lengths(focal: float) -> np.ndarray:
    """Distance along rays of what is one metre deep, for the centre of the picture: (H, W)."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.sqrt(1 + ((columns - WIDTH / 2 + 0.5) / focal) ** 2 + ((rows - HEIGHT / 2 + 0.5) / focal) ** 2)


def write_midair(root: pathlib.Path) -> None:
    distance = stored_depth(0) * ray_lengths(WIDTH / 2)
    distance[SKY] = 32000
    for climate, deep in (("Kite_training/sunny", ""), ("PLE_test/winter", "frames/")):
        folder = root / climate
        write_picture(folder / "color_left" / "trajectory_0000" / f"{deep}000000.JPEG")
        content = png(distance.astype(np.float16).view(np.uint16))
        write_bytes(folder / "depth" / "trajectory_0000" / f"{deep}000000.PNG", content)


def write_spring(root: pathlib.Path) -> None:
    scene = root / "train" / "0001"
    disparity = 500 * 0.065 / stored_depth(1)
    disparity[INVALID], disparity[SKY] = np.nan, 0.01
    for camera in ("left", "right"):
        write_picture(scene / f"frame_{camera}" / f"frame_{camera}_0002.png")
        large = np.kron(disparity, np.array([[1, 0.5], [0.5, 0.5]]))
        write_hdf5(scene / f"disp1_{camera}" / f"disp1_{camera}_0002.dsp5", disparity=large.astype(np.float32))
    sky = np.zeros((HEIGHT, WIDTH), bool)
    sky[SKY] = True
    (scene / "maps" / "skymap_left").mkdir(parents=True)
    Image.fromarray(np.kron(sky, np.ones((2, 2), bool))).save(scene / "maps" / "skymap_left" / "skymap_left_0002.png")
    (scene / "cam_data").mkdir()
    (scene / "cam_data" / "intrinsics.txt").write_text("400 400 4 3\n500 510 4.5 3.5\n")


def write_unrealstereo4k(root: pathlib.Path) -> None:
    # The cameras of a picture of twice the size: fx 1000.
    disparity = 500 * 0.2 / stored_depth(1)
    disparity[INVALID], disparity[SKY] = np.inf, 1e-4
    write_array(root / "00000" / "Disp0" / "00007.npy", disparity.astype(np.float32))
    write_codes(root / "00001" / "Disp0" / "00007.png", np.where(np.isinf(disparity), 0, disparity * 256))
    for scene in ("00000", "00001"):
        write_picture(root / scene / "Image0" / "00007.png")
        for camera, shift in ((0, 0.0), (1, -0.2)):
            lines = f"1000 0 8 0 1000 6 0 0 1\n1 0 0 {5 + shift} 0 1 0 6 0 0 1 7\n"
            write_bytes(root / scene / f"Extrinsics{camera}" / "00007.txt", lines.encode())


def write_mvs_synth(root: pathlib.Path) -> None:
    folder = root / "GTAV_540" / "0003"
    write_picture(folder / "images" / "0000.png")
    write_exr(folder / "depths" / "0000.exr", stored_depth(0, np.inf, 10).astype(np.float32), "Y")
    camera = dict(zip(("f_x", "f_y", "c_x", "c_y"), (500, 510, 4.5, 3.5), strict=True))
    write_json(folder / "poses" / "0000.json", {**camera, "extrinsic": np.eye(4).tolist()})


def write_urbansyn(root: pathlib.Path) -> None:
    write_picture(root / "rgb" / "rgb_0001.png")
    write_exr(root / "depth" / "depth_0001.exr", stored_depth(0, 900 * 1e-5, 1e-5).astype(np.float32), "R")
    classes = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    classes[SKY], classes[..., 3] = 10, 255
    write_bytes(root / "ss" / "ss_0001.png", png(classes))
    lens = {"focalLength_mm": 25.0, "sensorWidth_mm": 20.0, "sensorHeight_mm": 15.0}
    write_json(root / "camera_metadata.json", {"parameters": [{"Camera": lens}]})


def write_synthia(root: pathlib.Path) -> None:
    codes = np.rint(stored_depth(0, 65535 / 100) * 100).astype(np.uint16)
    content = png_of_channels(np.stack([codes] * 3, axis=2))
    for folder, name in (("RAND_CITYSCAPES", "0000001.png"), ("SEQS-01-FALL", "Stereo_Left/Omni_F/000000.png")):
        write_picture(root / folder / "RGB" / name)
        inner = "Depth/Depth" if folder == "RAND_CITYSCAPES" else "Depth"
        write_bytes(root / folder / inner / name, content)


def carla_colours(depth: np.ndarray) -> np.ndarray:
    """Raw depth as CARLA's Python client saves it: RGBA."""
    codes = np.rint(depth / 1000 * ((1 << 24) - 1)).astype(np.int64)
    opaque = np.full(depth.shape, 255)
    return np.stack([codes & 255, codes >> 8 & 255, codes >> 16, opaque], axis=2).astype(np.uint8)


def write_carla(root: pathlib.Path) -> None:
    content = png(carla_colours(stored_depth(0, 1000)))
    for folder, depth in (
        ("run/CameraRGB/07.jpg", "run/CameraDepth/07.png"),
        ("rgb_0/rgb_1.png", "depth_0/depth_1.png"),
    ):
        write_picture(root / folder)
        write_bytes(root / depth, content)


def write_icl_nuim(root: pathlib.Path) -> None:
    for number in (10, 9):
        write_picture(root / "living_room_traj0_frei_png" / "rgb" / f"{number}.png")
        write_codes(
            root / "living_room_traj0_frei_png" / "depth" / f"{number}.png", stored_depth(0, factor=5000 * NEARER)
        )


def write_replica(root: pathlib.Path) -> None:
    keys = ("w", "h", "fx", "fy", "cx", "cy", "scale")
    write_json(root / "cam_params.json", {"camera": dict(zip(keys, (8, 6, 500, 510, 4.5, 3.5, 6553.5), strict=True))})
    write_picture(root / "room0" / "results" / "frame000000.jpg")
    write_codes(root / "room0" / "results" / "depth000000.png", stored_depth(0, factor=6553.5 * NEARER))


def write_taskonomy(root: pathlib.Path) -> None:
    start = "taskonomy/allensville/point_0_view_1_domain_"
    write_picture(root / "rgb" / f"{start}rgb.png")
    depth = stored_depth(0, factor=512)
    depth[SKY] = 65535
    write_codes(root / "depth_zbuffer" / f"{start}depth_zbuffer.png", depth)
    mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
    mask[0, 2] = 0
    write_bytes(root / "mask_valid" / f"{start}depth_zbuffer.png", png(mask))
    write_json(root / "point_info" / f"{start}point_info.json", {"field_of_view_rads": np.pi / 2})


def write_stanford_2d3ds(root: pathlib.Path) -> None:
    for area in ("area_1", "area_5a"):
        folder = root / area / "data"
        write_picture(folder / "rgb" / f"camera_{area}_office_1_frame_0_domain_rgb.png")
        depth = stored_depth(65535, factor=512)
        write_codes(folder / "depth" / f"camera_{area}_office_1_frame_0_domain_depth.png", depth)
        pose = {"camera_k_matrix": CAMERA.tolist()}
        write_json(folder / "pose" / f"camera_{area}_office_1_frame_0_domain_pose.json", pose)
    write_picture(root / "area_1" / "pano" / "rgb" / "camera_a_domain_rgb.png")
    write_codes(root / "area_1" / "pano" / "depth" / "camera_a_domain_depth.png", depth)


RENDERED_WRITERS: dict[str, Callable[[pathlib.Path], None]] = {
    "tartanair-v2": write_tartanair_v2,
    "midair": write_midair,
    "spring": write_spring,
    "unrealstereo4k": write_unrealstereo4k,
    "mvs-synth": write_mvs_synth,
    "urbansyn": write_urbansyn,
    "synthia": write_synthia,
    "carla": write_carla,
    "icl-nuim": write_icl_nuim,
    "replica": write_replica,
    "taskonomy": write_taskonomy,
    "2d3ds": write_stanford_2d3ds,
}
