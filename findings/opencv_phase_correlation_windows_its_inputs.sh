#!/usr/bin/env bash
# cv2.phaseCorrelate, by which the motion of a camera between two frames of a video is found, multiplies the two arrays
# that it is given by the window, in place, where their sides are sizes that its Fourier transform takes without padding
# (cv2.getOptimalDFTSize gives them back unchanged), although it takes them as inputs only. Whoever goes on with the
# frames has darkened borders, and asking once more for the same motion gives another answer. With other sizes, or
# without a window, the arrays stay. Copies as arguments help.
#
# Versions: opencv-python-headless 5.0.0.93 (OpenCV 5.0.0), numpy 2.4.6, Python 3.11.
# Seen on 2026-11-29 (a frame and itself moved by 20 pixels):
#   96 x 96, with a window: changed, equal to frame x window; x shift -19.762, asked again -19.734
#   96 x 96, without a window: as before
#   97 x 97, with a window: as before
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

print("OpenCV", cv2.__version__)
as_before = True
for side, has_window in ((96, True), (96, False), (97, True)):
    wide = cv2.GaussianBlur(np.random.default_rng(0).random((side, side + 40)), (0, 0), 2)
    frame, moved = np.ascontiguousarray(wide[:, :side]), np.ascontiguousarray(wide[:, 20 : side + 20])
    kept, kept_moved = frame.copy(), moved.copy()
    window = cv2.createHanningWindow((side, side), cv2.CV_64F)
    arguments = (frame, moved, window) if has_window else (frame, moved)
    (shift, _), _ = cv2.phaseCorrelate(*arguments)
    is_windowed = np.array_equal(frame, kept * window) and np.array_equal(moved, kept_moved * window)
    is_same = np.array_equal(frame, kept) and np.array_equal(moved, kept_moved)
    said = "changed, equal to frame x window" if is_windowed else "as before" if is_same else "changed otherwise"
    (again, _), _ = cv2.phaseCorrelate(*arguments)
    name = "with a window" if has_window else "without a window"
    print(f"{side} x {side}, {name}: {said}; x shift {shift:.3f}, asked again {again:.3f}")
    is_optimal = cv2.getOptimalDFTSize(side) == side
    expects_change = has_window and is_optimal
    as_before &= (is_windowed and again != shift) if expects_change else (is_same and again == shift)
sys.exit(0 if as_before else 1)
PYTHON
