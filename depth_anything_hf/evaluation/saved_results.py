# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Read results that an evaluation has saved, with the numbers of every image."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..models.hub_files import ADAPTER_CONFIG_FILE
from ..utils.messages import counted
from ..utils.paths import local_path
from .result_files import FIRST_COLUMNS, RESULTS_FILE, ROWS_FILE
from .results import DIAGNOSTICS, EvaluationResult
from .settings import EvaluationSettings


# A folder with one of them is a model or its adapters, also where training has put its scores beside it.
MODEL_FILES = ("config.json", ADAPTER_CONFIG_FILE)
OTHER_COLUMNS = (*FIRST_COLUMNS, "pairs", "scenario", *DIAGNOSTICS)


@dataclass(frozen=True)
class SavedResult:
    """A result as it was saved, and what it was made with (`results.description_of`)."""

    result: EvaluationResult
    made_with: Mapping[str, Any]


def is_saved_result(name: str) -> bool:
    """Return whether a name is that of saved results: their JSON or parquet file, or a folder of them, not a model."""
    return bool(_places(name))


def read_saved_results(name: str) -> dict[str, SavedResult]:
    """Read the results of one set, or of each set of a group of protocols.

    Args:
        name: folder that `evaluate --output_dir` has filled, or its `results.json` or `per_image.parquet`.

    Returns:
        The results by the name of their sub-folder; "" for results that lie in the folder itself.

    Raises:
        FileNotFoundError: there is no such file, or one of both is missing.
        ValueError: a file is no evaluation's, of another version, or both files are not of one evaluation.
    """
    places = _places(name)
    if not places:
        raise FileNotFoundError(f"{name}: expected a folder with {RESULTS_FILE} and {ROWS_FILE}, as evaluate writes")
    return {part: _read(folder) for part, folder in places.items()}


def _places(name: str) -> dict[str, Path]:
    """Return the folders with results by their part of the name."""
    path = local_path(name)
    if path.is_file() and path.name in (RESULTS_FILE, ROWS_FILE):
        return {"": path.parent}
    if not path.is_dir() or _is_model(path):
        return {}
    if (path / RESULTS_FILE).is_file():
        return {"": path}
    return {
        each.parent.name: each.parent for each in sorted(path.glob(f"*/{RESULTS_FILE}")) if not _is_model(each.parent)
    }


def _is_model(folder: Path) -> bool:
    return any((folder / name).exists() for name in MODEL_FILES)


def _read(folder: Path) -> SavedResult:
    path, rows_path = folder / RESULTS_FILE, folder / ROWS_FILE
    for each in (path, rows_path):
        if not each.is_file():
            raise FileNotFoundError(f"{each} is missing; evaluate writes {RESULTS_FILE} and {ROWS_FILE} side by side")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        settings = _settings(record["settings"])
        # The first versions had another word for the kind, and did not say what a result was made with.
        kind = record.get("prediction_kind") or record["prediction_is"]
        skipped, expected = list(record["skipped_images"]), record["images"]
        made_with = dict(record.get("made_with", {}))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no result of evaluate that this version can read: {error!r}") from error
    try:
        table = pq.read_table(rows_path)
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"{rows_path} is no table of rows: {error}") from error
    missing = [name for name in ("index", "name", *settings.metrics) if name not in table.column_names]
    if missing or table.num_rows != expected:
        found = f"lacks {', '.join(missing)}" if missing else f"has {counted(table.num_rows, 'row')}, not {expected}"
        raise ValueError(f"{rows_path} {found}: it is not of the evaluation in {path}; evaluate again")
    own = [name for name in table.column_names if name not in (*OTHER_COLUMNS, *settings.metrics)]
    result = EvaluationResult(table.to_pylist(), settings, kind, skipped, tuple(own))
    return SavedResult(result, made_with)


def _settings(record: Mapping[str, Any]) -> EvaluationSettings:
    known = {each.name for each in fields(EvaluationSettings)}
    unknown = sorted(set(record) - known)
    if unknown:
        raise ValueError(f"unknown settings {', '.join(unknown)}")
    return EvaluationSettings(**record)


__all__ = ["SavedResult", "is_saved_result", "read_saved_results"]
