# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A whole review of labels from its arguments: rank, draw the worst, write the list of rows to drop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..utils.messages import counted
from ..utils.option_errors import OptionError, check_choice, check_count
from ..utils.typed_fields import convert_fields


if TYPE_CHECKING:
    import numpy as np

    from ..data.samples import SampleDataset
    from ..geometry.disparity import PredictionKind
    from ..inference.predictor import DepthPredictor
    from .label_review import Review, ReviewedRow
    from .label_review_report import ShownRow
    from .settings import EvaluationSettings

WAYS = ("teachers", "fit", "flip", "model")
# Of a model's prediction beside a label.
METRICS = ("abs_rel", "delta1", "ordinal_accuracy")
# Rows in `drop.txt` behind the cut, as comments.
FOLLOWING_ROWS = 100


@dataclass
class ReviewArguments:
    """What is reviewed, by what, and where the list goes; the flags of `review`."""

    labels: str = field(
        metadata={"help": "Folder that `pseudo-label` wrote; with --model any labelled folder, table or dataset id."}
    )
    output_dir: str = field(metadata={"help": "Folder for page, sheet and lists, outside of the labels."})
    model: str | None = field(
        default=None, metadata={"help": "Compare with this model: an id on the Hub, a folder, or a file of `export`."}
    )
    by: str | None = field(
        default=None,
        metadata={
            "help": "What makes a row bad: teachers (they disagree), fit (its residual), flip (the mirrored picture "
            "disagrees), or model (--model disagrees). [model with --model, else the first that the labels have]"
        },
    )
    worst: int = field(default=100, metadata={"help": "Rows to show, worst first."})
    cut: float | None = field(
        default=None,
        metadata={"help": "List rows above this value. [what stands out: the third quartile + 3 quartile distances]"},
    )
    overwrite: bool = field(
        default=False, metadata={"help": "Replace an earlier review, also a drop.txt that was edited since."}
    )
    split: str | None = field(default=None, metadata={"help": "Split of a dataset that has several. [train]"})
    limit: int | None = field(default=None, metadata={"help": "Review only the first N rows."})
    max_pixels: int | None = field(
        default=None, metadata={"help": "Largest number of pixels of an image or label. [179 million]"}
    )
    batch_size: int | None = field(
        default=None, metadata={"help": "Images of one size per forward pass. [8, on a CPU 1]"}
    )
    input_size: int | None = field(
        default=None, metadata={"help": "Side that images are resized to, a multiple of 14. [the model's]"}
    )
    prediction_kind: str | None = field(
        default=None, metadata={"help": "What the model predicts, disparity or depth. [the configuration's]"}
    )
    dtype: str | None = field(default=None, metadata={"help": "float32, bfloat16 or float16. [the model's]"})
    engine: str | None = field(
        default=None, metadata={"help": "What computes on a CPU: torch, openvino, onnxruntime or auto. [torch]"}
    )
    device: str | None = field(default=None, metadata={"help": "cuda, cuda:1, mps or cpu. [the fastest]"})

    def __post_init__(self) -> None:
        convert_fields(self)
        check_choice("--by", self.by, (*WAYS, None))
        for name in ("worst", "limit", "batch_size", "max_pixels"):
            if getattr(self, name) is not None:
                check_count(f"--{name}", getattr(self, name))
        if self.by == "model" and self.model is None:
            raise OptionError("--by model needs --model, the model to compare the labels with")
        if self.model is not None and self.by not in (None, "model"):
            raise OptionError(f"--by {self.by} is what the labels say themselves; leave --model or --by out")


@dataclass(frozen=True)
class ReviewReport:
    """What a review has found.

    Attributes:
        rows: rows of the labels.
        dropped: rows in the list.
        cut: value above which rows are listed; None where no row stands out.
        review: all values.
    """

    rows: int
    dropped: int
    cut: float | None
    review: Review


def run_review(arguments: ReviewArguments, tell: Callable[[str], object] | None = None) -> ReviewReport:
    """Rank labels, show the worst, and write the list of rows that stand out.

    Args:
        arguments: what is reviewed, and by what.
        tell: called with each message, e.g. `print`.

    Raises:
        ValueError: the labels have no labels, or no numbers to review them by.
        FileNotFoundError: no such labels.
        FileExistsError: the output folder has files of these names.
        OSError: the output folder takes no files.
    """
    from ..data.sources import DataSource, open_source
    from ..utils.outputs import check_folder, lies_in, refuse_to_replace
    from .label_review import review_stored, suggest_cut
    from .label_review_report import (
        LIST,
        PAGE,
        REVIEW_FILES,
        SHEET,
        ShownRow,
        bad_fits_of,
        save_lists,
        save_page,
        save_sheet,
    )

    folder = Path(arguments.output_dir)
    if lies_in(folder, Path(arguments.labels)):
        raise ValueError(
            f"--output_dir {folder} lies in the labels, {arguments.labels}, where the next command would take its "
            "files for data; choose a folder outside of it"
        )
    check_folder(folder)
    if not arguments.overwrite:
        taken = [folder / name for name in REVIEW_FILES if (folder / name).exists()]
        refuse_to_replace(taken, "a list may have been edited: choose another folder, or replace them by --overwrite")
    source = DataSource(
        arguments.labels,
        split=arguments.split or "train",
        limit=arguments.limit,
        max_pixels=arguments.max_pixels,
        keep_bad_fits=True,
    )
    samples = cast("SampleDataset", open_source(source))
    if samples.label is None:
        raise ValueError(f"{arguments.labels} has images but no labels; make some by `depth-anything-hf pseudo-label`")
    comparison = None if arguments.model is None else _open_model(arguments, samples.label)
    review = review_stored(samples, arguments.by) if comparison is None else _compare(samples, *comparison)
    order = review.order()
    if not len(order):
        raise ValueError(f"{arguments.labels}: no row could be reviewed; {_first_reason(review)}")
    cut, why = suggest_cut(review.values) if arguments.cut is None else arguments.cut, "as it was given"
    count = 0 if cut is None else int((review.values[order] > cut).sum())
    if arguments.cut is None:
        why = "the third quartile plus three times the distance between the quartiles, above which rows stand out"
    why = "no row stands out from the others" if cut is None else f"the cut is {cut:.4g}, {why}"
    shown_count = min(arguments.worst, len(order))
    rows = review.rows(samples, order[: max(shown_count, count + FOLLOWING_ROWS)].tolist())
    shown = _draw(source, samples, review, rows[:shown_count], comparison)
    plain = [ShownRow(row, (), _place_of(samples, row.index)) for row in rows]
    folder.mkdir(parents=True, exist_ok=True)
    save_lists(folder, arguments.labels, review, plain[:count], plain[count : count + FOLLOWING_ROWS], why)
    save_sheet(folder / SHEET, review, shown)
    save_page(
        folder / PAGE,
        arguments.labels,
        review,
        shown,
        cut=cut,
        why=why,
        dropped=count,
        list_place=str(folder / LIST),
    )
    if tell is not None:
        skipped = f"; {counted(len(review.skipped), 'row')} could not be compared" if review.skipped else ""
        bad_fits = f"\n{bad_fits_of(review)}" if review.bad_fits else ""
        tell(
            f"{counted(len(samples), 'label')} reviewed by {review.by}: {why}; {counted(count, 'row')} in "
            f"{folder / LIST}{skipped}{bad_fits}\nlook at them in {folder / PAGE}, then: distill --train_data "
            f"{arguments.labels} --drop {folder / LIST}"
        )
    return ReviewReport(len(samples), count, cut, review)


def _open_model(arguments: ReviewArguments, label: str) -> tuple[DepthPredictor, EvaluationSettings]:
    from ..inference.devices import usable_device
    from ..inference.predictor import DepthPredictor
    from .settings import EvaluationSettings

    usable_device(arguments.device)
    predictor = DepthPredictor.from_pretrained(
        str(arguments.model),
        device=arguments.device,
        dtype=arguments.dtype,
        engine=arguments.engine,
        batch_size=arguments.batch_size,
        input_size=arguments.input_size,
        prediction_kind=cast("PredictionKind | None", arguments.prediction_kind),
    )
    return predictor, EvaluationSettings(alignment="disparity", metrics=METRICS)


def _compare(samples: SampleDataset, predictor: DepthPredictor, settings: EvaluationSettings) -> Review:
    import numpy as np

    from .evaluator import evaluate
    from .label_review import MODEL, Review

    result = evaluate(predictor, samples, settings, prediction_kind=predictor.prediction_kind, progress=True)
    columns = {name: np.full(len(samples), math.nan) for name in METRICS}
    for row in result.rows:
        for name in METRICS:
            columns[name][row["index"]] = row[name]
    skipped = [(str(each["name"]), str(each["reason"])) for each in result.skipped_images]
    values = columns.pop(METRICS[0])
    return Review(MODEL, values, {name: column.tolist() for name, column in columns.items()}, skipped)


def _draw(
    source: Any,
    samples: SampleDataset,
    review: Review,
    rows: Sequence[ReviewedRow],
    comparison: tuple[DepthPredictor, EvaluationSettings] | None,
) -> list[ShownRow]:
    from tqdm import tqdm

    from ..data.decoding.errors import BrokenSampleError
    from .label_review_report import ShownRow

    mask = None if comparison is not None else _mask_of(review, rows)
    opened = _with_mask(source, mask) if mask else samples
    shown = []
    for row in tqdm(rows, desc="draw", leave=False):
        try:
            sample = opened[row.index]
            pictures = _pictures(sample, mask) if comparison is None else _compared(sample, *comparison)
        except (BrokenSampleError, OSError):
            # It is listed, and its name tells where to look.
            pictures = []
        shown.append(ShownRow(row, pictures, _place_of(samples, row.index)))
    return shown


def _mask_of(review: Review, rows: Sequence[ReviewedRow]) -> str | None:
    """Return the mask that shows what rows are ranked by; None where the labels do not have it."""
    if review.by in ("teachers", "flip"):
        return review.by
    has_mask = all(row.numbers.get("teachers_share") is not None for row in rows)
    return "teachers" if has_mask and rows else None


def _with_mask(source: Any, mask: str) -> Any:
    from dataclasses import replace

    from ..data.sources import open_source

    # Any weight but 1 tells masked pixels, and leaves the label as it is.
    return open_source(replace(source, ignore_masks=[mask], mask_weight=0.5))


def _pictures(sample: dict[str, Any], mask: str | None) -> list[tuple[str, np.ndarray]]:
    import numpy as np

    from ..data.masked_pixels import WEIGHTS
    from ..visualization.colour_maps import colour_map
    from ..visualization.figures import ORANGE, thicken

    image = sample["image"]
    label = (
        sample["disparity"] if "disparity" in sample else 1 / np.where(sample["depth"] > 0, sample["depth"], np.nan)
    )
    panels = [("image", image), ("label, bright is near", colour_map(thicken(label)))]
    if mask is not None:
        grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
        orange = np.array(ORANGE, dtype=np.float32)
        marked = np.where((sample[WEIGHTS] < 1)[..., None], 0.35 * grey + 0.65 * orange, grey)
        panels.append((f"orange: the mask {mask}", marked.astype(np.uint8)))
    return panels


def _compared(
    sample: dict[str, Any], predictor: DepthPredictor, settings: EvaluationSettings
) -> list[tuple[str, np.ndarray]]:
    from .reports import panels_of
    from .scoring import cut_sample

    sample = cut_sample(sample, settings)
    (prediction,) = predictor([(sample["name"], sample["image"])])
    if prediction.values is None:
        return [("image", sample["image"])]
    image, own, label, error = panels_of(prediction.values, sample, settings, predictor.prediction_kind)
    return [
        ("image", image),
        ("label, bright is near", label),
        ("the model's prediction, aligned", own),
        ("error |p - t| / t, 0 to 0.5", error),
    ]


def _place_of(samples: SampleDataset, index: int) -> str:
    """Return shard and row of a position; "" where the labels are not in shards that are here."""
    from ..data.datasets import DepthTable

    place = samples.place_of(index) if isinstance(samples, DepthTable) else None
    return "" if place is None else f"{Path(place[0]).name}, row {place[1]}"


def _first_reason(review: Review) -> str:
    return f"{review.skipped[0][0]}: {review.skipped[0][1]}" if review.skipped else "all numbers are missing"


__all__ = ["ReviewArguments", "ReviewReport", "run_review"]
