# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Model cards: what a model predicts, where it comes from, how it was trained and how well it does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import ModelCardData

from ..geometry.depth_units import UNIT_NAMES, UNITS_PER_METRE
from ..utils.card_pictures import PICTURES_FOLDER
from ..utils.files import atomic_write
from ..utils.paths import local_path
from ..utils.printable_names import printable_text
from ..utils.redaction import (
    is_hub_id,
    redact_command,
    redact_name,
    redact_recipe,
    redact_text,
    redact_tokens,
)
from .card_results import evaluation_results, gain_and_loss_text, published_results, results_text, write_evaluations
from .licenses import add_published_licenses, license_fields, model_license
from .lineage import DATA_PARTS, LICENSED_PARTS, lineage_rows, origins, write_lineage
from .markdown import (
    code_block,
    code_span,
    inline,
    kept_section,
    name_and_license_entries,
    python_text,
    slug,
    table,
    versions,
)


LOCAL_NAME = "path/to/this/model"
# Pillow's numbers of its resampling filters.
RESAMPLINGS = {0: "nearest", 1: "Lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "Hamming"}
RELATIVE_UNIT = "(H, W), larger = nearer"
UNIT_NOTE = (
    "Stock transformers and its `pipeline` give {unit} (divide by {units} for metres), because they take only whole "
    "numbers as the cap; `depth_anything_hf` converts: its predictor, its commands and their files are in metres."
)

TEACHER_NOTE = (
    "The teacher predicted labels that this model learned from. It is no base model: its weights are not in this one."
)
ROLES = {
    "teacher": "a teacher, trained on labelled images, made to label photographs for students",
    "student": "a student, trained on labels that a teacher predicted",
    "metric": "a metric model, trained on depth in metres",
}

SNIPPET = """\
import torch
from PIL import Image, ImageOps
from transformers import AutoImageProcessor, AutoModelForDepthEstimation, pipeline

name = {name}{remark}
# Upright, as its EXIF tag says.
image = ImageOps.exif_transpose(Image.open("photograph.jpg")).convert("RGB")

processor = AutoImageProcessor.from_pretrained(name)
model = AutoModelForDepthEstimation.from_pretrained(name)
with torch.inference_mode():
    outputs = model(**processor(images=image, return_tensors="pt"))
# {unit}
{quantity} = processor.post_process_depth_estimation(outputs, [image.size[::-1]])[0]["predicted_depth"]

# The same in one call:
{quantity} = pipeline("depth-estimation", model=name)(image)["predicted_depth"]
"""

# For adapters, which stock transformers leaves apart.
MERGED_NOTE = (
    "`depth_anything_hf[lora]` opens them with any release of transformers, and merges them, so that they predict as "
    "fast as a whole model; so do its commands:"
)
OWN_SNIPPET = """\
from depth_anything_hf import DepthPredictor

# {unit}
{quantity} = DepthPredictor.from_pretrained({name}).predict("photograph.jpg")
"""

CITATIONS = """\
@inproceedings{yang2024depthanythingv2,
  title = {Depth Anything V2},
  author = {Yang, Lihe and Kang, Bingyi and Huang, Zilong and Zhao, Zhen and Xu, Xiaogang and Feng, Jiashi and
            Zhao, Hengshuang},
  booktitle = {Advances in Neural Information Processing Systems}, year = {2024}
}
@article{oquab2024dinov2,
  title = {{DINOv2}: Learning Robust Visual Features without Supervision},
  author = {Oquab, Maxime and Darcet, Timoth{\\'e}e and Moutakanni, Th{\\'e}o and others},
  journal = {Transactions on Machine Learning Research}, year = {2024}
}
@inproceedings{ranftl2021dpt,
  title = {Vision Transformers for Dense Prediction},
  author = {Ranftl, Ren{\\'e} and Bochkovskiy, Alexey and Koltun, Vladlen},
  booktitle = {IEEE/CVF International Conference on Computer Vision}, year = {2021}
}
"""


def write_model_card(
    folder: str | Path,
    *,
    title: str,
    kind: Literal["relative", "metric"],
    role: Literal["teacher", "student", "metric"],
    lineage: Mapping[str, Any],
    training: Mapping[str, Any],
    results: Mapping[str, Mapping[str, Any]] | None = None,
    license: str | None = None,
    command: str | None = None,
    recipe: str | Path | None = None,
    repo_id: str | None = None,
    loss_curve: str | Path | None = None,
    picture_sheet: str | Path | None = None,
    adapter_base: str | None = None,
    gain_and_loss: Mapping[str, Mapping[str, float | None]] | None = None,
) -> Path:
    """Write `README.md` into a model folder, in the form the Hub reads, and `.eval_results/*.yaml`.

    The depth cap, the input size and the preprocessing come from `config.json` and `preprocessor_config.json` where
    the folder has them; the lineage is also written into `config.json`, which stock transformers keeps and ignores.
    What an older `README.md` holds between `<!-- keep -->` and `<!-- /keep -->` is kept; of one without
    these markers the whole text is kept. Local paths are reduced to their last part everywhere.

    Args:
        folder: folder that holds, or will hold, the saved model.
        title: heading and model name.
        kind: what the model predicts: "relative" (disparity) or "metric" (depth in metres).
        role: the model's part in a recipe: "teacher", "student" or "metric".
        lineage: "encoder", "initial_weights" and "teacher" (Hub ids, folders or plain words, or lists of them; each
            may come with "<name>_license" and "<name>_revision"), "labels" and "data" (a list of names or of
            {"name", "license", "revision", "note"}; labels in plain words beside a teacher are described by them
            only, see also `pseudo_labels.lineage.labels_lineage`). Other entries are listed too. Where `config.json`
            holds the lineage of the initial weights, it is kept in the new one as "parent".
        training: arguments that differ from the defaults, name to value.
        results: name of an evaluation set to {"metrics": {name: number}} and optionally "dataset" (Hub id), "split",
            "revision", "images" (how many), "protocol" (plain words) and "identifier" (of the protocol, "nyu@1").
        license: identifier or name, or "unknown"; None takes the one that meets the terms of code, initial weights,
            teacher, labels and data, and states that it is unknown where one of them is, or where there is none.
        command: command line that trained the model.
        recipe: YAML file that the run was started with, or its text.
        repo_id: where the model will be on the Hub; the snippet then names it.
        loss_curve: picture that is shown with the training.
        picture_sheet: picture of predictions that is shown with the results.
        adapter_base: of a folder of adapters alone: the model that they belong to, a Hub id or a folder.
        gain_and_loss: metric to its scores on held-out images of the new and the old domain, before training and after
            it: "new_before", "new_after", "old_before" and "old_after", None where there is none.

    Returns:
        The path of the card.

    Raises:
        ValueError: kind or role is unknown, `config.json` says that the model is of the other kind, or a license in
            the lineage contradicts that under which those weights are published.
    """
    folder = local_path(folder)
    if kind not in ("relative", "metric") or role not in ROLES:
        raise ValueError(
            f"kind must be 'relative' or 'metric', role one of {sorted(ROLES)}; got kind={kind!r}, role={role!r}"
        )
    config = _read_json(folder / "config.json")
    saved_kind = config.get("depth_estimation_type", kind)
    if saved_kind != kind:
        raise ValueError(
            f"{folder / 'config.json'} describes a {saved_kind} model, but the card is for a {kind} one; "
            f"give kind={saved_kind!r}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "README.md"
    earlier = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
    title, results = redact_text(title), published_results(results or {})
    lineage = add_published_licenses(lineage)
    found_license = model_license(license, lineage)
    card_data = _card_data(title, kind, role, lineage, results, found_license.name, (folder / "LICENSE").exists())
    if adapter_base is not None:
        card_data.library_name = "peft"
        if card_data.base_model is not None:
            card_data["base_model_relation"] = "adapter"
    training_rows = [(redact_text(str(name)), redact_text(_words(value))) for name, value in training.items()]
    training_parts = [
        table(("Argument", "Value"), training_rows) if training_rows else "Not recorded.",
        code_block(redact_command(command), "bash") if command else "",
        _recipe_text(recipe),
        _picture(folder, loss_curve, "Loss over the steps"),
    ]
    sections = [
        f"# {inline(title)}",
        f"A Depth Anything model: {ROLES[role]}. Made with `depth_anything_hf`.",
        "## What it predicts\n\n" + _output_text(kind, config) + "\n\n" + _input_text(folder),
        "## How to use it\n\n"
        + _adapter_text(adapter_base)
        + code_block(snippet(kind, repo_id or LOCAL_NAME, config), "python")
        + (
            f"\n\n{MERGED_NOTE}\n\n{code_block(own_snippet(kind, repo_id or LOCAL_NAME), 'python')}"
            if adapter_base
            else ""
        ),
        "## Lineage\n\n"
        + table(("Part", "Origin", "License", "Revision"), lineage_rows(lineage))
        + "\n\n"
        + (f"{TEACHER_NOTE}\n\n" if lineage.get("teacher") is not None else "")
        + inline(redact_text(found_license.sentences("this model"))),
        "## Training\n\n" + "\n\n".join(filter(None, training_parts)),
        "## Results\n\n"
        + (results_text(results) if results else "No evaluation is recorded.")
        + "".join(
            f"\n\n{text}"
            for text in (gain_and_loss_text(gain_and_loss or {}), _picture(folder, picture_sheet, "Predictions"))
            if text
        ),
        "## Versions\n\n" + table(("Package", "Version"), versions()),
        "## Citations\n\n" + _citations_text(lineage),
        kept_section(earlier),
    ]
    text = f"---\n{card_data.to_yaml()}\n---\n\n" + "\n\n".join(sections) + "\n"
    atomic_write(path, printable_text(text))
    write_evaluations(folder, results)
    write_lineage(folder / "config.json", config, lineage)
    return path


def snippet(
    kind: Literal["relative", "metric"], name: str = LOCAL_NAME, config: Mapping[str, Any] | None = None
) -> str:
    """Return Python code that runs the model `name` with stock transformers; it reads `photograph.jpg`.

    Args:
        kind: what the model predicts.
        name: Hub id or folder.
        config: of the model; its `depth_unit` is that of a metric model's output.
    """
    remark = "  # a local folder or a Hub id" if name == LOCAL_NAME else ""
    quantity, unit = ("depth", _metric_unit(config or {})) if kind == "metric" else ("disparity", RELATIVE_UNIT)
    return SNIPPET.format(name=python_text(name), remark=remark, quantity=quantity, unit=unit)


def own_snippet(kind: Literal["relative", "metric"], name: str) -> str:
    """Return Python code that runs the model `name` with this package; it reads `photograph.jpg`.

    Args:
        kind: what the model predicts.
        name: Hub id or folder.
    """
    quantity, unit = ("depth", "(H, W) metres") if kind == "metric" else ("disparity", RELATIVE_UNIT)
    return OWN_SNIPPET.format(name=python_text(name), quantity=quantity, unit=unit)


def _card_data(
    title: str,
    kind: str,
    role: str,
    lineage: Mapping[str, Any],
    results: Mapping[str, Mapping[str, Any]],
    license: str | None,
    has_license_file: bool,
) -> ModelCardData:
    # A teacher's weights are not in the model, and the Hub has no relation for it.
    teachers, bases = (
        [name for part in parts for name, _, _ in origins(lineage, part) if is_hub_id(name)]
        for parts in (["teacher"], [part for part in LICENSED_PARTS if part != "teacher"])
    )
    names = [entry["name"] for part in DATA_PARTS for entry in name_and_license_entries(lineage.get(part))]
    evaluations = [result for name, given in results.items() for result in evaluation_results(name, given)]
    fields = license_fields(license, has_license_file)
    if bases:
        fields.update(base_model=bases if len(bases) > 1 else bases[0], base_model_relation="finetune")
    if teachers:
        fields["teacher"] = teachers if len(teachers) > 1 else teachers[0]
    return ModelCardData(
        library_name="transformers",
        pipeline_tag="depth-estimation",
        tags=["depth", f"{kind} depth", "depth-anything", "depth_anything_hf", role],
        datasets=list(dict.fromkeys(name for name in names if is_hub_id(name))) or None,
        metrics=sorted({result.metric_type for result in evaluations}) or None,
        eval_results=evaluations or None,
        model_name=title if evaluations else None,
        **fields,
    )


def _metric_unit(config: Mapping[str, Any]) -> str:
    unit = config.get("depth_unit", "m")
    conversion = "" if unit == "m" else f"; divided by {UNITS_PER_METRE[unit]}: metres"
    return f"(H, W) {UNIT_NAMES[unit]}, larger = farther{conversion}"


def _output_text(kind: str, config: Mapping[str, Any]) -> str:
    if kind == "metric":
        unit = config.get("depth_unit", "m")
        cap = f", at most {config['max_depth']} {unit}" if config.get("max_depth") else ""
        if cap and unit != "m":
            cap += f" ({config['max_depth'] / UNITS_PER_METRE[unit]:g} m)"
        text = f"`predicted_depth` holds depth in {UNIT_NAMES[unit]} along the optical axis{cap}. Larger is farther."
        return (
            text if unit == "m" else f"{text} {UNIT_NOTE.format(unit=UNIT_NAMES[unit], units=UNITS_PER_METRE[unit])}"
        )
    return (
        "`predicted_depth` holds disparity: larger is nearer. It is affine-invariant: scale and shift are free, so "
        "values order the pixels of one image, do not compare across images, and are no distances."
    )


def _adapter_text(base: str | None) -> str:
    if not base:
        return ""
    where = (
        "These are loaded from the Hub."
        if is_hub_id(base)
        else "That is a folder: where it lies elsewhere, write its place or Hub id into `adapter_config.json`, as "
        "`base_model_name_or_path`."
    )
    return (
        f"These are adapters and a decoder alone: with `peft` installed, stock transformers (tested with 5.23) opens "
        f"them together with the weights of {code_span(redact_name(base))}. {where}\n\n"
    )


def _input_text(folder: Path) -> str:
    processor = _read_json(folder / "preprocessor_config.json")
    side = processor.get("size", {}).get("height")
    target = f"so that the shorter side of a photograph has about {side} pixels" if side else "to its configured size"
    preprocessing = ""
    if "image_mean" in processor and "image_std" in processor:
        resampling = RESAMPLINGS.get(processor.get("resample", -1), "configured")
        mean, std = (", ".join(f"{value:g}" for value in processor[key]) for key in ("image_mean", "image_std"))
        preprocessing = (
            f"\n\nPreprocessing, done by the image processor: {resampling} resampling, values from 0..255 to 0..1, "
            f"then per channel minus the mean ({mean}) and divided by the standard deviation ({std})."
        )
    return (
        f"Input: RGB images. The image processor resizes them {target}, keeps the aspect ratio, and rounds both sides "
        "to multiples of 14, the encoder's patch size. Other sizes run too, if both sides are multiples of 14."
        f"{preprocessing}"
    )


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_words(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ("; " if any(isinstance(each, Mapping) for each in value) else ", ").join(map(_words, value))
    return redact_name(value) if isinstance(value, str | Path) else str(value)


def _recipe_text(recipe: str | Path | None) -> str:
    if not recipe:
        return ""
    is_file = isinstance(recipe, Path) or ("\n" not in recipe and Path(recipe).is_file())
    text = Path(recipe).read_text(encoding="utf-8") if is_file else str(recipe)
    heading = f"Recipe {code_span(Path(recipe).name)}:" if is_file else "Recipe:"
    return f"{heading}\n\n{code_block(redact_recipe(text), 'yaml')}"


def _picture(folder: Path, picture: str | Path | None, title: str) -> str:
    """Copy a picture beside the card, where the Hub shows it, and return its Markdown."""
    if picture is None:
        return ""
    if not Path(picture).is_file():
        raise FileNotFoundError(
            f"{picture} does not exist, but the card shows it as {title.lower()!r}; give an existing picture or None"
        )
    place = folder / PICTURES_FOLDER / f"{slug(title)}{Path(picture).suffix}"
    if not (place.exists() and place.samefile(picture)):
        atomic_write(place, Path(picture).read_bytes())
    return f"![{title}]({PICTURES_FOLDER}/{place.name})"


def _citations_text(lineage: Mapping[str, Any]) -> str:
    cited = [
        redact_tokens(entry["citation"])
        for entry in name_and_license_entries(lineage.get("data"))
        if "citation" in entry
    ]
    return code_block("\n".join([CITATIONS.strip(), *cited]), "bibtex")


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
