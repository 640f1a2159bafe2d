# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Early stopping: a run ends when its held-out scores have not become better for some evaluations."""

from __future__ import annotations

from ..utils.messages import counted
from .arguments import TrainingArguments
from .state import Progress


# Names the note in the log that says why a run has ended before its last step.
STOPPED = "stopped_early"


def require_evaluation(arguments: TrainingArguments, has_evaluation: bool) -> None:
    """Raise ValueError if a run that is to stop early has nothing to be scored on."""
    if arguments.early_stopping_patience is not None and not has_evaluation:
        raise ValueError(
            f"early_stopping_patience is {arguments.early_stopping_patience}, but there is no held-out set whose "
            f"{arguments.metric_for_best_model} could decide; give one (--eval_data, or evaluation=... of fit), or "
            "leave early_stopping_patience out"
        )


def is_gain(value: float, best: float | None, threshold: float) -> bool:
    """Return whether a score that is the better one is so by enough, as `transformers.EarlyStoppingCallback` counts.

    Args:
        value: a score that beats the best one so far.
        best: that one; None before the first.
        threshold: of the arguments. A score that is better by less is the new best one all the same.
    """
    return best is None or abs(value - best) > threshold


def is_out_of_patience(arguments: TrainingArguments, progress: Progress) -> bool:
    """Return whether a run has come to its end by its held-out scores; the same on all processes."""
    patience = arguments.early_stopping_patience
    return patience is not None and progress.evaluations_without_gain >= patience


def deciding_score(arguments: TrainingArguments) -> str:
    """Return what decides on the best model, in words; see `held_out.deciding_value`."""
    metric, weight = arguments.metric_for_best_model, arguments.forgetting_weight
    return metric if weight == 0 else f"{metric} + {weight:g} x that of the old domain"


def reason_to_stop(arguments: TrainingArguments, progress: Progress, total_steps: int) -> str:
    """Return why a run stops early and which model is the best, as a line of text; empty if it does not."""
    if not is_out_of_patience(arguments, progress) or progress.step >= total_steps:
        return ""
    evaluations, score = counted(progress.evaluations_without_gain, "evaluation"), deciding_score(arguments)
    by = f" by more than {arguments.early_stopping_threshold:g}" if arguments.early_stopping_threshold else ""
    text = f"stopped early at step {progress.evaluated_step}: {score} has not become better{by} in {evaluations}"
    if progress.best_value is None:
        return f"{text}, and no evaluation had a score"
    at = f" at step {progress.best_step}" if progress.best_step else ""
    return f"{text}; the best model, with {progress.best_value:.4f}{at}, is in best/"


__all__ = [
    "STOPPED",
    "deciding_score",
    "is_gain",
    "is_out_of_patience",
    "reason_to_stop",
    "require_evaluation",
]
