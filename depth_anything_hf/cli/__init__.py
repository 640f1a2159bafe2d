# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The command line `depth-anything-hf`: arguments and messages only; the work is done by the rooms below.

Every command is also a plain function: `pseudo_label` returns its `LabelReport`, `evaluate` its `EvaluationResult`.
Imports stand inside the commands, so that `--help` is quick.

- `main`: the program, its commands in panels, and how errors are shown.
- `options`: options that several commands share.
- `pseudo_label`: label photographs with a teacher.
- `labels`: verify pseudo-labels and push them to the Hub.
- `predict`: depth of pictures.
- `calibrate`: scale and shift of a relative model from measured points.
- `evaluate`: score a model.
- `datasets`: list public datasets and protocols.
- `convert`: checkpoints of the original code in and out.
- `render`: synthetic scenes.
- `train`: train, distill and finetune.
- `recipes`: list and show the training recipes.
- `launch`: several processes from one command line.
- `__main__`: `python -m depth_anything_hf.cli`.
"""
