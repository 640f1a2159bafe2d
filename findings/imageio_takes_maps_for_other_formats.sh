#!/usr/bin/env bash
# imageio.v3.imread tries its plugins one after the other until one opens a file, and does not say which it was. Two
# files of floating-point depth are read as something else: an OpenEXR map with the channel Y (1 .. 6 metres) is decoded
# by PyAV as a video of one frame with 8 bits, in which every distance from 1 metre on is 255; a depth map of OpenMVS
# (.dmap: "DR", sizes, float32) is taken for a spectrum (SPE), and becomes an array of another shape, full of garbage,
# with no more than a warning of its number of frames.
#
# Versions: imageio 2.38.1, av 18.1.0, numpy 2.4.6, Python 3.11.
# Seen on 2026-11-29:
#   exr: pyav, (1, 2, 3, 3) uint8, from 255 to 255
#   dmap: spe, (7, 16321, 3) float32
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet numpy==2.4.6 imageio==2.38.1 av==18.1.0
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import struct
import sys

import imageio.v3 as iio
import numpy as np


def exr(values):
    height, width = values.shape
    window = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    attributes = [
        (b"channels", b"chlist", b"Y\0" + struct.pack("<iB3xii", 2, 0, 1, 1) + b"\0"),
        (b"compression", b"compression", b"\0"),
        (b"dataWindow", b"box2i", window),
        (b"displayWindow", b"box2i", window),
        (b"lineOrder", b"lineOrder", b"\0"),
        (b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
        (b"screenWindowCenter", b"v2f", struct.pack("<ff", 0, 0)),
        (b"screenWindowWidth", b"float", struct.pack("<f", 1)),
    ]
    header = b"\x76\x2f\x31\x01" + struct.pack("<I", 2)
    for name, kind, value in attributes:
        header += name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
    header += b"\0"
    starts = [len(header) + 8 * height + row * (8 + 4 * width) for row in range(height)]
    lines = [struct.pack("<ii", row, 4 * width) + values[row].astype("<f4").tobytes() for row in range(height)]
    return header + struct.pack(f"<{height}Q", *starts) + b"".join(lines)


def dmap(depth):
    height, width = depth.shape
    name, views = b"images/a.jpg", (3, 1, 2)
    sizes = struct.pack("<4I2f", width, height, width, height, 0.5, 99.0)
    told = struct.pack("<H", len(name)) + name + struct.pack("<4I", len(views), *views)
    cameras = np.eye(3).tobytes() + np.eye(3).tobytes() + np.zeros(3).tobytes()
    maps = depth.astype("<f4").tobytes() + np.zeros((height, width, 3), "<f4").tobytes() + depth.astype("<f4").tobytes()
    return b"DR" + struct.pack("<BB", 7, 0) + sizes + told + cameras + maps


metres = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
large = np.linspace(1.5, 12, 240 * 320).reshape(240, 320)
as_before = True
for name, content, plugin, dtype in (("exr", exr(metres), "pyav", np.uint8), ("dmap", dmap(large), "spe", np.float32)):
    with open(f"depth.{name}", "wb") as file:
        file.write(content)
    with iio.imopen(f"depth.{name}", "r") as opened:
        by = type(opened).__module__.rsplit(".", 1)[1]
    read = iio.imread(f"depth.{name}")
    print(f"{name}: {by}, {read.shape} {read.dtype}", f"from {read.min()} to {read.max()}" if name == "exr" else "")
    as_before &= by == plugin and read.dtype == dtype and read.shape[-3:-1] != large.shape
    as_before &= name != "exr" or (read == 255).all()
sys.exit(0 if as_before else 1)
PYTHON
