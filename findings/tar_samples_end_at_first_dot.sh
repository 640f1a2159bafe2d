#!/usr/bin/env bash
# Frames of depth data sets merge when they are packed into a tar archive. `datasets` reads one as WebDataset does: a
# sample's key ends at the first dot of the file's name, what follows is the name of a column. Hypersim names its frames
# `frame.0000.tonemap.jpg`, so that a camera's whole folder is one row with a column for each frame; times, as in TUM
# RGB-D's `1305031102.175304.png`, make one row of all frames of a second. No warning is given, neither of the rows that
# are missing nor of the columns; who takes the first picture of a row has one frame of a camera or of a second. The
# same files in a folder, read by `imagefolder`, are a row each.
#
# Versions: datasets 5.2.0, webdataset 1.0.2, Pillow 13.0.0, numpy 2.4.6, Python 3.11.
# Seen on 2026-11-28, with `datasets` as a whole and streamed:
#   Hypersim's names, 3 cameras of 10 frames: 3 rows of 10 pictures, webdataset 3, imagefolder 30
#   times at 10 Hz, 3 seconds: 3 rows of 10 pictures, webdataset 3, imagefolder 30
#   TUM's microseconds, 20 frames within a second: 1 row of 20 pictures, webdataset 1, imagefolder 20
#   names without further dots, 30 frames: 30 rows of 1 picture, webdataset 30, imagefolder 30
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet datasets==5.2.0 webdataset==1.0.2 pillow==13.0.0 numpy==2.4.6
cd "$place"
HF_HUB_OFFLINE=1 HF_HOME="$place/home" HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$place/venv/bin/python" - <<'PYTHON'
import os
import sys
import tarfile

import datasets
import numpy as np
import webdataset
from datasets import load_dataset
from PIL import Image

cases = {
    "hypersim": [f"scene_cam_{camera:02d}/frame.{frame:04d}.tonemap.jpg" for camera in range(3) for frame in range(10)],
    "10 Hz": [f"rgb/{frame / 10:.1f}.png" for frame in range(30)],
    # 30 frames a second, with some noise in the last digits.
    "TUM": [f"rgb/1305031102.{175304 + 33333 * frame + 7 * frame**2 % 101}.png" for frame in range(20)],
    "plain": [f"rgb/{frame:06d}.png" for frame in range(30)],
}
print("datasets", datasets.__version__, "webdataset", webdataset.__version__)
seen = []
for title, names in cases.items():
    with tarfile.open(f"{title}.tar", "w") as archive:
        for number, name in enumerate(names):
            path = f"{title}/{name}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            Image.fromarray(np.full((8, 12, 3), number, np.uint8)).save(path)
            archive.add(path, name)
    options = {"data_files": {"train": f"{title}.tar"}, "split": "train"}
    whole = list(load_dataset("webdataset", **options))
    streamed = list(load_dataset("webdataset", **options, streaming=True))
    pictures = {sum(isinstance(cell, Image.Image) for cell in row.values()) for row in whole + streamed}
    by_webdataset = sum(1 for _ in webdataset.WebDataset(f"{title}.tar", shardshuffle=False))
    in_folder = len(load_dataset("imagefolder", data_dir=title, split="train"))
    print(f"{title}: {len(names)} frames, {len(whole)} rows, {len(streamed)} streamed, pictures in a row {pictures}; ", end="")
    print(f"webdataset {by_webdataset}, imagefolder {in_folder}")
    seen.append((len(whole), len(streamed), pictures, by_webdataset, in_folder))
expected = [(3, 3, {10}, 3, 30), (3, 3, {10}, 3, 30), (1, 1, {20}, 1, 20), (30, 30, {1}, 30, 30)]
sys.exit(0 if seen == expected else 1)
PYTHON
