# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A whole evaluation from its arguments: open model and data, score on all processes, save. Of command and example."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..utils.option_errors import check_choice, option_errors
from .arguments import EvaluationArguments, ScoringArguments


if TYPE_CHECKING:
    import torch

    from ..geometry.disparity import PredictionKind
    from ..inference.predictor import DepthPredictor
    from .own_metrics import OwnMetric
    from .results import EvaluationResult
    from .settings import EvaluationSettings

logger = logging.getLogger(__name__)


def run(
    arguments: EvaluationArguments,
    tell: Callable[[str], object] | None = None,
    metrics: Mapping[str, OwnMetric] | None = None,
) -> dict[str, EvaluationResult]:
    """Score a model by a protocol, by all of a group, or on your own labelled images, and save the results.

    Call it in every process of a launch: the images are divided over them, and each gets the whole result.

    Args:
        arguments: what is scored on what.
        tell: called on the main process with each table and message, e.g. `print`; None tells nothing.
        metrics: further metrics, see `evaluator.evaluate`.

    Returns:
        The result of each dataset, by the protocol's name or `data`. A result may have no rows.

    Raises:
        ValueError: arguments, model and data do not fit.
        FileNotFoundError: files of the data are missing; the message lists the first of them.
        FileExistsError: the output folder has files of the results' names that no evaluation has written.
        OSError: the output folder takes no files.
    """
    from ..utils.processes import own_accelerate_state

    if arguments.video is not None:
        raise ValueError("expected labelled images, got a video; use evaluation.clip_runner.run_clip")
    with own_accelerate_state():
        return _run(arguments, tell, metrics)


def _run(
    arguments: EvaluationArguments, tell: Callable[[str], object] | None, metrics: Mapping[str, OwnMetric] | None
) -> dict[str, EvaluationResult]:
    from ..inference.devices import usable_device
    from ..inference.engines import is_exported_file
    from ..metrics.table import ALIGNMENTS
    from ..utils.processes import leave_group_at_exit, make_accelerator
    from .evaluator import evaluate_on_all_processes
    from .protocols import PROTOCOL_GROUPS
    from .reports import REPORT_FILES, save_report
    from .result_files import check_results_folder
    from .results import description_of, summary_of_sets
    from .settings import beyond_the_model, settings_for

    # Before data and model are opened, which may take minutes.
    usable_device(arguments.device)
    check_choice("alignment", arguments.alignment, (*ALIGNMENTS, None))
    opened, missing = open_sets(arguments)
    is_group = arguments.protocol in PROTOCOL_GROUPS
    folders = {name: Path(arguments.output_dir or "", name if is_group else "") for name in opened}
    if arguments.output_dir is not None:
        check_outside_of_data(arguments, folders.values())
        for folder in folders.values():
            check_results_folder(folder, REPORT_FILES, overwrite=arguments.overwrite)
    accelerator = make_accelerator()
    # Exported files run on the CPU, whatever else there is.
    device = arguments.device or (None if is_exported_file(arguments.model) else accelerator.device)
    predictor, own_cap = open_predictor(arguments.model, arguments, device)
    results = {}
    for name, (dataset, protocol) in opened.items():
        chosen = {name: getattr(arguments, name) for name in ("alignment", "min_depth", "max_depth")}
        with option_errors():
            settings = protocol or settings_for(predictor.prediction_kind, dataset.label, own_cap, **chosen)
        beyond = beyond_the_model(settings, own_cap) if dataset.label == "depth" else ""
        if beyond and accelerator.is_main_process:
            logger.warning(beyond)
        results[name] = result = evaluate_on_all_processes(
            predictor,
            dataset,
            settings,
            prediction_kind=predictor.prediction_kind,
            accelerator=accelerator,
            progress=True,
            metrics=metrics,
        )
        if accelerator.is_main_process:
            made_with = description_of(predictor, arguments.model, settings, arguments.split, arguments.limit)
            messages = [result.table(made_with)]
            if arguments.output_dir is not None:
                save_report(folders[name], result, dataset, predictor, made_with, overwrite=arguments.overwrite)
                messages.append(f"saved to {folders[name]}")
            if tell is not None:
                tell("\n".join(messages))
    if accelerator.is_main_process and is_group and tell is not None:
        tell(summary_of_sets(results, missing))
    leave_group_at_exit()
    return results


def open_predictor(
    model: str, arguments: ScoringArguments, device: str | torch.device | None
) -> tuple[DepthPredictor, float | None]:
    """Open a model as the arguments say.

    Args:
        model: Hub id, folder or exported file.
        arguments: of the evaluation.
        device: for the model; None: the fastest.

    Returns:
        The predictor, and a metric model's own maximum depth in metres; None where it has none.
    """
    from ..geometry.depth_units import max_depth_in_metres
    from ..inference.predictor import DepthPredictor

    predictor = DepthPredictor.from_pretrained(
        model,
        device=device,
        dtype=arguments.dtype,
        engine=arguments.engine,
        batch_size=arguments.batch_size,
        input_size=arguments.input_size,
        prediction_kind=cast("PredictionKind | None", arguments.prediction_kind),
        confidence=arguments.confidence,
    )
    return predictor, max_depth_in_metres(predictor.model.config) if predictor.prediction_kind == "depth" else None


def check_outside_of_data(arguments: ScoringArguments, folders: Iterable[Path]) -> None:
    """Refuse, before anything is predicted, output folders that lie among the images."""
    from ..utils.outputs import lies_in

    for folder in folders:
        if arguments.data is not None and lies_in(folder, Path(arguments.data)):
            raise ValueError(
                f"--output_dir {arguments.output_dir} lies in the data, {arguments.data}, where the next "
                "command would take the results for data; choose a folder outside of it"
            )


def open_sets(
    arguments: ScoringArguments,
) -> tuple[dict[str, tuple[Any, EvaluationSettings | None]], dict[str, str]]:
    """Return datasets and protocols by name, and the sets of a group that are not there, with the reason."""
    if arguments.protocol is not None and arguments.root is not None:
        from .datasets import open_benchmarks

        opened, missing = open_benchmarks(
            arguments.protocol, arguments.root, arguments.split, arguments.limit, arguments.max_pixels
        )
        if arguments.confidence and any(settings.scores_pairs for _, settings in opened.values()):
            raise ValueError(f"confidence is scored against dense labels, and {arguments.protocol} has point pairs")
        return {**opened}, missing
    from ..data.sources import DataSource, open_source

    with option_errors():
        source = DataSource(
            str(arguments.data),
            label=arguments.label,
            scale=arguments.scale,
            encoding=arguments.encoding,
            split=arguments.split or "train",
            image_column=arguments.image_column or "image",
            label_column=arguments.label_column,
            limit=arguments.limit,
            max_pixels=arguments.max_pixels,
        )
    dataset = open_source(source)
    if dataset.label is None:
        raise ValueError(f"{arguments.data} has images but no depth or disparity labels to score against")
    return {str(arguments.data): (dataset, None)}, {}


__all__ = ["EvaluationArguments", "check_outside_of_data", "open_predictor", "open_sets", "run"]
