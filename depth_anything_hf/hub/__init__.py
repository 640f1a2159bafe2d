# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Publish models on the Hub: cards, licenses, repositories, pushes in the background of a training.

- `model_card`: a model's card and its results, in the form the Hub reads.
- `licenses`: licenses by strictness, those of well-known weights, and which one a model or data set comes under.
- `lineage`: a model's origins (encoder, teacher, labels, data), in its card and its configuration.
- `markdown`: what all cards share: text by hand that survives, tables, code blocks, versions.
- `repository`: create a repository, and upload a folder's files.
- `errors`: retry what may pass, and turn Hub errors into messages.
- `publisher`: push a run's models in the background of its training.
"""
