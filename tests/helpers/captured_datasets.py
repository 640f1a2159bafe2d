# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Tiny copies of the public datasets that sensors and phones recorded, in their documented layouts."""

from __future__ import annotations

import io
import pathlib
import zlib
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import scipy.io
from dataset_files import (
    CAMERA,
    DEPTH,
    HEIGHT,
    INVALID,
    OTHER,
    RGB,
    WIDTH,
    stored_depth,
    write_bytes,
    write_codes,
    write_exr,
    write_json,
    write_picture,
)
from PIL import Image


def write_confidence(path: pathlib.Path, low: int = 0, high: int = 2) -> None:
    """High everywhere but at `OTHER`."""
    values = np.full((HEIGHT, WIDTH), high, np.uint8)
    values[OTHER] = low
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def matrix_text(matrix: np.ndarray, size: int, between: str = " ") -> bytes:
    """A camera as rows of a square matrix of a size."""
    rows = np.eye(size)
    rows[:3, :3] = matrix
    return "\n".join(between.join(f"{value:.6f}" for value in row) for row in rows).encode()


def sens_bytes(
    pictures: Sequence[bytes],
    maps: Sequence[np.ndarray],
    camera: np.ndarray = CAMERA,
    shift: float = 1000.0,
    codes: tuple[int, int] = (1, 1),
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> bytes:
    """A .sens as ScanNet's recorder writes it, written from its description."""
    four = np.eye(4, dtype="<f4")
    four[:3, :3] = camera
    height, width = maps[0].shape
    file = io.BytesIO()
    file.write(np.array([4], "<u4").tobytes() + np.array([5], "<u8").tobytes() + b"iPad!")
    for matrix in (four, np.eye(4, dtype="<f4"), four, np.eye(4, dtype="<f4")):
        file.write(matrix.tobytes())
    file.write(np.array(codes, "<i4").tobytes() + np.array([*size, width, height], "<u4").tobytes())
    file.write(np.array([shift], "<f4").tobytes() + np.array([len(maps)], "<u8").tobytes())
    for number, (picture, stored) in enumerate(zip(pictures, maps, strict=True)):
        depth = stored.astype("<u2").tobytes()
        depth = zlib.compress(depth) if codes[1] == 1 else depth
        file.write(np.full(16, -np.inf, "<f4").tobytes())
        file.write(np.array([number, number, len(picture), len(depth)], "<u8").tobytes() + picture + depth)
    # The accelerometer follows: nothing of it.
    file.write(np.array([0], "<u8").tobytes())
    return file.getvalue()


def png_bytes(picture: np.ndarray = RGB) -> bytes:
    """A picture as bytes of PNG."""
    done, content = cv2.imencode(".png", picture[..., ::-1])
    assert done
    return content.tobytes()


def write_scannet(root: pathlib.Path) -> None:
    scan = root / "scene0000_00"
    for number in (2, 10):
        write_picture(scan / "color" / f"{number}.jpg")
        write_codes(scan / "depth" / f"{number}.png", stored_depth(0, factor=1000))
    for kind in ("color", "depth"):
        write_bytes(scan / "intrinsic" / f"intrinsic_{kind}.txt", matrix_text(CAMERA, 4))
    codes = np.rint(stored_depth(0, factor=1000))
    write_bytes(root / "scene0001_00" / "scene0001_00.sens", sens_bytes([png_bytes()] * 3, [codes] * 3))
    (root / "scannetv2_val.txt").write_text("scene0001_00\nscene0002_00\n")


def write_scannetpp(root: pathlib.Path) -> None:
    phone = root / "data" / "036bce3393" / "iphone"
    write_picture(phone / "rgb" / "frame_000000.jpg")
    write_picture(phone / "rgb" / "frame_000010.jpg")
    for number in range(0, 20, 10):
        write_codes(phone / "depth" / f"frame_{number:06d}.png", stored_depth(0, factor=1000))
    write_codes(phone / "render_depth" / "frame_000000.png", stored_depth(0, factor=2000))
    write_codes(phone / "render_depth" / "frame_000010.png", stored_depth(0, factor=2000))
    cameras = {f"frame_{number:06d}": {"intrinsic": CAMERA.tolist()} for number in range(11)}
    write_json(phone / "pose_intrinsic_imu.json", cameras)
    write_bytes(root / "splits" / "nvs_sem_train.txt", b"036bce3393\n")


def write_sun_rgbd(root: pathlib.Path) -> None:
    for place, number in (("kv1/NYUdata/NYU0001", "NYU0001"), ("xtion/sun3ddata/home/at/0001", "0001-00004")):
        folder = root / "SUNRGBD" / place
        write_picture(folder / "image" / f"{number}.jpg")
        codes = np.rint(stored_depth(0, factor=1000)).astype(np.uint16)
        write_codes(folder / "depth" / f"{number}.png", (codes << 3) | (codes >> 13))
        write_codes(folder / "depth_bfx" / f"{number}.png", np.full((HEIGHT, WIDTH), 2000 << 3))
        write_bytes(folder / "intrinsics.txt", matrix_text(CAMERA, 3))
    paths = {"alltrain": ["kv1/NYUdata/NYU0001"], "alltest": ["xtion/sun3ddata/home/at/0001/"]}
    cells = {
        name: np.array([f"/n/fs/sun3d/data/SUNRGBD/{path}" for path in each], object) for name, each in paths.items()
    }
    table = root / "SUNRGBDtoolbox" / "traintestSUNRGBD" / "allsplit.mat"
    table.parent.mkdir(parents=True)
    scipy.io.savemat(table, cells)


def write_tum(root: pathlib.Path) -> None:
    sequence = root / "rgbd_dataset_freiburg2_desk"
    times = {"rgb": ("10.000000", "10.030000", "10.200000"), "depth": ("10.008000", "10.041000", "10.300000")}
    for kind, found in times.items():
        lines = "".join(f"{time} {kind}/{time}.png\n" for time in found)
        write_bytes(sequence / f"{kind}.txt", f"# {kind} maps\n# timestamp filename\n{lines}".encode())
    for time in times["rgb"]:
        write_picture(sequence / "rgb" / f"{time}.png")
    depth = np.minimum(DEPTH, 13).astype(np.float64) * 5000
    depth[INVALID] = 0
    for time in times["depth"]:
        write_codes(sequence / "depth" / f"{time}.png", depth)


def write_matterport3d(root: pathlib.Path) -> None:
    house = root / "v1" / "scans" / "17DRP5sb8fy"
    depth = np.minimum(DEPTH, 16).astype(np.float64) * 4000
    depth[INVALID] = 0
    for kind in ("matterport", "undistorted"):
        write_picture(house / f"{kind}_color_images" / "0f37_i1_4.jpg")
        write_codes(house / f"{kind}_depth_images" / "0f37_d1_4.png", depth)
    numbers = (WIDTH, HEIGHT, CAMERA[0, 0], CAMERA[1, 1], CAMERA[0, 2], CAMERA[1, 2], 0.1, -0.2, 0, 0, 0)
    camera = " ".join(map(str, numbers)).encode()
    write_bytes(house / "matterport_camera_intrinsics" / "0f37_intrinsics_1.txt", camera)
    upwards = (HEIGHT - 1) - CAMERA[1, 2]
    lines = (
        "dataset matterport\nn_images 1\ndepth_directory undistorted_depth_images\n"
        f"intrinsics_matrix {CAMERA[0, 0]} 0 {CAMERA[0, 2]}  0 {CAMERA[1, 1]} {upwards} 0 0 1\n"
        f"scan 0f37_d1_4.png 0f37_i1_4.jpg {' '.join(['1'] * 16)}\n"
    )
    write_bytes(house / "undistorted_camera_parameters" / "17DRP5sb8fy.conf", lines.encode())
    (root / "scenes_train.txt").write_text("17DRP5sb8fy\n")


def write_arkitscenes(root: pathlib.Path) -> None:
    for fold, video in (("Training", "47333462"), ("Validation", "41048190")):
        folder = root / "raw" / fold / video
        name = f"{video}_100.123"
        write_picture(folder / "lowres_wide" / f"{name}.png")
        write_codes(folder / "lowres_depth" / f"{name}.png", stored_depth(0, factor=1000))
        write_confidence(folder / "confidence" / f"{name}.png")
        text = f"{WIDTH} {HEIGHT} {CAMERA[0, 0]} {CAMERA[1, 1]} {CAMERA[0, 2]} {CAMERA[1, 2]}"
        write_bytes(folder / "lowres_wide_intrinsics" / f"{video}_100.124.pincam", text.encode())
    table = "video_id,visit_id,fold,sky_direction\n47333462,1,Training,Left\n41048190.0,2,Validation,Down\n"
    (root / "raw" / "metadata.csv").write_text(table)


def pose_of(turn: np.ndarray, place: Sequence[float]) -> dict[str, dict[str, float]]:
    """A pose of DGP of a turn by Rodrigues' vector."""
    angle = float(np.linalg.norm(turn))
    axis = turn / angle * np.sin(angle / 2)
    rotation = dict(zip(("qw", "qx", "qy", "qz"), (float(np.cos(angle / 2)), *map(float, axis)), strict=True))
    return {"rotation": rotation, "translation": dict(zip("xyz", map(float, place), strict=True))}


def write_ddad(root: pathlib.Path) -> None:
    base = root / "ddad_train_val"
    turns = np.array([0.3, -1.2, 0.4]), np.array([-0.2, 0.1, 2.0])
    places = (400.0, -259.0, 12.0), (399.0, -258.5, 13.0)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    # In the authors' convention the middle of the first pixel is at 0.5.
    rays = np.stack([columns + 0.5, rows + 0.5, np.ones_like(rows)], axis=-1) @ np.linalg.inv(CAMERA).T
    seen = np.delete((rays * DEPTH[..., None]).reshape(-1, 3), 0, axis=0)
    behind = seen[-1:] * 1.5
    world = np.concatenate([behind, seen, -seen[:1]]) @ cv2.Rodrigues(turns[0])[0].T + places[0]
    points = (world - places[1]) @ cv2.Rodrigues(turns[1])[0]
    for part, scene in (("0", "000000"), ("1", "000150")):
        folder = base / scene
        write_picture(folder / "rgb" / "CAMERA_01" / "15.png")
        cloud = folder / "point_cloud" / "LIDAR" / "15.npz"
        cloud.parent.mkdir(parents=True)
        np.savez(cloud, data=np.concatenate([points, np.ones((len(points), 1))], axis=1))
        camera = {name: float(CAMERA[place]) for name, place in _CAMERA_PLACES.items()}
        calibration = {"names": ["LIDAR", "camera_01"], "intrinsics": [dict.fromkeys(camera, 0.0), camera]}
        write_json(folder / "calibration" / "c0e1.json", calibration)
        image = {"image": {"filename": "rgb/CAMERA_01/15.png", "pose": pose_of(turns[0], places[0])}}
        lidar = {"point_cloud": {"filename": "point_cloud/LIDAR/15.npz", "pose": pose_of(turns[1], places[1])}}
        data = [
            {"key": "k1", "id": {"name": "LIDAR"}, "datum": lidar},
            {"key": "k2", "id": {"name": "camera_01"}, "datum": image},
        ]
        samples = [{"calibration_key": "c0e1", "datum_keys": ["k1", "k2", "gone"]}]
        write_json(folder / f"scene_{part}a.json", {"data": data, "samples": samples})
    splits = {"0": {"filenames": ["000000/scene_0a.json"]}, "1": {"filenames": ["000150/scene_1a.json"]}}
    write_json(base / "ddad.json", {"scene_splits": splits})


_CAMERA_PLACES = {"fx": (0, 0), "fy": (1, 1), "cx": (0, 2), "cy": (1, 2)}


def write_bop(root: pathlib.Path) -> None:
    for folder, suffix, scale in (("train_pbr", "jpg", 0.1), ("test_primesense", "png", 1.0)):
        scene = root / folder / "000001"
        write_picture(scene / "rgb" / f"000003.{suffix}")
        depth = np.minimum(DEPTH, 6.5).astype(np.float64) * 1000 / scale
        depth[INVALID] = 0
        write_codes(scene / "depth" / "000003.png", depth)
        write_json(scene / "scene_camera.json", {"3": {"cam_K": CAMERA.ravel().tolist(), "depth_scale": scale}})


def write_stray(root: pathlib.Path) -> None:
    write_picture(root / "rgb" / "000000.jpg")
    write_codes(root / "depth" / "000000.png", stored_depth(0, factor=1000))
    write_confidence(root / "confidence" / "000000.png")
    write_bytes(root / "camera_matrix.csv", matrix_text(CAMERA, 3, ", "))


def write_polycam(root: pathlib.Path) -> None:
    folder = root / "keyframes"
    for number in (9, 81584803):
        for kind in ("", "corrected_"):
            write_picture(folder / f"{kind}images" / f"{number}.jpg")
            camera = {name: float(CAMERA[place]) for name, place in _CAMERA_PLACES.items()}
            write_json(folder / f"{kind}cameras" / f"{number}.json", {**camera, "width": WIDTH, "height": HEIGHT})
        write_codes(folder / "depth" / f"{number}.png", stored_depth(0, factor=1000))
        write_confidence(folder / "confidence" / f"{number}.png", 0, 54)


def write_record3d(root: pathlib.Path) -> None:
    write_picture(root / "rgb" / "0.jpg")
    write_exr(root / "depth" / "0.exr", stored_depth(np.nan).astype(np.float16), "R")
    write_json(root / "metadata.json", {"K": CAMERA.T.ravel().tolist(), "w": WIDTH, "h": HEIGHT})


CAPTURED_WRITERS: dict[str, Callable[[pathlib.Path], None]] = {
    "scannet": write_scannet,
    "scannetpp": write_scannetpp,
    "sunrgbd": write_sun_rgbd,
    "tum": write_tum,
    "matterport3d": write_matterport3d,
    "arkitscenes": write_arkitscenes,
    "ddad": write_ddad,
    "bop": write_bop,
    "stray": write_stray,
    "polycam": write_polycam,
    "record3d": write_record3d,
}
