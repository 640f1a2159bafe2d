#!/usr/bin/env bash
# Depth and disparity in PFM files are written by `cv2.imwrite`, but come back by one family of flags alone. What
# `cv2.imread` gives without a flag is None for a map of one channel, with lines about an "internal imread issue" on
# stderr that name neither the format nor the flag; a picture of three channels arrives rounded to 8 bits.
# IMREAD_GRAYSCALE does it the other way about: a map of one channel arrives rounded to whole metres, as uint8 and
# without a word, and the picture of three is None. IMREAD_UNCHANGED (and IMREAD_ANYDEPTH, for one channel) gives the
# floats that were written. 4.14 does the same.
#
# Versions: opencv-python-headless 5.0.0.93, numpy 2.4.6, Python 3.11.
# Seen on 2026-11-29, a map of 0.4 to 14.7 m in steps of 1.3 m, and three of them as channels:
#   1 channel, IMREAD_COLOR: None
#   1 channel, IMREAD_GRAYSCALE: uint8, largest error 0.50 m
#   1 channel, IMREAD_UNCHANGED: float32, largest error 0.00 m
#   3 channels, IMREAD_COLOR: uint8, largest error 0.50 m
#   3 channels, IMREAD_GRAYSCALE: None
#   3 channels, IMREAD_UNCHANGED: float32, largest error 0.00 m
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet numpy==2.4.6 opencv-python-headless==5.0.0.93
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import sys

import cv2
import numpy as np


depth = 0.4 + 1.3 * np.arange(12, dtype=np.float32).reshape(3, 4)
seen = []
for channels, written in ((1, depth), (3, np.dstack([depth] * 3))):
    assert cv2.imwrite("map.pfm", written)
    for flag in ("IMREAD_COLOR", "IMREAD_GRAYSCALE", "IMREAD_UNCHANGED"):
        found = cv2.imread("map.pfm", getattr(cv2, flag))
        if found is None:
            line = "None"
        else:
            line = f"{found.dtype}, largest error {np.abs(found.reshape(written.shape) - written).max():.2f} m"
        print(f"{channels} channel{'s' if channels > 1 else ''}, {flag}: {line}")
        seen.append(line)
whole, rounded = "float32, largest error 0.00 m", "uint8, largest error 0.50 m"
sys.exit(0 if seen == ["None", rounded, whole, rounded, "None", whole] else 1)
PYTHON
