# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Scores of a model by pinned protocols: every number of every image, on any number of processes.

- `protocols`: the table of benchmarks; a new protocol is an entry there
- `arguments`: what is scored on what, the flags of the commands
- `settings`: what counts in a score: crops, ranges, alignment, metrics
- `datasets`: the images of a protocol, opened as they were downloaded
- `labelled_items`: any dataset of images and labels as a labelled dataset
- `evaluator`: predicts and scores a dataset, image by image
- `scoring`: one prediction against one label
- `own_metrics`: metrics of one's own beside those of the table
- `confidence`: whether the confidence of predictions tells of their errors
- `bootstrap`: images drawn with replacement, for intervals
- `results`: the numbers: rows, means, intervals, tables, files
- `result_files`: names of the saved files, and which files of these names are the user's
- `saved_results`: read what an evaluation has saved
- `reports`: everything that is saved, and the sheet of the best and worst images
- `html_report`: one self-contained page about a run: tables, pictures, times
- `html_charts`: curves and intervals on that page
- `runner`: a whole evaluation from its arguments, of the command `evaluate` and its example
- `label_review`: which labels are the worst, by stored numbers or another model
- `label_review_report`: their page, their sheet, and the list of rows to drop
- `review_runner`: a whole review from its arguments, of the command `review`
- `comparison`: several models on the same images: paired differences, and how sure they are
- `comparison_text`: its table and sentences
- `comparison_report`: its JSON record and its page with pictures
- `comparison_runner`: a whole comparison from its arguments, of the command `compare`
- `clips`: frames of a video, with depth and poses where they were rendered
- `clip_scores`: flicker, consistency and depth of a clip under each temporal treatment
- `clip_runner`: the evaluation of a video from its arguments
- `exported_scores`: a model and its exported file on the same labelled images
- `baselines`: predictors that ignore the image or use only its colours, to compare a model with

The names below are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .baselines import as_predictor, shuffle_predictions
    from .comparison import Comparison
    from .comparison_report import ComparedSet, save_comparison
    from .comparison_runner import ComparisonArguments, run_comparison
    from .comparison_text import comparison_table
    from .confidence import ConfidenceSummary
    from .datasets import LabelledDataset, open_benchmarks, open_protocol
    from .evaluator import evaluate, evaluate_on_all_processes, indices_of_process
    from .protocols import PROTOCOL_GROUPS, PROTOCOLS, Protocol, find_protocol
    from .reports import save_error_sheet, save_report
    from .results import EvaluationResult, description_of, summary_of_sets
    from .review_runner import ReviewArguments, ReviewReport, run_review
    from .saved_results import SavedResult, read_saved_results
    from .scoring import score_image
    from .settings import CROPS, Crop, EvaluationSettings

_MODULES = {
    "CROPS": "settings",
    "ComparedSet": "comparison_report",
    "Comparison": "comparison",
    "ComparisonArguments": "comparison_runner",
    "ConfidenceSummary": "confidence",
    "Crop": "settings",
    "EvaluationResult": "results",
    "EvaluationSettings": "settings",
    "LabelledDataset": "datasets",
    "ReviewArguments": "review_runner",
    "ReviewReport": "review_runner",
    "SavedResult": "saved_results",
    "PROTOCOLS": "protocols",
    "PROTOCOL_GROUPS": "protocols",
    "Protocol": "protocols",
    "as_predictor": "baselines",
    "comparison_table": "comparison_text",
    "description_of": "results",
    "evaluate": "evaluator",
    "evaluate_on_all_processes": "evaluator",
    "find_protocol": "protocols",
    "indices_of_process": "evaluator",
    "open_benchmarks": "datasets",
    "open_protocol": "datasets",
    "save_error_sheet": "reports",
    "read_saved_results": "saved_results",
    "run_comparison": "comparison_runner",
    "run_review": "review_runner",
    "save_comparison": "comparison_report",
    "save_report": "reports",
    "score_image": "scoring",
    "shuffle_predictions": "baselines",
    "summary_of_sets": "results",
}

__all__ = [
    "CROPS",
    "PROTOCOLS",
    "PROTOCOL_GROUPS",
    "ComparedSet",
    "Comparison",
    "ComparisonArguments",
    "ConfidenceSummary",
    "Crop",
    "EvaluationResult",
    "EvaluationSettings",
    "LabelledDataset",
    "Protocol",
    "ReviewArguments",
    "ReviewReport",
    "SavedResult",
    "as_predictor",
    "comparison_table",
    "description_of",
    "evaluate",
    "evaluate_on_all_processes",
    "find_protocol",
    "indices_of_process",
    "open_benchmarks",
    "open_protocol",
    "read_saved_results",
    "run_comparison",
    "run_review",
    "save_comparison",
    "save_error_sheet",
    "save_report",
    "score_image",
    "shuffle_predictions",
    "summary_of_sets",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
