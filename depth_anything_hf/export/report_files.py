# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The report of an export: JSON and Markdown beside the file, and a table in the card of its folder."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from ..hub.markdown import KEEP_START, code_span, inline, table
from ..utils.files import atomic_write, sha256_of_file
from .formats import Runner, weights_files
from .own_images import LEAST_CORRELATION, LEAST_ORDER, OwnImages
from .parity import Parity


JSON_SUFFIX, MARKDOWN_SUFFIX = ".parity.json", ".parity.md"
CARD_START, CARD_END = "<!-- exports -->", "<!-- /exports -->"
CARD_HEADING = (
    "File", "Precision", "Size", "Engine", "MiB", "Largest difference", "Mean difference", "Time to float32 here"
)  # fmt: skip


def report_paths(path: Path) -> tuple[Path, Path]:
    """Return where the report of an exported file lies: JSON and Markdown."""
    return path.with_name(path.name + JSON_SUFFIX), path.with_name(path.name + MARKDOWN_SUFFIX)


def is_own_export(path: Path) -> bool:
    """Return whether a file is one that an earlier call wrote, by the checksum in its report, unchanged since."""
    try:
        checksum = json.loads(report_paths(path)[0].read_text(encoding="utf-8"))["sha256"]
        return bool(checksum == sha256_of_file(path))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def report(path: Path, runner: Runner, parity: Parity, own: OwnImages | None, refusal: str | None) -> dict[str, Any]:
    """Return the report as JSON values.

    Args:
        path: of the exported file.
        runner: the file, opened.
        parity: what was found.
        own: what was found on pictures of the user's own.
        refusal: why the file should not be used.
    """
    megabytes = sum(each.stat().st_size for each in [path, *weights_files(path)] if each.is_file()) / 2**20
    ratio = None if parity.milliseconds is None else parity.milliseconds / parity.model_milliseconds
    return {
        "file": path.name,
        "sha256": sha256_of_file(path),
        "accepted": refusal is None,
        "refusal": refusal,
        "engine": runner.engine,
        "engine_version": runner.version,
        "mib": round(megabytes, 3),
        "largest": _finite(parity.largest),
        "mean": _finite(parity.mean),
        "float32_bound": parity.bound,
        "sizes": [
            {
                "name": each.name,
                "shape": list(each.shape),
                "largest": _finite(each.largest),
                "mean": _finite(each.mean),
                "error": each.error,
            }
            for each in parity.sizes
        ],
        "own_images": own
        and {
            "images": own.images,
            "largest": _finite(own.largest),
            "mean": _finite(own.mean),
            "order": _finite(own.order),
            "correlation": _finite(own.correlation),
            "least_order": LEAST_ORDER,
            "least_correlation": LEAST_CORRELATION,
        },
        "milliseconds": parity.milliseconds,
        "model_float32_milliseconds": parity.model_milliseconds,
        "time_to_model_float32": ratio,
        "threads": parity.threads,
        "memory_growth_mib": round(parity.memory_mib, 1),
        "metadata": runner.metadata,
    }


def write_report(path: Path, content: dict[str, Any]) -> None:
    """Write the report of an exported file beside it."""
    as_json, as_markdown = report_paths(path)
    atomic_write(as_json, json.dumps(content, indent=2, allow_nan=False) + "\n")
    atomic_write(as_markdown, _markdown(content))


def add_scores(path: Path, scores: dict[str, Any]) -> None:
    """Add scores on labelled images to the report of an exported file.

    Args:
        path: of the file.
        scores: "data", "images", and "model" and "file", metric -> mean.
    """
    content = json.loads(report_paths(path)[0].read_text(encoding="utf-8"))
    finite = {name: {metric: _finite(value) for metric, value in scores[name].items()} for name in ("model", "file")}
    write_report(path, {**content, "scores": {**scores, **finite}})


def add_to_card(folder: Path, content: dict[str, Any]) -> bool:
    """Add or replace a file's line in the card of the model folder that it lies in; return whether there is a card.

    The table stands outside the part of the card that is kept when a run writes its card again: its files are then
    those of earlier weights.
    """
    card = folder / "README.md"
    if not (card.is_file() and (folder / "config.json").is_file()):
        return False
    text = card.read_text(encoding="utf-8", errors="replace")
    found = re.search(f"{CARD_START}.*?{CARD_END}", text, flags=re.DOTALL)
    earlier = [line for line in (found[0].splitlines() if found else []) if line.startswith("| `")]
    lines = table(CARD_HEADING, [_card_row(content)]).splitlines()
    name = lines[-1].split(" | ")[0]
    rows = sorted([*(line for line in earlier if line.split(" | ")[0] != name), lines[-1]])
    block = "\n".join(
        [
            CARD_START,
            "## Exported files",
            "",
            "Differences to the model in float32 at sizes that were not used for the export, as a share of the range "
            "of its map.",
            "",
            *lines[:-1],
            *rows,
            CARD_END,
        ]
    )
    if found:
        text = text[: found.start()] + block + text[found.end() :]
    elif KEEP_START in text:
        start = text.index(KEEP_START)
        text = f"{text[:start].rstrip()}\n\n{block}\n\n{text[start:]}"
    else:
        text = f"{text.rstrip()}\n\n{block}\n"
    atomic_write(card, text)
    return True


def _card_row(content: dict[str, Any]) -> tuple[Any, ...]:
    metadata, ratio = content["metadata"], content["time_to_model_float32"]
    return (
        code_span(content["file"]),
        metadata["precision"],
        _size(metadata),
        f"{content['engine']} {content['engine_version']}",
        f"{content['mib']:.1f}",
        _share(content["largest"]),
        _share(content["mean"]),
        "-" if ratio is None else f"{ratio:.2f}",
    )


def _markdown(content: dict[str, Any]) -> str:
    metadata, ratio = content["metadata"], content["time_to_model_float32"]
    sizes = [
        (each["name"], "x".join(map(str, each["shape"])), _share(each["largest"]), _share(each["mean"]))
        for each in content["sizes"]
    ]
    time = "could not be run at the size that is timed"
    if ratio is not None:
        time = (
            f"{content['milliseconds']:.1f} ms, the model in float32 {content['model_float32_milliseconds']:.1f} ms "
            f"({ratio:.2f} of its time; threads: {content['threads']})"
        )
    verdict = "accepted" if content["accepted"] else f"refused, and kept by --force: {inline(content['refusal'])}"
    return "\n".join(
        [
            f"# {code_span(content['file'])} against its model",
            "",
            f"- Model: {code_span(metadata['model'])}, {metadata['prediction_kind']}"
            + (f" in {metadata['unit']}" if metadata["unit"] else ""),
            f"- Precision {metadata['precision']}, size {_size(metadata)}, run by {content['engine']} "
            f"{content['engine_version']}",
            f"- Result: {verdict}",
            f"- File: {content['mib']:.1f} MiB; memory by which the process grew: {content['memory_growth_mib']} MiB",
            f"- Time: {time}",
            *_own_images(content),
            *_scores(content),
            "",
            "Differences to the model in float32, as a share of the range of its map; none of the sizes was used for "
            "the export.",
            "",
            table(("Images", "Shape", "Largest", "Mean"), sizes),
            "",
        ]
    )


def _own_images(content: dict[str, Any]) -> list[str]:
    """Say how the file does on pictures of the user's own."""
    own, calibration = content["own_images"], content["metadata"]["calibration"]
    if own is None:
        return []
    source = inline(calibration["source"])
    skipped = f", {len(calibration['skipped'])} could not be read" if calibration["skipped"] else ""
    if own["order"] is None:
        return [f"- Own pictures: {own['images']} of {source}{skipped}; the model's maps of them are constant"]
    return [
        f"- Own pictures: {own['images']} of {source}, none of them used to calibrate{skipped}: largest difference "
        f"{_share(own['largest'])}, mean {_share(own['mean'])}, {own['order']:.2%} of pixel pairs in the order of the "
        f"model, correlation {own['correlation']:.5f}"
    ]


def _scores(content: dict[str, Any]) -> list[str]:
    """Say what model and file score on labelled images."""
    scores = content.get("scores")
    if scores is None:
        return []
    changes = [
        f"{metric} {_score(before)}, of the file {_score(scores['file'][metric])}"
        for metric, before in scores["model"].items()
    ]
    return [f"- Scores on {scores['images']} images of {inline(scores['data'])}: {'; '.join(changes)}"]


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _size(metadata: dict[str, Any]) -> str:
    return "free" if metadata["size"] is None else "x".join(map(str, metadata["size"]))


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}"


def _finite(value: float | None) -> float | None:
    """JSON has no infinity; where a file fails, its report says why in words."""
    return value if value is not None and math.isfinite(value) else None
