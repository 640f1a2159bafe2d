# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Depth of videos: from files, cameras and folders of frames to maps that fit together in time, and back from files.

- `frames`: frames with their times, what a source of them is, and the errors of videos
- `pixels`: decoded frames as upright pictures of 8 bits
- `decoding`: frames of files, URLs and cameras by PyAV
- `sequences`: frames that are pictures
- `sources`: what may be given as a video, and how it is opened
- `alignment`: each frame's disparity brought to the running one, cuts, smoothing
- `robust_fit`: scale and shift between two noisy maps, against outliers
- `local_correction`: what differs smoothly over the picture from the frames before
- `cuts`: whether another scene begins
- `smoothing`: each pixel averaged along its motion
- `value_range`: the range of all values of a clip, in bounded memory
- `limits`: between which values the colours run
- `treatment`: what is done to the maps so that they fit together in time
- `prediction`: from a video to the maps of its frames
- `codes`: maps as 16-bit codes, in one range as long as values fit
- `colours`: colours of the frames, with a bar
- `encoding`: H.264 and FFV1 of a part of a video
- `joining`: parts joined into one file, with the sound of the source
- `outputs`: what is written of a video: formats, names, what the files say
- `parts`: a part of a video on disk
- `unfinished`: parts and state of a video that is under way
- `recording`: a video predicted into files, resumable
- `recorded_files`: names of videos in a folder, and which files are theirs
- `reading`: the numbers of a video read back
"""
