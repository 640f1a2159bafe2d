# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Model cards: what a model predicts, where it comes from, how it was trained and how well it does."""

from __future__ import annotations

import json
import math
import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import EvalResult, ModelCardData
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from .metrics import METRICS


KEEP_START, KEEP_END = "<!-- keep -->", "<!-- /keep -->"
OWN_SECTION = "<!-- Text between the two keep markers is yours: it survives when the card is written again. -->"
PACKAGES = ("depth_anything_hf", "transformers", "torch", "datasets", "accelerate", "huggingface_hub")

# Identifiers of huggingface.co/docs/hub/repositories-licenses that weights and data come under. Another name is
# written as `other` with a `license_name`, which the Hub takes as well.
HUB_LICENSES = frozenset(
    """apache-2.0 mit isc bsd-2-clause bsd-3-clause mpl-2.0 gpl-2.0 gpl-3.0 lgpl-2.1 lgpl-3.0 agpl-3.0 unlicense c-uda
    openrail openrail++ cc0-1.0 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nd-4.0 cc-by-nc-3.0 cc-by-nc-4.0
    cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 odbl odc-by pddl cdla-permissive-2.0""".split()
)

ROLES = {
    "teacher": "a teacher, trained on labelled images, made to label photographs for students",
    "student": "a student, trained on labels that a teacher predicted",
    "metric": "a metric model, trained on depth in metres",
}

SNIPPET = """\
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForDepthEstimation, pipeline

name = "{name}"  # a local folder or a Hub id
image = Image.open("photograph.jpg").convert("RGB")

processor = AutoImageProcessor.from_pretrained(name)
model = AutoModelForDepthEstimation.from_pretrained(name)
with torch.inference_mode():
    outputs = model(**processor(images=image, return_tensors="pt"))
size = (image.height, image.width)
# {unit}
{quantity} = processor.post_process_depth_estimation(outputs, target_sizes=[size])[0]["predicted_depth"]

# The same in one call:
{quantity} = pipeline("depth-estimation", model=name)(image)["predicted_depth"]
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
) -> Path:
    """Writes `README.md` into a model folder, in the form the Hub reads.

    The depth cap and the input size come from `config.json` and `preprocessor_config.json` where the folder has them.
    What an older `README.md` holds between `<!-- keep -->` and `<!-- /keep -->` is kept; one without these markers was
    written by hand and its text is kept whole.

    Args:
        folder: folder that holds, or will hold, the saved model.
        title: heading and model name.
        kind: "relative" (disparity) or "metric" (metres).
        role: part the model plays in a recipe.
        lineage: "encoder" and "teacher" (Hub ids, folders or plain words; each may come with "<name>_license" and
            "<name>_revision"), "labels" (plain words), "data" (a list of names or of
            {"name", "license", "revision", "note"}). Other entries are listed too. Of a local folder only the last
            part of the path is printed.
        training: arguments that differ from the defaults, name to value.
        results: name of an evaluation set to {"metrics": {name: number}} and optionally "dataset" (Hub id), "split",
            "revision", "images" (how many) and "protocol" (plain words).
        license: identifier or name; None or "unknown" is said as unknown.
        command: command line that trained the model.

    Returns:
        The path of the card.

    Raises:
        ValueError: kind or role is unknown, or `config.json` says that the model is of the other kind.
    """
    folder = Path(folder)
    if kind not in ("relative", "metric") or role not in ROLES:
        raise ValueError(f"expected kind 'relative' or 'metric' and role in {sorted(ROLES)}, got {kind!r}, {role!r}")
    config = _read_json(folder / "config.json")
    saved_kind = config.get("depth_estimation_type", kind)
    if saved_kind != kind:
        raise ValueError(f"{folder / 'config.json'} describes a {saved_kind} model, but the card is for a {kind} one")
    path = folder / "README.md"
    own = _own_text(path.read_text(encoding="utf-8")) if path.exists() else f"\n{OWN_SECTION}\n"
    card_data = _card_data(title, kind, role, lineage, results or {}, license, (folder / "LICENSE").exists())
    sections = [
        f"# {title}",
        f"A Depth Anything model: {ROLES[role]}. Made with `depth_anything_hf`.",
        "## What it predicts\n\n" + _output_text(kind, config) + "\n\n" + _input_text(folder),
        "## How to use it\n\n" + _code(snippet(kind), "python"),
        "## Lineage\n\n" + _table(("Part", "Origin", "License", "Revision"), _lineage_rows(lineage)) + "\n\n"
        f"License of this model: {_license_text(license)}",
        "## Training\n\n"
        + (_table(("Argument", "Value"), list(training.items())) if training else "Not recorded.")
        + (f"\n\n{_code(command, 'bash')}" if command else ""),
        "## Results\n\n" + (_results_text(results) if results else "No evaluation is recorded."),
        "## Versions\n\n" + _table(("Package", "Version"), _versions()),
        "## Citations\n\n" + _code(CITATIONS, "bibtex"),
        f"{KEEP_START}{own}{KEEP_END}",
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\n{card_data.to_yaml()}\n---\n\n" + "\n\n".join(sections) + "\n", encoding="utf-8")
    return path


def snippet(kind: Literal["relative", "metric"], name: str = "path/to/this/model") -> str:
    """Python code that runs the model `name` with stock transformers; it reads `photograph.jpg`."""
    if kind == "metric":
        return SNIPPET.format(name=name, quantity="depth", unit="(H, W) metres, larger = farther")
    return SNIPPET.format(name=name, quantity="disparity", unit="(H, W), larger = nearer")


def is_hub_id(name: object) -> bool:
    """Whether `name` reads as `owner/name` on the Hub and is no folder or file here. Nothing is looked up."""
    if not isinstance(name, str) or name.count("/") != 1 or Path(name).exists():
        return False
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def _card_data(
    title: str,
    kind: str,
    role: str,
    lineage: Mapping[str, Any],
    results: Mapping[str, Mapping[str, Any]],
    license: str | None,
    has_license_file: bool,
) -> ModelCardData:
    bases = [lineage[part] for part in ("encoder", "teacher") if is_hub_id(lineage.get(part))]
    names = [entry["name"] for entry in _data_entries(lineage)]
    evaluations = [result for name, given in results.items() for result in _evaluations(name, given)]
    fields: dict[str, Any] = {}
    if license and license != "unknown":
        is_listed = license.lower() in HUB_LICENSES
        fields["license"] = license.lower() if is_listed else "other"
        if not is_listed:
            fields["license_name"] = _slug(license)
            fields["license_link"] = "LICENSE" if has_license_file else None
    if bases:
        fields.update(base_model=bases if len(bases) > 1 else bases[0], base_model_relation="finetune")
    return ModelCardData(
        library_name="transformers",
        pipeline_tag="depth-estimation",
        tags=["depth", f"{kind} depth", "depth-anything", "depth_anything_hf", role],
        datasets=[name for name in names if is_hub_id(name)] or None,
        metrics=sorted({result.metric_type for result in evaluations}) or None,
        eval_results=evaluations or None,
        model_name=title if evaluations else None,
        **fields,
    )


def _evaluations(name: str, given: Mapping[str, Any]) -> list[EvalResult]:
    return [
        EvalResult(
            task_type="depth-estimation",
            dataset_type=given.get("dataset") or _slug(name),
            dataset_name=name,
            dataset_split=given.get("split"),
            dataset_revision=given.get("revision"),
            metric_type=metric,
            metric_name=metric,
            metric_value=round(float(value), 6),
        )
        for metric, value in given["metrics"].items()
        if math.isfinite(value)
    ]


def _results_text(results: Mapping[str, Mapping[str, Any]]) -> str:
    metrics = list(dict.fromkeys(metric for given in results.values() for metric in given["metrics"]))
    rows = []
    for name, given in results.items():
        numbers = [given["metrics"].get(metric, math.nan) for metric in metrics]
        rows.append((name, given.get("images", ""), *(f"{n:.4f}" if math.isfinite(n) else "-" for n in numbers)))
    table = _table(("Evaluation set", "Images", *map(_with_direction, metrics)), rows)
    protocols = [f"- {name}: {given['protocol']}" for name, given in results.items() if given.get("protocol")]
    meanings = [f"- `{name}`: {METRICS[name].description}" for name in metrics if name in METRICS]
    return "\n\n".join([table, *("\n".join(lines) for lines in (protocols, meanings) if lines)])


def _with_direction(metric: str) -> str:
    return f"{metric} {'↑' if METRICS[metric].higher_is_better else '↓'}" if metric in METRICS else metric


def _output_text(kind: str, config: Mapping[str, Any]) -> str:
    if kind == "metric":
        cap = f", at most {config['max_depth']} m" if config.get("max_depth") else ""
        return f"`predicted_depth` holds depth in metres along the optical axis{cap}. Larger is farther."
    return (
        "`predicted_depth` holds disparity: larger is nearer. It is affine-invariant: scale and shift are free, so "
        "values order the pixels of one image, do not compare across images, and are no distances."
    )


def _input_text(folder: Path) -> str:
    side = _read_json(folder / "preprocessor_config.json").get("size", {}).get("height")
    target = f"so that the shorter side of a photograph has about {side} pixels" if side else "to its configured size"
    return (
        f"Input: RGB images. The image processor resizes them {target}, keeps the aspect ratio, and rounds both sides "
        "to multiples of 14, the encoder's patch size. Other sizes run too, if both sides are multiples of 14."
    )


def _lineage_rows(lineage: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    rows = []
    for part, origin in lineage.items():
        if part == "data" or part.endswith(("_license", "_revision")) or origin is None:
            continue
        known = (lineage.get(f"{part}_license"), lineage.get(f"{part}_revision"))
        needs_license = part in ("encoder", "teacher")
        rows.append((part, _origin(origin), known[0] or ("unknown" if needs_license else ""), known[1] or ""))
    for entry in _data_entries(lineage):
        origin = " ".join(filter(None, [_origin(entry["name"]), entry.get("note")]))
        rows.append(("data", origin, entry.get("license") or "unknown", entry.get("revision") or ""))
    return rows or [("", "not recorded", "unknown", "")]


def _data_entries(lineage: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    given = lineage.get("data") or []
    entries: Sequence[Any] = [given] if isinstance(given, (str, Path, Mapping)) else given
    return [entry if isinstance(entry, Mapping) else {"name": str(entry)} for entry in entries]


def _origin(name: Any) -> str:
    """The Hub id, or only the last part of a local path, else the words themselves."""
    text = str(name)
    if is_hub_id(text):
        return f"`{text}`"
    is_path = Path(text).is_absolute() or text.startswith((".", "~")) or ("/" in text and Path(text).exists())
    return f"`{Path(text).name}` (local)" if is_path else text


def _license_text(license: str | None) -> str:
    if license and license != "unknown":
        return f"{license}. The licenses of the encoder, the teacher and the data above may limit its use further."
    return (
        "unknown. The encoder's, the teacher's and the data's licenses apply; settle it before you publish the model."
    )


def _own_text(card: str) -> str:
    kept = re.findall(f"{KEEP_START}(.*?)(?:{KEEP_END}|\\Z)", card, flags=re.DOTALL)
    if kept:
        return "".join(kept)
    body = re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL).strip()
    return f"\n{body}\n"


def _versions() -> list[tuple[str, str]]:
    found = [("python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return found


def _table(heading: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return re.sub(r"\s+", " ", str(value)).replace("|", "\\|")


def _code(text: str, language: str) -> str:
    return f"```{language}\n{text.strip()}\n```"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-") or "unnamed"


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
