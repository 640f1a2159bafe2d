# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth as devices, engines, apps and data sets write it: a name for each encoding, and the function that reads it.

- `encoding`: what an encoding is, what it gives, and helps of those that read whole numbers
- `catalog`: the table of all, by names and aliases
- `common_options`: options that encodings of one kind share
- `choice`: the text by which an encoding and its options are chosen
- `decode`: decodes a file by its encoding, with confidence, rays and the kind of label
- `detection`: which encoding a file proves, and which it may have
- `scaled_integers`: whole numbers, so many to the metre
- `side_files`: whole numbers whose unit is in a file beside them
- `packed_bits`: 16 bits that are rotated, hold players, confidence, raw disparity or a float16
- `packed_colours`: depth in the channels of a colour picture
- `stereo_integers`: disparity as whole numbers
- `float_files`: PFM, OpenEXR, npy, npz and TIFF
- `sintel`: `.dpt` of MPI Sintel
- `reconstructions`: COLMAP and OpenMVS
- `hdf5_files`: Spring and Hypersim
- `elevation`: GeoTIFF of heights
- `photographs`: GDepth and Dynamic Depth of Android phones
- `apple`: auxiliary depth of iPhone photographs
- `record3d`: frames of Record3D
- `ros`: messages of compressedDepth
- `hololens`: distance along rays of HoloLens 2
- `point_maps`: maps of points, such as SCARED's
- `raw_floats`: floats without a header

A further family is a file with a tuple `ENCODINGS`, named in `catalog`.
"""
