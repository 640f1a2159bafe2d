# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Decode image and label files to arrays.

- `files`: finds files, and reads their bytes
- `first_bytes`: what the first bytes of a file rule out
- `images`: images, upright and in 8-bit RGB
- `orientation`: what EXIF says about it, and the turns that make an image upright
- `exif_camera`: the camera of a photograph by its EXIF
- `encodings/`: depth as devices, engines, apps and data sets write it, a name for each
- `depth_maps`: depth and disparity maps in many formats, and what their stored values mean
- `plausibility`: what in the numbers of a map speaks against how they are read
- `stored_maps`: the values of map files as they are stored
- `map_meaning`: what the files that `predict` writes say of their kind, unit and codes
- `exr`: OpenEXR files, and the map among their channels
- `tiff`: TIFF maps as they are stored
- `rvl`: RVL, the lossless compression of depth maps
- `optional`: packages of extras
- `opencv`: the call of OpenCV that the others share
- `signatures`: lossy pictures and containers, which are no maps
- `disparity_codec`: disparity in a 16-bit PNG, as pseudo-labels are stored
- `grey16_png`: 16-bit grey PNG, written fast
- `label_masks`: sky and disagreements of a label, as the bits of an 8-bit PNG
- `video_frames`: single frames of a video
- `lz4`: blocks of LZ4
- `limits`: how large a map may be
- `errors`: errors of broken samples, and how many are too many
"""
