#!/usr/bin/env bash
# `datasets` turns a photograph as its EXIF tag says when the `Image` column is decoded, and says nothing of it. The
# depth map in the next column is a PNG without the tag, in the sensor's order: it stays as it is. With orientations
# that turn by a right angle the two have exchanged sides; with the others (upside down, mirrored) the shapes agree and
# every pixel has the depth of another one. The bytes themselves (`decode=False`) are not turned, so that code which
# decodes on its own, OpenCV among it, may or may not see the pair as it was taken.
#
# Versions: datasets 5.2.0, Pillow 13.0.0, numpy 2.4.6, Python 3.11.
# Seen on 2026-11-28, an imagefolder with metadata.csv, photographs of 40 x 60 (height x width), right half bright and far:
#   orientation 1: image (40, 60), map (40, 60), bright pixels that are far: 1.00
#   orientation 3: image (40, 60), map (40, 60), bright pixels that are far: 0.00
#   orientation 6: image (60, 40), map (40, 60)
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet datasets==5.2.0 pillow==13.0.0 numpy==2.4.6
cd "$place"
HF_HUB_OFFLINE=1 HF_HOME="$place/home" HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$place/venv/bin/python" - <<'PYTHON'
import os
import sys

import numpy as np
from datasets import load_dataset
from PIL import Image


bright = np.zeros((40, 60, 3), np.uint8)
bright[:, 30:] = 255
far = np.full((40, 60), 1000, np.uint16)
far[:, 30:] = 9000
seen = []
for orientation in (1, 3, 6):
    folder = f"pairs{orientation}"
    os.mkdir(folder)
    tag = Image.Exif()
    tag[0x0112] = orientation
    Image.fromarray(bright).save(f"{folder}/photo.jpg", quality=100, exif=tag)
    Image.fromarray(far).save(f"{folder}/map.png")
    with open(f"{folder}/metadata.csv", "w") as table:
        table.write("file_name,depth_file_name\nphoto.jpg,map.png\n")
    row = load_dataset("imagefolder", data_dir=folder, split="train")[0]
    image, depth = np.asarray(row["image"])[..., 0], np.asarray(row["depth"])
    line = f"orientation {orientation}: image {image.shape}, map {depth.shape}"
    if image.shape == depth.shape:
        share = float(np.mean(depth[image > 200] > 5000))
        line += f", bright pixels that are far: {share:.2f}"
    print(line)
    seen.append(line.partition(": ")[2])
expected = [
    "image (40, 60), map (40, 60), bright pixels that are far: 1.00",
    "image (40, 60), map (40, 60), bright pixels that are far: 0.00",
    "image (60, 40), map (40, 60)",
]
sys.exit(0 if seen == expected else 1)
PYTHON
