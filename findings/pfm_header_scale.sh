#!/usr/bin/env bash
# A PFM file's header ends with a scale, whose sign tells the byte order. Three libraries read the same float map
# (1 .. 6 metres) in three ways when its magnitude is not 1, as in Middlebury's disparity maps (0.003922 = 1/255):
# OpenCV divides every value by it, Pillow leaves the values alone and notes it in `info["scale"]`, and imageio, which
# takes its OpenCV plugin for this suffix, returns the divided values rounded and clipped to 8 bits.
#
# Versions: opencv-python-headless 5.0.0.93, pillow 13.0.0, imageio 2.38.1, numpy 2.4.6, Python 3.11.
# Seen on 2026-11-28:
#   scale -1.0: opencv [1, 2, 3, 4, 5, 6] float32, pillow [1, 2, 3, 4, 5, 6], imageio [1, 2, 3, 4, 5, 6] uint8
#   scale -2.0: opencv [0.5, 1, 1.5, 2, 2.5, 3] float32, pillow [1, 2, 3, 4, 5, 6], imageio [0, 1, 2, 2, 2, 3] uint8
#   scale -0.003922: opencv [254.97 ... 1529.83] float32, pillow [1, 2, 3, 4, 5, 6], imageio six times 255 uint8
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet numpy==2.4.6 opencv-python-headless==5.0.0.93 pillow==13.0.0 imageio==2.38.1
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import sys

import cv2
import imageio.v3 as iio
import numpy as np
from PIL import Image

metres = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
as_before = True
for scale, by_imageio in ((1.0, [1, 2, 3, 4, 5, 6]), (2.0, [0, 1, 2, 2, 2, 3]), (0.003922, [255] * 6)):
    with open("map.pfm", "wb") as file:
        # A negative scale means little endian; the bottom row comes first.
        file.write(f"Pf\n3 2\n-{scale}\n".encode() + np.flipud(metres).astype("<f4").tobytes())
    opencv = cv2.imread("map.pfm", cv2.IMREAD_UNCHANGED)
    with Image.open("map.pfm") as picture:
        pillow, noted = np.asarray(picture), picture.info["scale"]
    read = iio.imread("map.pfm")
    print(f"scale -{scale}: opencv {opencv.ravel()} {opencv.dtype}, pillow {pillow.ravel()} (notes scale {noted}),")
    print(f"    imageio {read.ravel()} {read.dtype}")
    as_before &= np.allclose(opencv, metres / scale, rtol=1e-5) and np.array_equal(pillow, metres)
    as_before &= noted == scale and read.dtype == np.uint8 and read.ravel().tolist() == by_imageio
sys.exit(0 if as_before else 1)
PYTHON
