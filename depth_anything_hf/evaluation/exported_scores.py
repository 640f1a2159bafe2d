# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scores of a model and of its exported file on the same labelled images, added to the file's report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..data.data_source import DataSource
from ..data.sources import open_source
from ..export.report_files import add_scores
from ..utils.redaction import redact_name
from .runner import EvaluationArguments, run


METRICS = ("delta1", "abs_rel", "ordinal_accuracy")


def check_labelled(data: str) -> None:
    """Check that labelled images are there, before minutes are spent.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: the images have no labels, or the data are damaged.
    """
    if open_source(DataSource(data)).label is None:
        raise ValueError(f"{data}: no labels beside the images, so there is nothing to score with; name labelled data")


def score_exported(model: str, path: str | os.PathLike[str], data: str) -> dict[str, Any]:
    """Score a model, by PyTorch on the CPU, and its exported file by the protocol for data of one's own.

    Returns:
        What is added to the report: "data", "images", and "model" and "file" with the mean delta1, AbsRel and ordinal
        accuracy of each.

    Raises:
        ValueError: no image could be scored.
    """
    arguments = {
        "model": EvaluationArguments(model, data=data, engine="torch", device="cpu"),
        "file": EvaluationArguments(os.fspath(path), data=data),
    }
    scores: dict[str, Any] = {"data": redact_name(data)}
    for name, each in arguments.items():
        (result,) = run(each).values()
        if not result.rows:
            raise ValueError(f"{data}: no image could be scored by the {name}")
        means = result.mean
        scores["images"] = len(result.rows)
        scores[name] = {metric: means[metric] for metric in METRICS}
    add_scores(Path(path), scores)
    return scores
