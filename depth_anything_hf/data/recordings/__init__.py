# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Recordings of devices and robots, in which pictures and depth lie in one file: bags of ROS, Record3D.

- `kinds`: which files are recordings
- `open_recording`: opens one, or a folder of them
- `pairs`: the samples of recordings, as a map-style dataset
- `bag`: pictures and depth of a bag of ROS
- `bag_file`: topics and messages of a bag, read where they lie
- `topics`: which topics of a bag are pictures and depth
- `realsense`: the unit of depth and the cameras in bags of RealSense's SDK
- `ros_images`: pictures, depth and cameras of messages
- `nearest_in_time`: which depth belongs to which picture
- `record3d`: frames of a `.r3d`
"""
