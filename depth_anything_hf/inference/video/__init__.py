# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Video: what a prediction of each frame needs to become one of a clip.

- `alignment`: each frame's disparity brought to the running one, cuts, smoothing
- `robust_fit`: scale and shift between two noisy maps, against outliers
- `cuts`: whether another scene begins
- `smoothing`: each pixel averaged along its motion
- `value_range`: the range of all values of a clip, in bounded memory
"""
