# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The held-out sets of a run, of the new and the old domain, and what their scores decide."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..evaluation.results import EvaluationResult
from .arguments import TrainingArguments
from .changes import differences
from .description import describe_source, without_places
from .early_stopping import deciding_score, is_gain, reason_to_stop, require_evaluation
from .engine import Engine
from .forgetting import NEW, OLD, GainAndLoss, describe, gain_and_loss
from .state import Progress
from .tracking import MetricLog
from .validation import SHOWN_METRICS, Evaluation, describe_scores, evaluate_while_training, is_better


class HeldOut:
    """The held-out set of a run, and with it that of an old domain which may be forgotten.

    Args:
        arguments: of the run.
        evaluation: decides on the best model and on early stopping; None scores nothing.
        forgetting: of the old domain, scored whenever the other is, and before the first step; or None.

    Attributes:
        evaluation, forgetting: as given.
        result, old_result: of the last evaluation, if it was of the weights as they are now.

    Raises:
        ValueError: a set has no image that can be scored, or lacks the metric that decides; or an argument needs a set
            that is not there.
    """

    def __init__(
        self, arguments: TrainingArguments, evaluation: Evaluation | None, forgetting: Evaluation | None
    ) -> None:
        require_evaluation(arguments, evaluation is not None)
        if evaluation is not None:
            evaluation.require_metric(arguments.metric_for_best_model)
            evaluation.require_scorable_images()
        if forgetting is None:
            if arguments.forgetting_weight > 0:
                raise ValueError(
                    f"forgetting_weight is {arguments.forgetting_weight:g}, but there is no set of the old domain; "
                    "give one (--forgetting_data, or forgetting=... of fit), or leave forgetting_weight out"
                )
        else:
            if evaluation is None:
                raise ValueError(
                    "forgetting data without a held-out set of the new domain shows a loss without its gain; give one "
                    "(--eval_data, or evaluation=... of fit), or leave forgetting data out"
                )
            if arguments.forgetting_weight > 0:
                forgetting.require_metric(arguments.metric_for_best_model, "forgetting data")
            forgetting.require_scorable_images("forgetting data")
        self._arguments, self.evaluation, self.forgetting = arguments, evaluation, forgetting
        self.result: EvaluationResult | None = None
        self.old_result: EvaluationResult | None = None

    def warnings(self, train_data: Any, fresh: tuple[str, ...]) -> list[str]:
        """Return what is wrong with the set of the old domain, as lines of text.

        Args:
            train_data: of the run.
            fresh: how the names of parameters begin that start from random weights.
        """
        if self.forgetting is None or self.evaluation is None:
            return []
        old, found = describe_source(self.forgetting.dataset), []
        if old == describe_source(self.evaluation.dataset):
            found.append("the held-out set and the forgetting data are the same: gain and loss will be, too")
        if any(old == describe_source(each) for each in getattr(train_data, "sources", ())):
            found.append(
                "the forgetting data is trained on, too: its score shows what was learned by heart; hold other images "
                "of the old domain out"
            )
        if fresh:
            found.append(
                "the decoder starts from random weights, so that the score before the run is that of a model that "
                "knows no depth: there is nothing to be forgotten"
            )
        return found

    # -- scores -----------------------------------------------------------------------------------------------------

    def score(self, engine: Engine, processor: Any) -> None:
        """Score the weights that would be published; every process must call it and gets the whole results."""
        if self.evaluation is not None:
            self.result = evaluate_while_training(engine, processor, self.evaluation)
        if self.forgetting is not None:
            self.old_result = evaluate_while_training(engine, processor, self.forgetting)

    def discard(self) -> None:
        """Forget the last results: the weights are others by now."""
        self.result = self.old_result = None

    def entry(self, new: str = NEW, old: str = OLD) -> dict[str, float]:
        """Return the last means by their names in the log, or with other beginnings of the names."""
        sets = ((new, self.result), (old, self.old_result))
        return {f"{prefix}{name}": mean for prefix, result in sets if result for name, mean in result.mean.items()}

    def describe_scores(self) -> str:
        """Return the most important of the last scores as a line of text."""
        text = "" if self.result is None else describe_scores(self.result)
        return text if self.old_result is None else f"{text}; old domain: {describe_scores(self.old_result)}"

    # -- the beginning, and gain and loss ---------------------------------------------------------------------------

    def needs_start(self, progress: Progress) -> bool:
        """Return whether the model is to be scored before its first step.

        Raises:
            ValueError: the run has begun without, or with another set of the old domain; its weights of then are gone.
        """
        if self.forgetting is None:
            return False
        if progress.step == 0:
            return True
        changed = differences("", progress.before.get("old_by", {}), without_places(self.forgetting.describe()))
        if not progress.before or changed:
            how = "was begun without forgetting data" if not progress.before else "had other forgetting data"
            details = f" ({', '.join(map(str, changed))})" if changed else ""
            raise ValueError(
                f"the run {how}{details}, and its weights before the first step cannot be scored any more; repeat "
                "what it had, or start a new run with this forgetting data"
            )
        return False

    def score_start(self, engine: Engine, processor: Any, progress: Progress, log: MetricLog) -> str:
        """Score the model before its first step, for the log and for checkpoints; every process must call it.

        Returns:
            The scores as a line of text.
        """
        assert self.forgetting is not None
        self.score(engine, processor)
        log.write(0, self.entry(), tracked=self.entry("eval/", "forgetting/"))
        progress.before = {
            "new": self.result.mean if self.result else {},
            "old": self.old_result.mean if self.old_result else {},
            "old_by": without_places(self.forgetting.describe()),
        }
        return f"before the first step: {self.describe_scores()}"

    def gain_and_loss(self, progress: Progress) -> GainAndLoss:
        """Return the last scores beside those before the run; empty without forgetting data."""
        if self.result is None or self.old_result is None:
            return {}
        return gain_and_loss(progress.before, self.result.mean, self.old_result.mean)

    def closing_lines(self, progress: Progress, total_steps: int) -> list[str]:
        """Return why a run ends early, if it does, and gain and loss by the most important metrics."""
        reason = reason_to_stop(self._arguments, progress, total_steps)
        scores = self.gain_and_loss(progress)
        metrics = dict.fromkeys((self._arguments.metric_for_best_model, *SHOWN_METRICS))
        shown = [name for name in metrics if any(each is not None for each in scores.get(name, {}).values())]
        return [*([reason] if reason else []), *(describe(scores, shown) if shown else [])]

    # -- the best model ---------------------------------------------------------------------------------------------

    def keep_best(self, progress: Progress) -> bool:
        """Note the last scores if they are the best so far, and count evaluations without a gain.

        Returns:
            Whether they are.
        """
        assert self.result is not None
        arguments, new = self._arguments, self.result.mean
        old = {} if self.old_result is None else self.old_result.mean
        value = deciding_value(arguments, new, old)
        metric, best = arguments.metric_for_best_model, progress.best_value
        improved = is_better(value, best, metric, arguments.greater_is_better)
        has_gained = improved and is_gain(value, best, arguments.early_stopping_threshold)
        progress.evaluations_without_gain = 0 if has_gained else progress.evaluations_without_gain + 1
        if improved:
            progress.best_value, progress.best_step = value, progress.step
            progress.best_metrics, progress.best_old_metrics = new, old
        return improved

    def adopt_best(self, progress: Progress) -> tuple[list[str], bool]:
        """Let a resumed run go on with the best scores so far, unless another metric or held-out set decides now.

        Args:
            progress: changed in place.

        Returns:
            Lines for the console; and whether the scores of `best/` cannot be compared with those to come.
        """
        if self.evaluation is None:
            return [], False
        metric, weight = self._arguments.metric_for_best_model, self._arguments.forgetting_weight
        # Checkpoints may be pushed. Those of earlier versions hold whole paths.
        earlier = without_places(progress.best_by)
        progress.best_by = {"metric": metric, "held_out": without_places(self.evaluation.describe())}
        if weight > 0 and self.forgetting is not None:
            old = without_places(self.forgetting.describe())
            progress.best_by |= {"forgetting_weight": weight, "forgetting": old}
        # Checkpoints of earlier versions do not say what decided, and could not be resumed with anything else.
        if progress.best_value is None or not earlier:
            return [], False
        # An entry that the earlier one lacks would not be compared.
        without = {"forgetting_weight": 0.0, "forgetting": None}
        earlier, current = {**without, **earlier}, {**without, **progress.best_by}
        if not differences("", earlier, current):
            return [], False
        progress.evaluations_without_gain = 0
        known = deciding_value(self._arguments, progress.best_metrics, progress.best_old_metrics)
        if not differences("", earlier["held_out"], current["held_out"]) and not math.isnan(known):
            progress.best_value = known
            score = deciding_score(self._arguments)
            return [f"from now on {score} decides on the best model; the one in best/ has {known:.4f}"], False
        progress.best_value, progress.best_metrics, progress.best_old_metrics = None, {}, {}
        changed = ", ".join(str(each) for each in differences("", earlier, current))
        return [f"the best model is sought anew, as scores are not comparable with those before ({changed})"], True


def deciding_value(arguments: TrainingArguments, new: Mapping[str, float], old: Mapping[str, float]) -> float:
    """Return what decides on the best model: the metric, plus `forgetting_weight` times that of the old domain."""
    metric, weight = arguments.metric_for_best_model, arguments.forgetting_weight
    value = new.get(metric, math.nan)
    return value + weight * old.get(metric, math.nan) if weight > 0 else value


__all__ = ["HeldOut", "deciding_value"]
