# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The command line `depth-anything-hf`: arguments and messages only; the work is done by the rooms below.

Imports stand inside the commands, so that `--help` is quick.

- `main`: the program and its commands.
- `program`: spelling of options, layout of help, errors in one line.
- `number_options`: numbers of options are read as those of recipes.
- `options`: options that several commands share.
- `dataclass_options`: options made of the fields of a dataclass.
- `pseudo_label`: label photographs with a teacher.
- `labels`: verify pseudo-labels and push them to the Hub.
- `predict`: depth of pictures.
- `prediction_options`: options of `predict` for its files, checked.
- `point_options`: options of `predict` for points in space and the camera.
- `tile_options`: options of `predict` for large pictures and panoramas.
- `predict_video`: depth of videos.
- `video_options`: options of `predict` for videos.
- `demo`: depth in the browser.
- `push_demo`: that as a Space of the Hub.
- `calibrate`: scale and shift of a relative model from measured points.
- `evaluate`: score a model.
- `compare`: compare models on the same images.
- `review`: show the worst labels, and list the rows that training leaves out.
- `check`: look for faults in data.
- `datasets`: list public datasets and protocols.
- `encodings`: list how devices, engines, apps and data sets write depth.
- `convert`: checkpoints of the original code in and out.
- `export`: models to ONNX, OpenVINO and torch.export.
- `render`: synthetic scenes.
- `train`: train, distill and finetune.
- `plan`: memory and time of a run before it starts.
- `recipes`: list and show the training recipes.
- `env`: versions, devices and settings for a bug report.
- `launch`: several processes from one command line.
- `child_processes`: start them, pass signals on, and wait for them.
- `__main__`: `python -m depth_anything_hf.cli`.
"""
