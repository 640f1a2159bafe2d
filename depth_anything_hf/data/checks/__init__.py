# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rules about the pictures and labels of a source: what in them speaks against how they are read.

- `findings`: what a finding is, and the numbers of one sample
- `sampling`: which samples are looked at
- `sample_facts`: the numbers of one sample, measured
- `label_values`: levels, whole numbers, largest values and empty borders of a label
- `ray_distance`: distances along rays told from planar depth by flat surfaces
- `edges`: edges of pictures and labels, and how well they fit when moved
- `registration`: which turn, mirror image or shift of the labels fits the pictures
- `picture_hashes`: pictures that are the same, or nearly
- `file_copies`: files of equal content
- `advice`: how a source is read, and the fields that would mend a finding
- `readers`: reads the samples that are looked at
- `unit_findings`: wrong units, wrong kinds, distances along rays
- `value_findings`: missing values, sky, few levels, empty labels
- `pair_findings`: labels that are not of their pictures, duplicates, broken files
- `source_check`: looks at samples of a source, and says what is most likely wrong
"""
