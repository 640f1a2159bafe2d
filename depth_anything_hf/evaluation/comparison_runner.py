# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A whole comparison from its arguments: score models as `evaluate` does, compare, save. Of `compare`."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..utils.option_errors import OptionError, check_choice, option_errors
from .arguments import ScoringArguments


if TYPE_CHECKING:
    from accelerate import Accelerator

    from ..inference.predictor import DepthPredictor
    from .comparison import Comparison
    from .comparison_report import ComparedSet
    from .own_metrics import OwnMetric
    from .results import EvaluationResult
    from .saved_results import SavedResult
    from .settings import EvaluationSettings

logger = logging.getLogger(__name__)

# Sub-folder of the output with the results of each model, which later comparisons can take in its place.
EVALUATIONS = "evaluations"


@dataclass
class ComparisonArguments(ScoringArguments):
    """Which models are compared on what, and how; the flags of `compare`."""

    models: list[str] = field(
        metadata={
            "help": "Models: ids on the Hub, folders, files of `export`, or folders that `evaluate --output_dir` has "
            "filled, which are not scored again."
        }
    )
    baseline: str | None = field(
        default=None,
        kw_only=True,
        metadata={"help": "The model that the others are compared with, as given or as the table names it. [first]"},
    )
    metric: str | None = field(
        default=None,
        kw_only=True,
        metadata={"help": "Metric that verdict and pictures go by. [abs_rel, or the protocol's first]"},
    )
    pictures: int = field(
        default=6,
        kw_only=True,
        metadata={"help": "Images to show on the page: those on which the models differ most by the metric."},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.models) < 2:
            raise OptionError(f"expected at least two models to compare, got {len(self.models)}")
        if any(each is not None for each in (self.data, self.protocol, self.root)) and not self.has_images:
            raise ValueError("give data, or protocol and root (`depth-anything-hf datasets` lists the protocols)")
        if self.pictures < 0:
            raise OptionError(f"pictures must be at least 0, got {self.pictures}")


def run_comparison(
    arguments: ComparisonArguments,
    tell: Callable[[str], object] | None = None,
    metrics: Mapping[str, OwnMetric] | None = None,
) -> dict[str, Comparison]:
    """Score models by the same rules on the same images, compare them, and save table, page and results.

    Call it in every process of a launch: the images are divided over them.

    With a protocol its rules hold. Otherwise saved results bring theirs; and if there are none, metres are compared
    with metres where every model is metric and the labels are depth, up to the smallest range of a model, and else
    every model is aligned in disparity.

    Args:
        arguments: which models, on what.
        tell: called on the main process with each table and message, e.g. `print`; None tells nothing.
        metrics: further metrics, see `evaluator.evaluate`.

    Returns:
        The comparison of each dataset, by the protocol's name or `data`; of saved results alone by their sub-folder.

    Raises:
        ValueError: arguments, models and data do not fit, results were made by other rules, or no image is common.
        FileNotFoundError: files of the data are missing; the message lists the first of them.
        FileExistsError: the output folder has files of the results' names that no comparison has written.
        OSError: the output folder takes no files.
    """
    from ..utils.processes import own_accelerate_state

    with own_accelerate_state():
        return _run(arguments, tell, metrics)


def _run(
    arguments: ComparisonArguments, tell: Callable[[str], object] | None, metrics: Mapping[str, OwnMetric] | None
) -> dict[str, Comparison]:
    from ..inference.devices import usable_device
    from ..metrics.table import ALIGNMENTS
    from ..utils.processes import leave_group_at_exit, make_accelerator
    from .comparison import Comparison
    from .comparison_report import ComparedSet, save_comparison
    from .comparison_text import comparison_table
    from .protocols import PROTOCOL_GROUPS
    from .runner import open_sets
    from .saved_results import is_saved_result, read_saved_results

    usable_device(arguments.device)
    check_choice("alignment", arguments.alignment, (*ALIGNMENTS, None))
    names = dict(zip(distinct_names(arguments.models), arguments.models, strict=True))
    baseline = _find_baseline(arguments.baseline, names)
    saved = {name: read_saved_results(model) for name, model in names.items() if is_saved_result(model)}
    to_score = {name: model for name, model in names.items() if name not in saved}
    if to_score and not arguments.has_images:
        raise OptionError(
            f"{', '.join(to_score.values())}: no results of evaluate, so give data, or protocol and root, to score on"
        )
    if arguments.output_dir is not None:
        _check_output(arguments, to_score)
    opened, missing = open_sets(arguments) if arguments.has_images else (_sets_of(saved), {})
    is_group = arguments.protocol in PROTOCOL_GROUPS
    accelerator = make_accelerator()
    scorer = _Scorer(arguments, to_score, accelerator, metrics)
    rules: dict[str, tuple[dict[str, SavedResult], EvaluationSettings]] = {}
    # Of all sets, before anything is predicted.
    for set_name, (dataset, protocol) in opened.items():
        kept = {name: _result_of_set(name, sets, set_name, len(opened)) for name, sets in saved.items()}
        settings = scorer.settings_of(dataset, protocol, {name: one.result.settings for name, one in kept.items()})
        own = [own for one in kept.values() for own in one.result.own_metrics]
        _check_metric(arguments, settings, [*own, *(metrics or ())])
        rules[set_name] = kept, settings
    compared: dict[str, ComparedSet] = {}
    for set_name, (dataset, _) in opened.items():
        kept, settings = rules[set_name]
        made_with: dict[str, Mapping[str, Any]] = {name: one.made_with for name, one in kept.items()}
        results = {name: one.result for name, one in kept.items()}
        for name in to_score:
            results[name] = scorer.score(name, dataset, settings)
            made_with[name] = scorer.made_with(name, settings)
            # At once, so that what was scored is not lost with the next model.
            if arguments.output_dir is not None and accelerator.is_main_process:
                folder = _folder_of(arguments, name) / (set_name if is_group else "")
                results[name].save(folder, made_with[name], overwrite=arguments.overwrite)
        results = {name: results[name] for name in names}
        try:
            comparison = Comparison.of(results, baseline, arguments.metric)
        except OptionError:
            raise
        except ValueError as error:
            # The other sets of a group are worth having.
            if len(opened) == 1:
                raise
            missing[set_name] = str(error)
            continue
        compared[set_name] = ComparedSet(comparison, made_with, dataset, scorer.predictors)
        if tell is not None and accelerator.is_main_process:
            tell(f"{set_name}\n{comparison_table(comparison)}" if len(opened) > 1 else comparison_table(comparison))
    if not compared:
        raise ValueError(
            "no dataset could be compared: " + "; ".join(f"{name}: {why}" for name, why in missing.items())
        )
    if accelerator.is_main_process:
        messages = [f"not compared: {name}: {reason}" for name, reason in missing.items()]
        if arguments.output_dir is not None:
            published = {_published(name, arguments): one for name, one in compared.items()}
            save_comparison(
                arguments.output_dir,
                published,
                missing,
                pictures=arguments.pictures,
                overwrite=arguments.overwrite,
            )
            messages.append(f"saved to {arguments.output_dir}")
        if tell is not None and messages:
            tell("\n".join(messages))
    leave_group_at_exit()
    return {name: one.comparison for name, one in compared.items()}


class _Scorer:
    """The models that have no saved results, opened once, and what scores them."""

    def __init__(
        self,
        arguments: ComparisonArguments,
        models: Mapping[str, str],
        accelerator: Accelerator,
        metrics: Mapping[str, OwnMetric] | None,
    ) -> None:
        from ..inference.engines import is_exported_file
        from .runner import open_predictor

        self._arguments, self._models, self._accelerator, self._metrics = arguments, models, accelerator, metrics
        self.predictors: dict[str, DepthPredictor] = {}
        self._own_caps: dict[str, float | None] = {}
        for name, model in models.items():
            # Exported files run on the CPU, whatever else there is.
            device = arguments.device or (None if is_exported_file(model) else accelerator.device)
            self.predictors[name], self._own_caps[name] = open_predictor(model, arguments, device)

    def settings_of(
        self, dataset: Any, protocol: EvaluationSettings | None, saved: Mapping[str, EvaluationSettings]
    ) -> EvaluationSettings:
        """Return the rules for all models: the protocol's, else those of saved results, else what fits the models."""
        from .settings import beyond_the_model

        settings = self._rules(dataset, protocol, saved)
        for name, cap in self._own_caps.items():
            beyond = beyond_the_model(settings, cap) if dataset.label == "depth" else ""
            if beyond and self._accelerator.is_main_process:
                logger.warning("%s: %s", name, beyond)
        return settings

    def _rules(
        self, dataset: Any, protocol: EvaluationSettings | None, saved: Mapping[str, EvaluationSettings]
    ) -> EvaluationSettings:
        from .comparison import check_same_rules
        from .settings import settings_for

        if protocol is not None:
            return check_same_rules({str(self._arguments.protocol): protocol, **saved})
        given = {name: getattr(self._arguments, name) for name in ("alignment", "min_depth", "max_depth")}
        if saved:
            settings = check_same_rules(saved)
            for name, value in given.items():
                theirs = getattr(settings, name)
                if value not in (None, theirs):
                    raise ValueError(
                        f"{', '.join(saved)}: scored with {name} {theirs}, got {value}; leave it out, or score again"
                    )
            return settings
        are_metric = all(predictor.prediction_kind == "depth" for predictor in self.predictors.values())
        caps = [cap for cap in self._own_caps.values() if cap is not None]
        with option_errors():
            return settings_for(
                "depth" if are_metric else "disparity", dataset.label, min(caps) if caps else None, **given
            )

    def score(self, name: str, dataset: Any, settings: EvaluationSettings) -> EvaluationResult:
        """Score a model on all processes."""
        from .evaluator import evaluate_on_all_processes

        predictor = self.predictors[name]
        return evaluate_on_all_processes(
            predictor,
            dataset,
            settings,
            prediction_kind=predictor.prediction_kind,
            accelerator=self._accelerator,
            progress=True,
            metrics=self._metrics,
        )

    def made_with(self, name: str, settings: EvaluationSettings) -> dict[str, Any]:
        """Describe how a model was scored."""
        from .results import description_of

        arguments = self._arguments
        return description_of(self.predictors[name], self._models[name], settings, arguments.split, arguments.limit)


def _check_metric(arguments: ComparisonArguments, settings: EvaluationSettings, own: Iterable[str]) -> None:
    """Refuse an unknown metric before anything is predicted; a scenario of point pairs is looked at later."""
    from .confidence import CONFIDENCE_SCORES

    if arguments.metric is not None:
        of_confidence = CONFIDENCE_SCORES if arguments.confidence else ()
        # Each once, in the order of the report.
        choices = tuple(dict.fromkeys([*settings.metrics, *own, *of_confidence]))
        check_choice("metric", arguments.metric.split("/")[0], choices)


def distinct_names(models: Sequence[str]) -> list[str]:
    """Return a short name for each model, all different: of a path its last part, or as many as tell it from others.

    Args:
        models: ids on the Hub, folders, files of results; the same one twice gets a number.
    """
    from ..utils.paths import local_path
    from ..utils.redaction import redact_name
    from .result_files import RESULTS_FILE, ROWS_FILE

    paths = [local_path(model) for model in models]
    # Files of results are named by their folder.
    paths = [path.parent if path.name in (RESULTS_FILE, ROWS_FILE) else path for path in paths]
    parts = [path.resolve().parts if path.exists() else () for path in paths]
    names = []
    for number, model in enumerate(models):
        own, others = parts[number], [each for each in parts if each and each != parts[number]]
        if not own:
            names.append(redact_name(model))
            continue
        count = 1
        while count < len(own) and any(each[-count:] == own[-count:] for each in others):
            count += 1
        names.append("/".join(own[-count:]))
    return _numbered(names)


def folder_names(names: Sequence[str]) -> list[str]:
    """Return a name for the folder of each model's results, all different."""
    return _numbered([re.sub(r"[^\w.@-]+", "-", name).strip("-.") or "model" for name in names])


def _numbered(names: Sequence[str]) -> list[str]:
    """Return names, with a number where one was there before."""
    return [
        name if name not in names[:number] else f"{name} ({names[:number].count(name) + 1})"
        for number, name in enumerate(names)
    ]


def _find_baseline(given: str | None, names: Mapping[str, str]) -> str | None:
    if given is None or given in names:
        return given
    for name, model in names.items():
        if model == given:
            return name
    check_choice("baseline", given, tuple(names))
    return None


def _sets_of(saved: Mapping[str, Mapping[str, SavedResult]]) -> dict[str, tuple[Any, EvaluationSettings | None]]:
    """Return the sets that all saved results have, without images."""
    first, *others = saved.values()
    shared = [name for name in first if all(name in other for other in others)]
    if not shared:
        told = "; ".join(f"{name}: {', '.join(filter(None, sets)) or 'one set'}" for name, sets in saved.items())
        raise ValueError(f"the results have no dataset in common: {told}")
    return dict.fromkeys(shared, (None, None))


def _result_of_set(name: str, results: Mapping[str, SavedResult], set_name: str, count: int) -> SavedResult:
    if set_name in results:
        return results[set_name]
    if count == 1 and list(results) == [""]:
        return results[""]
    raise ValueError(f"{name} has no results of {set_name}, only of {', '.join(filter(None, results)) or 'one set'}")


def _check_output(arguments: ComparisonArguments, scored: Iterable[str]) -> None:
    """Refuse, before anything is predicted, an output that would replace the user's files or lie among the images."""
    from .comparison_report import COMPARISON_FILES
    from .result_files import RESULTS_FILE, ROWS_FILE, check_results_folder
    from .runner import check_outside_of_data

    folder = Path(str(arguments.output_dir))
    check_outside_of_data(arguments, [folder])
    check_results_folder(folder, COMPARISON_FILES, overwrite=arguments.overwrite)
    for name in scored:
        check_results_folder(_folder_of(arguments, name), (RESULTS_FILE, ROWS_FILE), overwrite=arguments.overwrite)


def _folder_of(arguments: ComparisonArguments, name: str) -> Path:
    names = distinct_names(arguments.models)
    return Path(str(arguments.output_dir), EVALUATIONS, folder_names(names)[names.index(name)])


def _published(name: str, arguments: ComparisonArguments) -> str:
    """Return the name of a dataset without the path that leads to it."""
    from ..utils.redaction import redact_name

    return redact_name(name) if arguments.data is not None else name or "results"


__all__ = ["ComparisonArguments", "distinct_names", "folder_names", "run_comparison"]
