# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Where labels come from: a folder's `provenance.json`, the teacher in it, and whether a run continues another."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

from ..data.rows import INVERSE_METRES, UNIT_COLUMN
from ..export.formats import weights_files
from ..inference.engine_source import is_weights_file
from ..utils.files import create_file, sha256_of_file
from ..utils.outputs import check_folder, refuse_to_replace
from ..utils.paths import local_path
from ..version import __version__
from .shards import SHARD_PATTERN, foreign_shards


if TYPE_CHECKING:
    from ..inference.predictor import DepthPredictor
    from ..inference.sky_segmentation import SkySegmenter

logger = logging.getLogger(__name__)

PROVENANCE_FILE = "provenance.json"
AUTO_ENCODING = "auto"
# Each shard's footer says which version made it; another one continues the run.
VERSION_KEY = "package_version"
# Parts that models have in labels, by their keys in the provenance.
SCALE_TEACHER, SKY_TEACHER = "scale_teacher", "sky_teacher"
TEACHERS = ("teacher", SCALE_TEACHER, SKY_TEACHER)
# The record of any run has some of these.
_KEYS = {"teacher", VERSION_KEY, "images", "shard_size", "input_shards", "store_images", "encoding"}

# Keys of older files and what they are called now.
_RENAMED_KEYS: dict[str, str] = {"kind": "prediction_kind"}
# What older files do not say, because there was nothing else.
_ALWAYS_SO: dict[str, Any] = {"engine": "torch"}


def describe_teacher(predictor: DepthPredictor, name_or_path: str | os.PathLike[str]) -> dict[str, Any]:
    """Describe what decides the labels on the teacher's side; no dates, no local paths.

    Args:
        predictor: the teacher as it will label.
        name_or_path: where it was loaded from: an id on the Hub, a folder, or an exported file, whose teacher is the
            model that it was exported from.

    Returns:
        For `label_images(provenance=...)`: teacher (Hub id or folder name), revision (commit on the Hub, None for a
        folder), weights_sha256 (per file, those of adapters' base as base/FILE; None where the Hub's files are not in
        the local cache), prediction_kind, input_size, flip_averaging, precision, engine, package_version.
    """
    folder = local_path(name_or_path)
    made_by = {
        "prediction_kind": predictor.prediction_kind,
        "input_size": predictor.input_size,
        "flip_averaging": predictor.flip_averaging,
        "precision": predictor.precision,
        "engine": predictor.engine,
        "package_version": __version__,
    }
    if folder.is_file():
        beside = [path for path in (folder, *weights_files(folder)) if path.is_file()]
        metadata = predictor.model.runner.metadata
        return {
            "teacher": metadata["model"],
            "revision": metadata["model_commit"],
            "weights_sha256": {path.name: sha256_of_file(path) for path in beside},
            **made_by,
        }
    name, revision, hashes = _describe_model(predictor.model, name_or_path)
    return {"teacher": name, "revision": revision, "weights_sha256": hashes, **made_by}


def describe_scale_teacher(predictor: DepthPredictor, name_or_path: str | os.PathLike[str]) -> dict[str, Any]:
    """Describe the teacher whose scale labels get: what `describe_teacher` tells, with keys that begin with its name.

    Returns:
        scale_teacher (Hub id or folder name), scale_teacher_revision, scale_teacher_weights_sha256 and so on.
    """
    described = describe_teacher(predictor, name_or_path)
    told = {key: value for key, value in described.items() if key not in ("teacher", VERSION_KEY)}
    return {SCALE_TEACHER: described["teacher"], **{f"{SCALE_TEACHER}_{key}": value for key, value in told.items()}}


def describe_sky_teacher(segmenter: SkySegmenter, name_or_path: str | os.PathLike[str]) -> dict[str, Any]:
    """Describe the model that finds the sky, as `describe_teacher` does a teacher.

    Returns:
        sky_teacher (Hub id or folder name), sky_teacher_revision, sky_teacher_weights_sha256, sky_teacher_precision.
    """
    name, revision, hashes = _describe_model(segmenter.model, name_or_path)
    told = {"revision": revision, "weights_sha256": hashes, "precision": segmenter.precision}
    return {SKY_TEACHER: name, **{f"{SKY_TEACHER}_{key}": value for key, value in told.items()}}


def teachers_of(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return the part that each model had in labels -> its name: "teacher", "scale_teacher", "sky_teacher"."""
    return {part: provenance[part] for part in TEACHERS if provenance.get(part)}


def _describe_model(model: Any, name_or_path: str | os.PathLike[str]) -> tuple[str, str | None, dict[str, str] | None]:
    """Return name, commit on the Hub, and hashes of the weights of a model that is no exported file."""
    folder = local_path(name_or_path)
    is_local = folder.is_dir()
    revision = None if is_local else getattr(model.config, "_commit_hash", None)
    name = folder.resolve().name if is_local else os.fspath(name_or_path)
    return name, revision, _weight_hashes(_local_folder(os.fspath(folder if is_local else name_or_path), revision))


def read_provenance(folder: Path) -> dict[str, Any]:
    """Return what `provenance.json` of a folder of labels says, under today's keys; {} where there is none.

    Raises:
        ValueError: the file is damaged.
    """
    path = folder / PROVENANCE_FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"got {type(found).__name__}")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged, expected one JSON object ({error}); get it from a copy of the labels, or label into "
            "another folder"
        ) from error
    return under_todays_keys(found)


def under_todays_keys(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return a provenance with the keys of older versions renamed."""
    return {_RENAMED_KEYS.get(key, key): value for key, value in provenance.items()}


def encoding_of_run(there: Mapping[str, Any], prediction_kind: str) -> str:
    """Return the code of the labels, by the provenance that is `there` ({}: a new run), else by the teacher's output.

    Depth in metres spans a large ratio. In the linear code of 1 / depth, a pixel at 1 mm would leave the depth of
    those at 20 m an error of 15 %; in the logarithmic one the relative error is the same near and far.
    """
    if there:
        return str(there.get("encoding", "linear"))
    return "log" if prediction_kind == "depth" else "linear"


def unit_of_run(there: Mapping[str, Any], prediction_kind: str) -> dict[str, str]:
    """Return the entry `disparity_unit` of labels that hold metres; {} for others, and of a run begun without it."""
    is_told = UNIT_COLUMN in there if there else prediction_kind == "depth"
    return {UNIT_COLUMN: INVERSE_METRES} if is_told else {}


def footer_differences(footer: Mapping[str, Any], run: Mapping[str, Any]) -> list[str]:
    """Return where the provenance in a shard's footer contradicts that of a run, e.g. "teacher: 'a' there, 'b' here".

    Entries that only one of them has and versions of the package contradict nothing.
    """
    footer = under_todays_keys(footer)
    footer = {**_ALWAYS_SO, **footer} if footer else footer
    shared = sorted((footer.keys() & run.keys()) - {VERSION_KEY})
    return [f"{key}: {footer[key]!r} there, {run[key]!r} here" for key in shared if footer[key] != run[key]]


def check_labels_folder(folder: Path) -> None:
    """Check that labels can be written into a folder, which need not exist yet, without replacing the user's files.

    Raises:
        ValueError: the folder holds labels of unknown origin, or another `provenance.json`.
        FileExistsError: files of the user's have the names of shards.
        OSError: no folder can be made there, or it takes no files.
    """
    check_folder(folder)
    path = folder / PROVENANCE_FILE
    there = read_provenance(folder)
    if there and not there.keys() & _KEYS:
        raise ValueError(f"{path} is not the record of a run of labels; choose another output folder")
    if not path.exists() and any(folder.glob(SHARD_PATTERN)) and not path.exists():
        raise ValueError(
            f"{folder} holds labels without a {PROVENANCE_FILE}, so their origin is unknown; choose another output "
            "folder"
        )
    refuse_to_replace(foreign_shards(folder), "move them away, or choose another output folder")


def claim_folder(folder: Path, provenance: dict[str, Any]) -> None:
    """Write `provenance.json` into a new folder of labels, or check that an older one is of a run like this.

    Another version of the package may continue a run, with a warning.

    Raises:
        ValueError: the folder holds labels of another run.
    """
    path = folder / PROVENANCE_FILE
    # Of two runs that begin at once one writes it, and the other one compares itself with it.
    text = json.dumps(provenance, indent=2, sort_keys=True) + "\n"
    if not create_file(path, text):
        _check_same_run(folder, read_provenance(folder), json.loads(text))


def _check_same_run(folder: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    there = {**_ALWAYS_SO, **there} if "engine" in here else there
    different = [
        f"{key}: {there.get(key)!r} there, {here.get(key)!r} now"
        for key in sorted((there.keys() | here.keys()) - {VERSION_KEY})
        if there.get(key) != here.get(key)
    ]
    if different:
        raise ValueError(
            f"{folder} holds the labels of a run with other settings ({'; '.join(different)}); choose another folder, "
            "or repeat the earlier settings to resume that run"
        )
    if there.get(VERSION_KEY) != here.get(VERSION_KEY):
        logger.warning(
            "%s was begun with depth_anything_hf %s and goes on with %s; each shard's footer names its own",
            folder,
            there.get(VERSION_KEY, "of an unknown version"),
            here.get(VERSION_KEY, "an unknown one"),
        )


def _weight_hashes(folder: Path | None) -> dict[str, str] | None:
    if folder is None:
        return None
    # Whoever checks or pushes labels needs no torch.
    from ..models.adapters import find_adapters

    weights = sorted(path for path in folder.iterdir() if is_weights_file(path) and path.is_file())
    hashes = {path.name: sha256_of_file(path) for path in weights}
    adapters = find_adapters(folder, {})
    if adapters is not None:
        of_base = _weight_hashes(_local_folder(adapters.base, adapters.base_revision))
        hashes |= {f"base/{name}": digest for name, digest in (of_base or {}).items()}
    return hashes


def _local_folder(name: str, revision: str | None) -> Path | None:
    """Return where the files of a model lie on this machine."""
    if os.path.isdir(name):
        return Path(name)
    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, ValueError):
        # Another cache folder, or not a name on the Hub at all.
        return None
