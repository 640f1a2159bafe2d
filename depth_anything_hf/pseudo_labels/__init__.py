# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Label photographs with a teacher's disparity: parquet shards for students, checked, described and pushed.

- `job`: a whole labelling job from its arguments, for the command and the example.
- `runner`: `label_images`: a teacher's pass over this process's share of the shards.
- `inputs`: what is labelled, divided into shards that can each be done alone.
- `background`: threads that encode labels and write shards behind the forward pass, in bounded memory.
- `shards`: columns, writing and manifest of the parquet shards.
- `provenance`: which teacher, settings and data made the labels, and whether a run continues them.
- `verify`: re-read shards; find what is damaged, missing or labelled twice.
- `lineage`: the teacher and the license of stored labels, for a student's card.
- `dataset_card`: the card of the labels.
- `push`: push the labels to the Hub as a data set.
"""
