#!/usr/bin/env bash
# OpenCV does not give the numbers that a TIFF holds, not even with IMREAD_UNCHANGED. Depth of 12 bits, as sensors pack
# it, comes multiplied by 16 as uint16, so that metres are wrong by that factor. A map whose tag 274 says that it is
# turned comes already turned, although IMREAD_UNCHANGED promises to leave the orientation alone (PNG with the same tag
# in its eXIf chunk is left alone); a label then no longer has the sensor's order that its picture's reader expects.
# tifffile gives what is stored in both cases.
#
# Versions: opencv-python-headless 5.0.0.93, tifffile 2026.3.3, imagecodecs 2026.3.6, pillow 13.0.0, numpy 2.4.6,
# Python 3.11.
# Seen on 2026-11-28:
#   12 bits: stored [1, 100, 2000, 4095], OpenCV [16, 1600, 32000, 65520], tifffile [1, 100, 2000, 4095]
#   16 bits and tag 274 = 3: stored [[1, 2, 3], [4, 5, 6]], OpenCV [[6, 5, 4], [3, 2, 1]], tifffile as stored
#   16-bit PNG and orientation 3: OpenCV as stored
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet numpy==2.4.6 opencv-python-headless==5.0.0.93 tifffile==2026.3.3 \
    imagecodecs==2026.3.6 pillow==13.0.0
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import struct
import sys

import cv2
import numpy as np
import tifffile
from PIL import Image

print("OpenCV", cv2.__version__, "tifffile", tifffile.__version__)


def read(name):
    return cv2.imread(name, cv2.IMREAD_UNCHANGED)


# Twelve bits: two values in three bytes, one row, one strip. Made by hand, so that no writer stands between.
stored = [1, 100, 2000, 4095]
packed = b"".join((a << 12 | b).to_bytes(3, "big") for a, b in zip(stored[::2], stored[1::2], strict=True))
SHORT, LONG = 3, 4
tags = [
    *((256, LONG, 4), (257, LONG, 1), (258, SHORT, 12), (259, SHORT, 1), (262, SHORT, 1)),
    *((273, LONG, 8), (277, SHORT, 1), (278, LONG, 1), (279, LONG, len(packed))),
]
with open("twelve.tif", "wb") as file:
    file.write(b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed + struct.pack("<H", len(tags)))
    file.write(b"".join(struct.pack("<HHII", number, kind, 1, value) for number, kind, value in tags) + bytes(4))
by_opencv, by_tifffile = read("twelve.tif").ravel().tolist(), tifffile.imread("twelve.tif").ravel().tolist()
print(f"12 bits: stored {stored}, OpenCV {by_opencv}, tifffile {by_tifffile}")
as_before = by_opencv == [16 * value for value in stored] and by_tifffile == stored

depth = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.uint16)
# Code 274 is Orientation; 3 says that the picture is to be turned by 180 degrees.
tifffile.imwrite("turned.tif", depth, extratags=[(274, "H", 1, 3, True)], photometric="minisblack")
by_opencv, by_tifffile = read("turned.tif"), tifffile.imread("turned.tif")
print(f"16 bits, tag 274 = 3: stored {depth.tolist()}, OpenCV {by_opencv.tolist()}, tifffile {by_tifffile.tolist()}")
as_before &= np.array_equal(by_opencv, depth[::-1, ::-1]) and np.array_equal(by_tifffile, depth)

exif = Image.Exif()
exif[274] = 3
Image.fromarray(depth).save("turned.png", exif=exif)
by_opencv = read("turned.png")
print(f"16-bit PNG, orientation 3: OpenCV {by_opencv.tolist()}")
as_before &= np.array_equal(by_opencv, depth)
sys.exit(0 if as_before else 1)
PYTHON
