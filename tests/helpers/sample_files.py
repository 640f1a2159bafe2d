# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Small images, folders and tables that the tests of the data modules are run on."""

from __future__ import annotations

import io
import json
import pathlib
import tarfile

import datasets
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from depth_anything_hf.data.decoding.disparity_codec import encode_disparity


def colour_ramp() -> np.ndarray:
    rows, columns = np.mgrid[0:6, 0:8]
    return np.stack([rows * 40, columns * 30, rows * 5 + columns * 20], axis=2).astype(np.uint8)


def depth_ramp() -> np.ndarray:
    return np.linspace(0.5, 24, 48, dtype=np.float32).reshape(6, 8)


def png_bytes(image: np.ndarray | Image.Image, **options: object) -> bytes:
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    stream = io.BytesIO()
    picture.save(stream, format="PNG", **options)
    return stream.getvalue()


def encode(image: np.ndarray | Image.Image, kind: str, orientation: int | None = None) -> bytes:
    """Encode a picture in a format of Pillow, with an orientation in its EXIF if there is one."""
    stream, exif = io.BytesIO(), Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(stream, kind, exif=exif)
    return stream.getvalue()


def write_pairs(root: pathlib.Path, rgb: np.ndarray, depth: np.ndarray, names: list[str]) -> None:
    (root / "images").mkdir(parents=True)
    (root / "depth").mkdir()
    for name in names:
        Image.fromarray(rgb).save(root / "images" / f"{name}.png")
        np.save(root / "depth" / f"{name}.npy", depth)


def write_tar_members(path: pathlib.Path, members: dict[str, bytes]) -> None:
    """Write a tar archive, compressed if its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz" if path.suffix in (".gz", ".tgz") else "w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def pseudo_label_table(rgb: np.ndarray, disparities: list[np.ndarray]) -> datasets.Dataset:
    rows: dict[str, list] = {"image": [], "disparity": [], "disparity_minimum": [], "disparity_maximum": []}
    for disparity in disparities:
        png, minimum, maximum = encode_disparity(disparity)
        rows["image"].append({"bytes": png_bytes(rgb), "path": None})
        rows["disparity"].append({"bytes": png, "path": None})
        rows["disparity_minimum"].append(minimum)
        rows["disparity_maximum"].append(maximum)
    features = datasets.Features(
        image=datasets.Image(),
        disparity=datasets.Image(),
        disparity_minimum=datasets.Value("float64"),
        disparity_maximum=datasets.Value("float64"),
    )
    return datasets.Dataset.from_dict(rows, features=features)


def write_moge(root: pathlib.Path, subset: str, count: int, shape: tuple[int, int] = (30, 40)) -> None:
    """A set of MoGe's bundle: images of noise, depth from 0.5 to 40 downwards with an edge in the middle."""
    codes = np.linspace(1, 65534, shape[0] * shape[1]).astype(np.uint16).reshape(shape)
    codes[:, shape[1] // 2 :] //= 2
    text = PngInfo()
    text.add_text("near", "0.5")
    text.add_text("far", "40.0")
    for number in range(count):
        folder = root / subset / str(number)
        folder.mkdir(parents=True)
        noise = np.random.default_rng(number).integers(0, 256, (*shape, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / "image.jpg")
        Image.fromarray(codes).save(folder / "depth.png", pnginfo=text)
        (folder / "meta.json").write_text(json.dumps({"intrinsics": [[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]]}))
    (root / subset / ".index.txt").write_text("".join(f"{number}\n" for number in range(count)))
