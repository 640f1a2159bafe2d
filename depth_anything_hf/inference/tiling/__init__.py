# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Large pictures by overlapping tiles, and panoramas by overlapping views.

- `layout`: where the tiles of a picture lie, and how much each counts at every pixel
- `local_alignment`: brings a part's map to a reference by a robust scale and shift that vary smoothly
- `part_passes`: forward passes over many parts of one picture, in batches, by any engine
- `tiles`: a picture by tiles, each level aligned to a coarser one
- `panorama`: an equirectangular panorama by perspective views, joined on the sphere
- `large_pictures`: the methods of predictors, and many such pictures one after another
"""
