# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The parts of `benchmarks/gpu.py`, each run in a process of its own.

- `plan`: which parts there are, their commands, and how the time is divided; needs nothing but Python.
- `processes`: a part in a process of its own, with its log, ended when its time is over.
- `summary`: what the parts have written, as one JSON and one Markdown file.
- `test_log`: a plugin of pytest that writes each outcome down as soon as it is known.
- `speed`: training steps and labelling beside stock transformers and the original code.
- `contenders`: what `speed` times.
- `data`: rendered images for `student`, made before on any machine.
- `student`: teacher, labels, student, scores and pictures, for as long as there is time.
"""
