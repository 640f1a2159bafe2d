#!/usr/bin/env bash
# Depth in OpenEXR stands in a channel named Z. The last wheels of OpenCV 4 say that they can read such a file, and
# return a map of the right size in which every value is 0, without a warning; a channel named Y is read. The
# wheels of OpenCV 5 come without OpenEXR and return None. The package OpenEXR reads the values.
#
# Versions: opencv-python-headless 4.13.0.92 and 5.0.0.93, OpenEXR 3.5.3, numpy 2.4.6, Python 3.11.
# Seen on 2026-11-28, for a file whose only channel is Z with 1, 2, 3, 4, 5, 6:
#   OpenEXR [1, 2, 3, 4, 5, 6]
#   OpenCV 4.13.0: has a reader True, float32 [0, 0, 0, 0, 0, 0]; the same values in a channel Y: [1, 2, 3, 4, 5, 6]
#   OpenCV 5.0.0: has a reader False, None
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
for version in 4.13.0.92 5.0.0.93; do
    python3 -m venv "$place/$version"
    "$place/$version/bin/pip" install --quiet numpy==2.4.6 OpenEXR==3.5.3 "opencv-python-headless==$version"
done
cd "$place"
cat > make.py <<'PYTHON'
import numpy as np
import OpenEXR

metres = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
for channel in "ZY":
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
    OpenEXR.File(header, {channel: metres}).write(f"{channel}.exr")
read = OpenEXR.File("Z.exr", separate_channels=True).channels()["Z"].pixels
print("OpenEXR", read.ravel())
assert np.array_equal(read, metres)
PYTHON
cat > read.py <<'PYTHON'
import os
import sys

os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"
import cv2
import numpy as np

has_reader = cv2.haveImageReader("Z.exr")
found = {channel: cv2.imread(f"{channel}.exr", cv2.IMREAD_UNCHANGED) for channel in "ZY"}
print(f"OpenCV {cv2.__version__}: has a reader {has_reader}")
for channel, values in found.items():
    print(f"    channel {channel}:", None if values is None else (values.dtype, values.ravel()))
if cv2.__version__.startswith("5"):
    as_before = not has_reader and found["Z"] is None
else:
    as_before = has_reader and found["Z"].shape == (2, 3) and not found["Z"].any()
    as_before = as_before and np.array_equal(found["Y"].ravel(), np.arange(1, 7))
sys.exit(0 if as_before else 1)
PYTHON
"$place/5.0.0.93/bin/python" make.py
for version in 4.13.0.92 5.0.0.93; do "$place/$version/bin/python" read.py; done
