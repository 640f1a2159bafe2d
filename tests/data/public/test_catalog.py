# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The official data sets in their own layouts: values, masks, sky, cameras and names.

Each set is written by a function here in its documented format; genuine files are read where they are at hand.
"""

from __future__ import annotations

import csv
import json
import pathlib
import pickle
import struct
import sys
from collections.abc import Callable

import cv2
import h5py
import numpy as np
import OpenEXR
import pytest
import scipy.io
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from shared_files import SHARED_FORMATS as FORMATS

from depth_anything_hf.data.datasets import DepthTable
from depth_anything_hf.data.decoding.depth_maps import read_label
from depth_anything_hf.data.decoding.errors import BrokenSampleError, UnreadableImageError
from depth_anything_hf.data.export import as_table, table_features
from depth_anything_hf.data.public.catalog import PUBLIC_DATASETS, describe_public, open_public
from depth_anything_hf.data.public.hypersim import hypersim_tone_map, intrinsics_of_projection
from depth_anything_hf.data.public.moge_bundle import read_log_depth
from depth_anything_hf.data.sources import DataSource, open_source
from depth_anything_hf.geometry.camera import distance_to_planar_depth


HEIGHT, WIDTH = 6, 8
RGB = np.stack([*np.mgrid[0:HEIGHT, 0:WIDTH] * 30, np.full((HEIGHT, WIDTH), 90)], axis=2).astype(np.uint8)
DEPTH = np.linspace(1, 20, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.float32)
CAMERA = np.array([[500.0, 0, 4.5], [0, 510.0, 3.5], [0, 0, 1]])
INVALID, SKY, OTHER = (0, 0), (0, 1), (0, 2)


def stored_depth(invalid: float, sky: float | None = None, factor: float = 1.0) -> np.ndarray:
    """`DEPTH` as a file holds it: float64 with the values of a set for invalid and sky."""
    values = DEPTH.astype(np.float64) * factor
    values[INVALID] = invalid
    if sky is not None:
        values[SKY] = sky
    return values


def expected_depth(sky: bool = False) -> np.ndarray:
    values = DEPTH.copy()
    values[INVALID] = np.nan
    if sky:
        values[SKY] = np.inf
    return values


def write_picture(path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RGB).save(path)


def write_codes(path: pathlib.Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.rint(values).astype(np.uint16))


def write_bytes(path: pathlib.Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_array(path: pathlib.Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def write_hdf5(path: pathlib.Path, **arrays: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values


def write_exr(path: pathlib.Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {"G": values.astype(np.float32)}) as file:
        file.write(str(path))


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


def hypersim(root: pathlib.Path) -> None:
    for scene, frame in (("ai_001_001", 0), ("ai_001_001", 1), ("ai_002_001", 0), ("ai_038_007", 0)):
        images = root / scene / "images"
        write_picture(images / "scene_cam_00_final_preview" / f"frame.{frame:04d}.tonemap.jpg")
        distance = stored_depth(np.nan).astype(np.float16)
        write_hdf5(images / "scene_cam_00_geometry_hdf5" / f"frame.{frame:04d}.depth_meters.hdf5", dataset=distance)
    write_hypersim_cameras(root, {"ai_001_001": projection_of(CAMERA, HEIGHT, WIDTH)})


def vkitti2(root: pathlib.Path) -> None:
    for scene, camera in (("Scene01", 0), ("Scene02", 0), ("Scene02", 1)):
        frames = root / scene / "clone" / "frames"
        write_picture(frames / "rgb" / f"Camera_{camera}" / "rgb_00000.jpg")
        write_codes(frames / "depth" / f"Camera_{camera}" / "depth_00000.png", stored_depth(0, 65535, 100))


def tartanair(root: pathlib.Path) -> None:
    for environment in ("office/Easy", "amusement/Hard", "ocean/ocean/Hard"):
        write_picture(root / environment / "P001" / "image_left" / "000000_left.png")
        depth = stored_depth(0, 10000).astype(np.float32)
        write_array(root / environment / "P001" / "depth_left" / "000000_left_depth.npy", depth)


def irs(root: pathlib.Path) -> None:
    write_picture(root / "Home" / "Wood_d_Room" / "l_7.png")
    disparity = 48 / stored_depth(1)
    disparity[INVALID] = 0
    write_exr(root / "Home" / "Wood_d_Room" / "d_7.exr", disparity)


def blendedmvs(root: pathlib.Path) -> None:
    for project in ("5a3ca9cb", "5a4a38da"):
        write_picture(root / project / "blended_images" / "00000003.jpg")
        write_picture(root / project / "blended_images" / "00000003_masked.jpg")
        rows = "\n".join(" ".join(map(str, row)) for row in CAMERA)
        text = "extrinsic\n" + "1 0 0 9\n" * 4 + f"\nintrinsic\n{rows}\n\n425.0 2.5 128 700.0\n"
        write_bytes(root / project / "cams" / "00000003_cam.txt", text.encode())
        write_bytes(root / project / "rendered_depth_maps" / "00000003.pfm", pfm(stored_depth(0)))
    (root / "validation_list.txt").write_text("5a4a38da\n")


def nyu(root: pathlib.Path) -> None:
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


def kitti(root: pathlib.Path) -> None:
    for number in (5, 69):
        write_picture(root / "2011_09_26" / KITTI_DRIVE / "image_02" / "data" / f"{number:010d}.png")
        groundtruth = root / "val" / KITTI_DRIVE / "proj_depth" / "groundtruth" / "image_02"
        write_codes(groundtruth / f"{number:010d}.png", stored_depth(0, factor=256))
    row = " ".join(map(str, np.hstack([CAMERA, [[44.9], [0.2], [0.003]]]).ravel()))
    (root / "2011_09_26" / "calib_cam_to_cam.txt").write_text(f"S_rect_02: 1 2\nP_rect_02: {row}\n")


def diode(root: pathlib.Path) -> None:
    for environment in ("indoors", "outdoor"):
        folder = root / "val" / environment / "scene_00019" / "scan_00183"
        write_picture(folder / "00019_00183.png")
        write_array(folder / "00019_00183_depth.npy", DEPTH[..., None])
        mask = np.ones((HEIGHT, WIDTH))
        mask[INVALID] = 0
        write_array(folder / "00019_00183_depth_mask.npy", mask)


def eth3d(root: pathlib.Path) -> None:
    write_picture(root / "office" / "images" / "dslr_images" / "DSC_0219.JPG")
    content = stored_depth(np.inf).astype("<f4").tobytes()
    write_bytes(root / "office" / "ground_truth_depth" / "dslr_images" / "DSC_0219.JPG", content)


def sintel(root: pathlib.Path) -> None:
    training = root / "training"
    for folder in ("final", "clean"):
        write_picture(training / folder / "alley_1" / "frame_0001.png")
    tag = struct.pack("<f", 202021.25)
    depth = tag + struct.pack("<ii", WIDTH, HEIGHT) + stored_depth(0, 50000).astype("<f4").tobytes()
    write_bytes(training / "depth" / "alley_1" / "frame_0001.dpt", depth)
    camera = tag + CAMERA.astype("<f8").tobytes() + np.eye(3, 4).astype("<f8").tobytes()
    write_bytes(training / "camdata_left" / "alley_1" / "frame_0001.cam", camera)


def ibims(root: pathlib.Path) -> None:
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


def seven_scenes(root: pathlib.Path) -> None:
    (root / "chess").mkdir()
    for split, number in (("Train", 1), ("Test", 3)):
        (root / "chess" / f"{split}Split.txt").write_text(f"# {split}\nsequence{number}\n")
        folder = root / "chess" / f"seq-{number:02d}"
        write_picture(folder / "frame-000000.color.png")
        write_codes(folder / "frame-000000.depth.png", stored_depth(65535, factor=1000))


def middlebury(root: pathlib.Path) -> None:
    folder = root / "trainingQ" / "Adirondack"
    write_picture(folder / "im0.png")
    disparity = 500 * 0.2 / stored_depth(1) - 1.5
    disparity[INVALID] = np.inf
    write_bytes(folder / "disp0GT.pfm", pfm(disparity))
    lines = "cam0=[500 0 4.5; 0 510 3.5; 0 0 1]\ncam1=[500 0 6; 0 510 3.5; 0 0 1]\ndoffs=1.5\nbaseline=200\nwidth=8\n"
    (folder / "calib.txt").write_text(lines)


def da_2k(root: pathlib.Path) -> None:
    write_picture(root / "images" / "indoor" / "a.png")
    write_picture(root / "images" / "underwater" / "b.png")
    first = {"point1": [1, 2], "point2": [5, 7], "closer_point": "point1"}
    second = {"point1": [0, 0], "point2": [3, 3], "closer_point": "point2"}
    annotations = {"images/indoor/a.png": [first, second], "images/underwater/b.png": [first]}
    (root / "annotations.json").write_text(json.dumps(annotations))


def log_codes(depth: np.ndarray, near: float, far: float) -> np.ndarray:
    finite = np.isfinite(depth)
    share = np.log(np.where(finite, depth, near) / near) / np.log(far / near)
    return np.select([np.isnan(depth), np.isinf(depth)], [0, 65535], 1 + np.rint(share * 65533)).astype(np.uint16)


def moge(root: pathlib.Path) -> None:
    folder = root / "NYUv2" / "bathroom" / "0045"
    write_picture(folder / "image.jpg")
    text = PngInfo()
    text.add_text("near", "0.5")
    text.add_text("far", "40.0")
    codes = log_codes(stored_depth(np.nan, np.inf), 0.5, 40.0)
    Image.fromarray(codes).save(folder / "depth.png", pnginfo=text)
    normalised = CAMERA + [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    normalised = np.diag([1 / WIDTH, 1 / HEIGHT, 1]) @ normalised
    (folder / "meta.json").write_text(json.dumps({"intrinsics": normalised.tolist()}))
    (root / "NYUv2" / ".index.txt").write_text("bathroom/0045\n")


WRITERS: dict[str, Callable[[pathlib.Path], None]] = {
    "hypersim": hypersim,
    "vkitti2": vkitti2,
    "tartanair": tartanair,
    "irs": irs,
    "blendedmvs": blendedmvs,
    "nyu": nyu,
    "kitti": kitti,
    "diode": diode,
    "eth3d": eth3d,
    "sintel": sintel,
    "ibims": ibims,
    "7scenes": seven_scenes,
    "middlebury": middlebury,
    "da-2k": da_2k,
    "moge": moge,
}
quiet_about_cameras = pytest.mark.filterwarnings("ignore:.*Hypersim scenes have no camera")


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pathlib.Path]:
    """All sets, to be read only."""
    folders = {}
    for name, write in WRITERS.items():
        folders[name] = tmp_path_factory.mktemp(name)
        write(folders[name])
    return folders


def names_of(samples: object) -> list[str]:
    return [samples[index]["name"] for index in range(len(samples))]  # type: ignore[index, arg-type]


# Facts about every set


def test_every_data_set_states_what_a_user_must_know() -> None:
    assert list(PUBLIC_DATASETS) == list(WRITERS)
    guide = (pathlib.Path(__file__).parents[3] / "docs" / "datasets.md").read_text(encoding="utf-8")
    for row in describe_public():
        assert all(row[key] for key in ("title", "label", "unit", "license", "citation", "homepage", "layout")), row
        assert f"| `{row['name']}` | [{row['title']}]({row['homepage']}) | {row['license']} |" in guide, row["name"]
    for entry in PUBLIC_DATASETS.values():
        assert entry.default_split is None or entry.default_split in entry.splits


@quiet_about_cameras
@pytest.mark.parametrize("name", WRITERS)
def test_samples_keep_the_convention(name: str, roots: dict[str, pathlib.Path]) -> None:
    samples = pickle.loads(pickle.dumps(open_public(name, roots[name])))
    label = None if PUBLIC_DATASETS[name].label == "pairs" else PUBLIC_DATASETS[name].label
    assert samples.label == label and len(samples) > 0
    names = names_of(samples)
    assert len(set(names)) == len(names) and not any(str(roots[name]) in found for found in names)
    sample = samples[0]
    assert sample["image"].shape == (HEIGHT, WIDTH, 3) and sample["image"].dtype == np.uint8
    assert ("depth" in sample) + ("disparity" in sample) == (label is not None)
    if label is not None:
        assert sample[label].dtype == np.float32 and np.isnan(sample[label][INVALID])
        assert (sample[label][1:] > 0).all()
    if "intrinsics" in sample:
        assert sample["intrinsics"].shape == (3, 3) and sample["intrinsics"].dtype == np.float64
        sample["intrinsics"][:] = 0
        assert samples[0]["intrinsics"].any()


@pytest.mark.parametrize("name", WRITERS)
def test_a_wrong_root_says_what_the_layout_should_be(name: str, tmp_path: pathlib.Path) -> None:
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(FileNotFoundError) as caught:
            open_public(name, root)
        message = str(caught.value)
        assert str(root) in message and PUBLIC_DATASETS[name].homepage in message
        assert all(line in message for line in PUBLIC_DATASETS[name].layout.splitlines())


@quiet_about_cameras
@pytest.mark.parametrize("name", [name for name in WRITERS if name != "nyu"])
def test_a_missing_picture_is_told_on_opening(name: str, tmp_path: pathlib.Path) -> None:
    WRITERS[name](tmp_path)
    picture = pathlib.Path(open_public(name, tmp_path).frames[0].files[0])  # type: ignore[attr-defined]
    if name == "diode":
        # Its pictures say which frames there are.
        picture = picture.with_name(f"{picture.stem}_depth.npy")
    if name == "7scenes":
        picture = picture.with_name("frame-000000.depth.png")
    picture.unlink()
    with pytest.raises(FileNotFoundError, match="1 files of .* are missing") as caught:
        open_public(name, tmp_path)
    assert str(picture) in str(caught.value)


@quiet_about_cameras
@pytest.mark.parametrize("name", [name for name in WRITERS if name != "da-2k"])
def test_a_damaged_label_is_told_with_its_name(name: str, tmp_path: pathlib.Path) -> None:
    WRITERS[name](tmp_path)
    samples = open_public(name, tmp_path)
    label = pathlib.Path(samples.frames[0].files[-1])  # type: ignore[attr-defined]
    label.write_bytes(label.read_bytes()[:20])
    with pytest.raises(UnreadableImageError) as caught:
        samples[0]
    assert label.name in str(caught.value)


def test_missing_files_are_listed_ten_at_a_time(tmp_path: pathlib.Path) -> None:
    annotations: dict[str, list] = {f"images/indoor/{number:02d}.png": [] for number in range(25)}
    (tmp_path / "annotations.json").write_text(json.dumps(annotations))
    with pytest.raises(FileNotFoundError, match="25 files of DA-2K are missing") as caught:
        open_public("da-2k", tmp_path)
    message = str(caught.value)
    assert "09.png" in message and "10.png" not in message and "and 15 more" in message


def test_wrong_choices_are_told(roots: dict[str, pathlib.Path]) -> None:
    with pytest.raises(ValueError, match="'hypersin'.*did you mean 'hypersim'"):
        open_public("hypersin", roots["hypersim"])
    with pytest.raises(ValueError, match="DIODE has no split 'test'; there are train, val"):
        open_public("diode", roots["diode"], "test")
    with pytest.raises(ValueError, match="limit must be at least 1, got 0"):
        open_public("diode", roots["diode"], limit=0)
    with pytest.raises(ValueError, match="DIODE has no option 'list_file'; there are environment"):
        open_public("diode", roots["diode"], list_file="x")


def test_limit_and_max_depth(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("vkitti2", roots["vkitti2"], limit=1, max_depth=5.0)
    depth = samples[0]["depth"]
    assert len(samples) == 1 and np.isinf(depth[SKY]) and np.nanmax(depth[np.isfinite(depth)]) <= 5


def test_a_picture_of_another_size_than_its_label_is_told(tmp_path: pathlib.Path) -> None:
    diode(tmp_path)
    picture = tmp_path / "val/indoors/scene_00019/scan_00183/00019_00183.png"
    Image.fromarray(RGB[:4]).save(picture)
    with pytest.raises(BrokenSampleError, match=r"00019_00183.png is 4 x 8 .*_depth.npy is 6 x 8"):
        open_public("diode", tmp_path, environment="indoors")[0]


def test_a_data_source_opens_an_official_set(roots: dict[str, pathlib.Path]) -> None:
    root = str(roots["vkitti2"])
    source = {"path": root, "kind": "vkitti2", "options": {"cameras": ["Camera_0", "Camera_1"]}, "max_depth": 80.0}
    assert names_of(open_source(source)) == ["Scene02/clone/Camera_0/00000", "Scene02/clone/Camera_1/00000"]
    assert len(open_source(DataSource(root, kind="vkitti2", split=""))) == 2
    with pytest.raises(ValueError, match="leave out scale"):
        open_source({"path": root, "kind": "vkitti2", "scale": 100})
    with pytest.raises(ValueError, match="has the label 'depth', not 'disparity'"):
        open_source({"path": root, "kind": "vkitti2", "label": "disparity"})
    with pytest.raises(ValueError, match="no split 'train'; there are test"):
        open_source({"path": str(roots["ibims"]), "kind": "ibims"})
    with pytest.raises(ValueError, match="options are for official data sets"):
        DataSource(root, options={"cameras": []})
    with pytest.raises(ValueError, match="cannot stream"):
        open_source({"path": root, "kind": "vkitti2", "streaming": True})


@pytest.mark.parametrize(("name", "label"), [("vkitti2", "depth"), ("middlebury", "disparity")])
def test_a_table_loses_nothing(
    name: str, label: str, roots: dict[str, pathlib.Path], tmp_path: pathlib.Path, table_cache: None
) -> None:
    samples = open_public(name, roots[name])
    table = as_table(samples, tmp_path / "rows")
    assert table.features == table_features(label) and len(table) == len(samples)
    (tmp_path / "table").mkdir()
    table.to_parquet(tmp_path / "table" / "train.parquet")
    for opened in (DepthTable(table, label=label), open_source(tmp_path / "table")):
        sample = opened[0]
        assert np.array_equal(sample["image"], samples[0]["image"]) and sample["name"] == samples[0]["name"]
        assert np.array_equal(sample[label], samples[0][label], equal_nan=True)
    assert np.array_equal(np.reshape(table[0]["intrinsics"], (3, 3)), samples[0]["intrinsics"])


def test_point_pairs_make_no_table(roots: dict[str, pathlib.Path]) -> None:
    with pytest.raises(ValueError, match="without depth or disparity"):
        as_table(open_public("da-2k", roots["da-2k"]))


# Facts about each set


def tilted_camera() -> np.ndarray:
    angle = np.radians(7)
    return np.array([[1, 0, 0], [0, np.cos(angle), np.sin(angle)], [0, -np.sin(angle), np.cos(angle)]])


def test_tilt_shift_projections_are_taken_apart() -> None:
    shifted = np.array([[880.0, 0, 572.5], [0, 890.0, 460.0], [0, 0, 1]])
    for turn in (np.eye(3), tilted_camera()):
        projection = projection_of(shifted, 768, 1024, turn)
        assert np.allclose(intrinsics_of_projection(projection, 768, 1024), shifted, rtol=1e-9, atol=1e-7)
    # A matrix keeps no scale, and half the picture has half the focal length.
    halved = intrinsics_of_projection(3 * projection_of(shifted, 768, 1024), 384, 512)
    assert np.allclose(halved[:2, :2], shifted[:2, :2] / 2) and np.isclose(halved[0, 2], (572.5 + 0.5) / 2 - 0.5)


def test_hypersim(roots: dict[str, pathlib.Path]) -> None:
    with pytest.warns(UserWarning, match="1 of 2 Hypersim scenes have no camera .*ai_002_001.*886.81"):
        samples = open_public("hypersim", roots["hypersim"])
    # The scene ai_038_007 is one of the bad ones.
    distance = stored_depth(np.nan).astype(np.float16).astype(np.float64)
    assert np.allclose(samples[0]["intrinsics"], CAMERA)
    expected = distance_to_planar_depth(distance, CAMERA)
    assert np.allclose(samples[0]["depth"], expected, equal_nan=True, rtol=1e-6)
    assert np.isclose(samples[2]["intrinsics"][0, 0], 886.81 * WIDTH / 1024)
    assert np.allclose(samples[2]["intrinsics"][:2, 2], [WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5])
    assert names_of(samples) == ["ai_001_001/cam_00/0000", "ai_001_001/cam_00/0001", "ai_002_001/cam_00/0000"]


@quiet_about_cameras
def test_hypersim_splits(tmp_path: pathlib.Path) -> None:
    hypersim(tmp_path)
    with pytest.raises(FileNotFoundError, match="metadata_images_split_scene_v1.csv: no such file.*ml-hypersim"):
        open_public("hypersim", tmp_path, "val")
    header = "scene_name,camera_name,frame_id,included_in_public_release,exclude_reason,split_partition_name\n"
    rows = ["ai_001_001,cam_00,0,True,,train", "ai_001_001,cam_00,1,False,blurred,", "ai_002_001,cam_00,0,True,,val"]
    rows += ["ai_005_001,cam_00,0,True,,train", "ai_038_007,cam_00,0,True,,val"]
    (tmp_path / "metadata_images_split_scene_v1.csv").write_text(header + "\n".join(rows))
    with pytest.warns(UserWarning, match="1 of 2 scenes .*ai_005_001"):
        assert len(open_public("hypersim", tmp_path, "train")) == 1
    assert len(open_public("hypersim", tmp_path, "val", exclude_bad_cameras=False)) == 2


@quiet_about_cameras
def test_hypersim_without_preview_is_tone_mapped(tmp_path: pathlib.Path) -> None:
    hypersim(tmp_path)
    images = tmp_path / "ai_002_001" / "images"
    (images / "scene_cam_00_final_preview" / "frame.0000.tonemap.jpg").unlink()
    colour = np.repeat(DEPTH[..., None], 3, axis=2).astype(np.float16)
    write_hdf5(images / "scene_cam_00_final_hdf5" / "frame.0000.color.hdf5", dataset=colour)
    entities = np.ones((HEIGHT, WIDTH), np.int32)
    entities[3:] = -1
    write_hdf5(images / "scene_cam_00_geometry_hdf5" / "frame.0000.render_entity_id.hdf5", dataset=entities)
    image = open_public("hypersim", tmp_path)[2]["image"]
    brightness = colour[:3, :, 0].astype(np.float64)
    reference = np.percentile(brightness, 90)
    expected = 255 * np.clip(0.8 * (brightness / reference) ** (1 / 2.2), 0, 1)
    assert np.abs(image[:3, :, 0] - expected).max() <= 0.51 and (image[-1] == 255).all()
    assert not hypersim_tone_map(np.zeros((2, 2, 3))).any()


def test_virtual_kitti_2(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("vkitti2", roots["vkitti2"])
    assert names_of(samples) == ["Scene01/clone/Camera_0/00000", "Scene02/clone/Camera_0/00000"]
    assert np.allclose(samples[0]["depth"], expected_depth(sky=True), atol=0.0051, equal_nan=True)
    assert np.array_equal(np.diag(samples[0]["intrinsics"]), [725.0087, 725.0087, 1])
    assert names_of(open_public("vkitti2", roots["vkitti2"], "val")) == ["Scene01/clone/Camera_0/00000"]
    vkitti2(tmp_path / "both")
    for kind in ("rgb", "depth"):
        (tmp_path / f"vkitti_2.0.3_{kind}").symlink_to(tmp_path / "both")
    assert len(open_public("vkitti2", tmp_path, "train", cameras=["Camera_1"], variants=["clone"])) == 1


def test_tartanair(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("tartanair", roots["tartanair"])
    assert [name.split("/")[0] for name in names_of(samples)] == ["ocean", "office"]
    assert np.array_equal(samples[0]["depth"], expected_depth(sky=True), equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], np.array([[320, 0, 320], [0, 320, 240], [0, 0, 1]]))
    everything = open_public("tartanair", roots["tartanair"], exclude_environments=[], sky_depth_metres=20000)
    assert len(everything) == 3 and everything[0]["depth"][SKY] == 10000


def test_irs(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("irs", roots["irs"])
    assert names_of(samples) == ["Home/Wood_d_Room/l_7.png"]
    assert np.allclose(samples[0]["depth"], expected_depth(), rtol=1e-6, equal_nan=True)
    assert samples[0]["intrinsics"][0, 0] == 480
    with pytest.raises(FileNotFoundError, match="list_file="):
        open_public("irs", roots["irs"], "test")
    # Without the list it would hold the test pictures.
    with pytest.raises(FileNotFoundError, match="IRSDataset_TRAIN.list"):
        open_public("irs", roots["irs"], "train")
    irs(tmp_path / "IRSDataset")
    row = " ".join(f"IRSDataset/Home/Wood_d_Room/{name}" for name in ("l_7.png", "r_7.png", "d_7.exr", "n_7.exr"))
    (tmp_path / "test.list").write_text(f"{row}\t\n")
    for root in (tmp_path, tmp_path / "IRSDataset"):
        assert len(open_public("irs", root, "test", list_file=tmp_path / "test.list")) == 1


def test_blendedmvs(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("blendedmvs", roots["blendedmvs"])
    assert names_of(samples) == ["5a3ca9cb/00000003", "5a4a38da/00000003"]
    assert np.array_equal(samples[0]["depth"], expected_depth(), equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)
    assert names_of(open_public("blendedmvs", roots["blendedmvs"], "val")) == ["5a4a38da/00000003"]
    with pytest.raises(FileNotFoundError, match="training_list.txt"):
        open_public("blendedmvs", roots["blendedmvs"], "train")


def test_nyu_labelled_file(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("nyu", roots["nyu"])
    assert names_of(samples) == ["nyu_0001", "nyu_0003"]
    assert np.array_equal(samples[1]["image"], RGB + 2)
    assert np.allclose(samples[1]["depth"], expected_depth() + 2, equal_nan=True)
    assert np.isclose(samples[0]["intrinsics"][0, 2], 324.582449)
    filled = open_public("nyu", roots["nyu"], "train", filled=True)
    assert names_of(filled) == ["nyu_0002"] and np.array_equal(filled[0]["depth"], DEPTH + 100)
    (tmp_path / "splits.mat").write_bytes((roots["nyu"] / "splits.mat").read_bytes())
    with pytest.raises(FileNotFoundError, match="1 files of NYU Depth V2.*\n.*nyu_depth_v2_labeled.mat"):
        open_public("nyu", tmp_path)
    (tmp_path / "splits.mat").write_bytes(b"MATLAB 5.0 MAT-file, cut")
    with pytest.raises(UnreadableImageError, match="splits.mat: not a readable MATLAB 5 file"):
        open_public("nyu", tmp_path)


@pytest.mark.parametrize(
    ("picture", "label"),
    [
        ("official_splits/test/bathroom/rgb_00045.jpg", "official_splits/test/bathroom/sync_depth_00045.png"),
        ("test/bathroom/rgb_0045.png", "test/bathroom/depth_0045.png"),
        ("rgb/0045.png", "depth/0045.png"),
        ("bathroom_00045.jpg", "bathroom_00045.png"),
    ],
)
def test_nyu_as_16_bit_png(picture: str, label: str, tmp_path: pathlib.Path) -> None:
    write_picture(tmp_path / picture)
    write_codes(tmp_path / label, stored_depth(0, 65535, 1000))
    samples = open_public("nyu", tmp_path)
    assert len(samples) == 1
    depth = samples[0]["depth"]
    assert np.isnan(depth[SKY]) and np.allclose(depth[1:], DEPTH[1:], atol=0.00051)


def test_nyu_training_pictures_never_come_from_the_test_folder(tmp_path: pathlib.Path) -> None:
    for folder in ("official_splits/test/bathroom", "sync/kitchen_0001"):
        write_picture(tmp_path / folder / "rgb_00045.jpg")
        write_codes(tmp_path / folder / "sync_depth_00045.png", stored_depth(0, factor=1000))
    assert names_of(open_public("nyu", tmp_path, "train")) == ["kitchen_0001/rgb_00045.jpg"]
    assert names_of(open_public("nyu", tmp_path / "official_splits", "test")) == ["bathroom/rgb_00045.jpg"]
    with pytest.raises(FileNotFoundError, match="found no sample of NYU Depth V2, split train"):
        open_public("nyu", tmp_path / "official_splits", "train")


def test_nyu_as_png_filled(tmp_path: pathlib.Path) -> None:
    write_picture(tmp_path / "test/bathroom/rgb_0045.png")
    write_codes(tmp_path / "test/bathroom/depth_0045.png", stored_depth(0, factor=1000))
    write_codes(tmp_path / "test/bathroom/filled_0045.png", DEPTH * 1000)
    assert not np.isnan(open_public("nyu", tmp_path, "test", filled=True)[0]["depth"]).any()


def test_kitti(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("kitti", roots["kitti"])
    assert names_of(samples) == [f"{KITTI_DRIVE}/image_02/0000000005", f"{KITTI_DRIVE}/image_02/0000000069"]
    assert np.allclose(samples[0]["depth"], expected_depth(), atol=0.002, equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], CAMERA)
    for kind in ("raw", "data_depth_annotated"):
        (tmp_path / kind).symlink_to(roots["kitti"])
    assert len(open_public("kitti", tmp_path, "val")) == 2
    assert len(open_public("kitti", tmp_path, raw_root=roots["kitti"], depth_root=roots["kitti"])) == 2


@pytest.mark.parametrize(
    "lines",
    [
        "2011_09_26/{0}/image_02/data/0000000069.png {0}/proj_depth/groundtruth/image_02/0000000069.png 721.5\n"
        "2011_09_26/{0}/image_02/data/0000000070.png None 721.5\n",
        "2011_09_26/{0} 0000000069 l\n2011_09_26/{0} 0000000070 l\n",
        "2011_09_26/{0}/image_02/data/69.png\n",
    ],
)
@pytest.mark.filterwarnings("ignore:.*have no annotated depth")
def test_kitti_eigen_test_list(lines: str, roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    (tmp_path / "list.txt").write_text(lines.format(KITTI_DRIVE))
    samples = open_public("kitti", roots["kitti"], "eigen-test", list_file=tmp_path / "list.txt")
    assert names_of(samples) == [f"{KITTI_DRIVE}/image_02/0000000069"]


def test_kitti_eigen_test_list_that_is_wrong(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match="eigen_test_files_with_gt.txt: no such file.*cleinc/bts"):
        open_public("kitti", roots["kitti"], "eigen-test")
    listed = tmp_path / "list.txt"
    listed.write_text(f"2011_09_26/{KITTI_DRIVE} 0000000069 l\n2011_09_26/{KITTI_DRIVE} 0000000070 l\n")
    with pytest.warns(UserWarning, match="1 of 2 pictures have no annotated depth"):
        open_public("kitti", roots["kitti"], "eigen-test", list_file=listed)
    listed.write_text("2011_09_26/2011_09_26_drive_0009_sync 0000000069 l\n")
    with pytest.raises(FileNotFoundError, match="2 files of KITTI") as caught:
        open_public("kitti", roots["kitti"], "eigen-test", list_file=listed)
    assert "val/2011_09_26_drive_0009_sync/proj_depth/groundtruth/image_02/0000000069.png" in str(caught.value)
    listed.write_text("what is this\n")
    with pytest.raises(ValueError, match="no drive and frame number in the line 'what is this'"):
        open_public("kitti", roots["kitti"], "eigen-test", list_file=listed)


def test_kitti_selection(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "depth_selection" / "val_selection_cropped"
    write_picture(folder / "image" / f"{KITTI_DRIVE}_image_0000000008_image_02.png")
    depth = folder / "groundtruth_depth" / f"{KITTI_DRIVE}_groundtruth_depth_0000000008_image_02.png"
    write_codes(depth, stored_depth(0, factor=256))
    (folder / "intrinsics").mkdir()
    numbers = " ".join(map(str, CAMERA.ravel()))
    (folder / "intrinsics" / f"{KITTI_DRIVE}_image_0000000008_image_02.txt").write_text(numbers)
    sample = open_public("kitti", tmp_path, "selection")[0]
    assert np.array_equal(sample["intrinsics"], CAMERA) and sample["name"].endswith("image_0000000008_image_02")
    assert np.allclose(sample["depth"], expected_depth(), atol=0.002, equal_nan=True)


def test_diode(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("diode", roots["diode"])
    assert [name.split("/")[1] for name in names_of(samples)] == ["indoors", "outdoor"]
    assert np.array_equal(samples[0]["depth"], expected_depth(), equal_nan=True)
    assert np.array_equal(samples[0]["intrinsics"], np.array([[886.81, 0, 512], [0, 927.06, 384], [0, 0, 1]]))
    assert len(open_public("diode", roots["diode"], environment="outdoor")) == 1
    assert len(open_public("diode", roots["diode"] / "val")) == 2
    with pytest.raises(FileNotFoundError, match="no sample of DIODE, split train"):
        open_public("diode", roots["diode"] / "val", "train")


def test_eth3d(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("eth3d", roots["eth3d"])
    assert names_of(samples) == ["office/DSC_0219.JPG"]
    assert np.array_equal(samples[0]["depth"], expected_depth(), equal_nan=True)
    eth3d(tmp_path)
    turned = Image.Exif()
    turned[0x0112] = 6
    # The depth belongs to the pixels as stored, so that the orientation must not turn them.
    Image.fromarray(RGB).save(tmp_path / "office/images/dslr_images/DSC_0219.JPG", exif=turned)
    assert open_public("eth3d", tmp_path)[0]["image"].shape == RGB.shape


def test_sintel(roots: dict[str, pathlib.Path]) -> None:
    sample = open_public("sintel", roots["sintel"])[0]
    assert sample["name"] == "final/alley_1/frame_0001" and sample["depth"][SKY] == 50000
    assert np.array_equal(sample["depth"][1:], DEPTH[1:]) and np.array_equal(sample["intrinsics"], CAMERA)
    assert names_of(open_public("sintel", roots["sintel"], render_pass="clean")) == ["clean/alley_1/frame_0001"]


def test_ibims(roots: dict[str, pathlib.Path]) -> None:
    sample = open_public("ibims", roots["ibims"])[0]
    expected = expected_depth()
    expected[SKY] = expected[OTHER] = np.nan
    assert sample["name"] == "corridor_01" and np.array_equal(sample["image"], RGB)
    assert np.allclose(sample["depth"], expected, equal_nan=True)
    assert np.array_equal(sample["intrinsics"], CAMERA) and np.array_equal(sample["edges"], RGB[..., 0] > 60)


def test_seven_scenes(roots: dict[str, pathlib.Path]) -> None:
    samples = open_public("7scenes", roots["7scenes"])
    assert names_of(samples) == ["chess/seq-03/frame-000000.color.png"]
    assert np.allclose(samples[0]["depth"], expected_depth(), atol=0.00051, equal_nan=True)
    one_scene = open_public("7scenes", roots["7scenes"] / "chess", "train")
    assert names_of(one_scene) == ["seq-01/frame-000000.color.png"]


def test_middlebury(roots: dict[str, pathlib.Path]) -> None:
    sample = open_public("middlebury", roots["middlebury"])[0]
    assert sample["name"] == "trainingQ/Adirondack" and np.array_equal(sample["intrinsics"], CAMERA)
    assert np.allclose(sample["disparity"], 500 * 0.2 / expected_depth(), rtol=1e-5, equal_nan=True)
    in_metres = open_public("middlebury", roots["middlebury"], label="depth")
    assert in_metres.label == "depth"
    assert np.allclose(in_metres[0]["depth"], expected_depth(), rtol=1e-5, equal_nan=True)


def test_da_2k(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    samples = open_public("da-2k", roots["da-2k"])
    assert names_of(samples) == ["images/indoor/a.png", "images/underwater/b.png"]
    sample = samples[0]
    assert sample["scenario"] == "indoor" and set(sample) == {"image", "name", "pairs", "scenario"}
    assert np.array_equal(sample["pairs"]["nearer"], [[1, 2], [3, 3]])
    assert np.array_equal(sample["pairs"]["farther"], [[5, 7], [0, 0]])
    assert names_of(open_public("da-2k", roots["da-2k"], scenario="underwater")) == ["images/underwater/b.png"]


def test_da_2k_that_is_damaged(tmp_path: pathlib.Path) -> None:
    write_picture(tmp_path / "images/indoor/a.png")
    outside = {"point1": [1, WIDTH], "point2": [2, 2], "closer_point": "point1"}
    (tmp_path / "annotations.json").write_text(json.dumps({"images/indoor/a.png": [outside]}))
    with pytest.raises(ValueError, match=r"images/indoor/a.png: .*\(row 1, column 8\) lies outside .* 6 x 8"):
        open_public("da-2k", tmp_path)[0]
    for wrong in ("[1]", "{", json.dumps({"a.png": [{**outside, "closer_point": "point3"}]})):
        (tmp_path / "annotations.json").write_text(wrong)
        with pytest.raises(ValueError, match="annotations.json: expected"):
            open_public("da-2k", tmp_path)


def test_moge_bundle(roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    step = np.log(40 / 0.5) / 65533
    for samples in (
        open_public("moge", roots["moge"]),
        open_public("moge", roots["moge"], "NYUv2"),
        open_public("moge", roots["moge"] / "NYUv2"),
    ):
        assert names_of(samples) == ["NYUv2/bathroom/0045"]
        depth = samples[0]["depth"]
        assert np.isinf(depth[SKY]) and np.isnan(depth[INVALID])
        assert np.allclose(depth[1:], DEPTH[1:], rtol=step)
        assert np.allclose(samples[0]["intrinsics"], CAMERA)
    with pytest.raises(FileNotFoundError, match="no sample of MoGe"):
        open_public("moge", roots["moge"], "KITTI")
    Image.fromarray(np.ones((2, 2), np.uint16)).save(tmp_path / "plain.png")
    with pytest.raises(UnreadableImageError, match="plain.png: no PNG with the texts near and far"):
        read_log_depth(tmp_path / "plain.png")


def test_a_missing_package_is_told_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, roots: dict[str, pathlib.Path]
) -> None:
    samples = open_public("sintel", roots["sintel"])
    monkeypatch.setitem(sys.modules, "h5py", None)
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    assert samples[0]["depth"].shape == DEPTH.shape
    for name in ("nyu", "ibims"):
        with pytest.raises(ImportError, match=r"is needed .* pip install 'depth_anything_hf\[readers\]'"):
            open_public(name, roots[name])[0]


# Genuine files


def genuine(*parts: str) -> pathlib.Path:
    path = FORMATS.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the genuine files of {FORMATS} are not here")
    return path


def test_genuine_hypersim(tmp_path: pathlib.Path) -> None:
    stored = genuine("hypersim", "ai_037_002", "images", "scene_cam_00_geometry_hdf5")
    images = tmp_path / "ai_037_002" / "images"
    (images / "scene_cam_00_final_preview").mkdir(parents=True)
    (images / stored.name).symlink_to(stored)
    Image.new("RGB", (1024, 768)).save(images / "scene_cam_00_final_preview" / "frame.0000.tonemap.jpg")
    table = genuine("hypersim", "metadata_camera_parameters.csv")
    sample = open_public("hypersim", tmp_path, camera_table=table)[0]
    assert np.allclose([sample["depth"].min(), sample["depth"].max()], [2.80, 12.74], atol=0.0051)
    # A tilt-shift camera: square pixels, and a principal point far from the middle.
    expected = np.array([[887.535, 0, 572.940], [0, 887.535, 457.142], [0, 0, 1]])
    assert np.allclose(sample["intrinsics"], expected, atol=0.001)
    with pytest.warns(UserWarning, match="1 of 1 Hypersim scenes have no camera"):
        depth = open_public("hypersim", tmp_path)[0]["depth"]
    assert np.allclose([depth.min(), depth.max()], [2.66, 12.97], atol=0.0051)


def test_genuine_hypersim_cameras_look_where_the_other_matrix_says() -> None:
    with genuine("hypersim", "metadata_camera_parameters.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        projection, from_uv = (
            np.array([[float(row[f"{name}_{i}{j}"]) for j in range(size)] for i in range(size)])
            for name, size in (("M_proj", 4), ("M_cam_from_uv", 3))
        )
        intrinsics = intrinsics_of_projection(projection, 768, 1024)
        columns, rows_down = np.meshgrid(np.linspace(0, 1023, 9), np.linspace(0, 767, 9))
        pixels = np.stack([columns, rows_down, np.ones_like(columns)], axis=-1).reshape(-1, 3)
        uv = np.stack([(pixels[:, 0] + 0.5) / 512 - 1, 1 - (pixels[:, 1] + 0.5) / 384, pixels[:, 2]], axis=1)
        rays = [
            points / np.linalg.norm(points, axis=1, keepdims=True)
            for points in (pixels @ np.linalg.inv(intrinsics).T, uv @ from_uv.T * [1, -1, -1])
        ]
        # Both describe the same rays up to a rotation: all angles between rays agree.
        assert np.allclose(rays[0] @ rays[0].T, rays[1] @ rays[1].T, atol=1e-9), row["scene_name"]


def test_genuine_kitti(tmp_path: pathlib.Path) -> None:
    picture, label = (genuine("kitti", f"{name}_0000000100.png") for name in ("image", "proj_depth_groundtruth"))
    places = {
        picture: tmp_path / "2011_09_26" / KITTI_DRIVE / "image_02/data/0000000100.png",
        label: tmp_path / "val" / KITTI_DRIVE / "proj_depth/groundtruth/image_02/0000000100.png",
    }
    for source, place in places.items():
        place.parent.mkdir(parents=True)
        place.symlink_to(source)
    sample = open_public("kitti", tmp_path)[0]
    valid = np.isfinite(sample["depth"])
    assert sample["image"].shape[:2] == sample["depth"].shape
    found = [valid.mean(), *np.percentile(sample["depth"][valid], [0, 50, 100])]
    assert np.allclose(found, [0.1827, 5.129, 13.242, 80.809], atol=0.0005)


def test_genuine_pgm_agrees_with_the_unpacked_map() -> None:
    path = genuine("pgm16", "depth_1.pgm")
    unpacked = np.load(FORMATS.parent / "labelled" / "nyu_slam5_1" / "depth.npz")["depth"]
    assert np.array_equal(read_label(path, scale=1000), unpacked)


def test_genuine_nyu() -> None:
    """A thumbnail of 120 x 160, with its 16-bit PNG in millimetres."""
    samples = open_public("nyu", genuine("nyu"))
    depth = samples[0]["depth"]
    assert names_of(samples) == ["bookstore_0001d_00001.jpg"]
    assert np.allclose([np.nanmin(depth), np.nanmedian(depth), np.nanmax(depth)], [1.485, 2.799, 10.0])
