# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The checkpoint that an engine's model is made from: which model it is, by its files, without PyTorch."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..models.hub_files import ADAPTER_CONFIG_FILE, HUB_OPTIONS, commit_in, hub_file
from ..utils.files import sha256_of_file


CONFIG_FILE = "config.json"
WEIGHT_SUFFIXES = (".safetensors", ".bin")
# How safetensors names precisions.
STORED_PRECISIONS = {"F32": "float32", "BF16": "bfloat16", "F16": "float16", "F64": "float64"}
# Longer ones are damaged.
LARGEST_HEADER = 100 * 2**20


class ConversionError(ValueError):
    """A model that an engine does not take, or computes wrongly."""


@dataclass(frozen=True)
class ModelSource:
    """A whole Depth Anything model on disk or on the Hub.

    Attributes:
        name: folder, or model id on the Hub.
        hub: options with which its files are opened, `revision` being a commit.
        commit: on the Hub; None for a folder.
        config: content of its configuration file.
        config_path: where that lies on this machine.
    """

    name: str
    hub: Mapping[str, Any]
    commit: str | None
    config: Mapping[str, Any]
    config_path: Path

    def stored_precision(self) -> str:
        """Return the precision that the checkpoint is opened in: its configuration's, else that of its tensors."""
        stated = self.config.get("dtype") or self.config.get("torch_dtype")
        if isinstance(stated, str):
            return stated.removeprefix("torch.")
        whole = self._find("model.safetensors")
        paths = [whole] if whole is not None else self._find_shards()
        found = {_precision_in(path) for path in paths}
        return found.pop() if len(found) == 1 else "mixed" if found else "unknown"

    def _find(self, file: str) -> Path | None:
        if self.commit is not None:
            found = hub_file(self.name, file, self.hub)
            return None if found is None else Path(found)
        path = self.config_path.with_name(file)
        return path if path.is_file() else None

    def _find_shards(self) -> list[Path]:
        """Return the files that an index of weights names; none where one is missing, or there is no index."""
        index = self._find("model.safetensors.index.json")
        try:
            names = [] if index is None else sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
            paths = [self._find(name) for name in names]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []
        return [] if None in paths else [path for path in paths if path is not None]

    def identity(self) -> dict[str, Any]:
        """Return by what its weights are known: the commit on the Hub, or the content of the folder's files."""
        if self.commit is not None:
            return {"model": self.name, "commit": self.commit}
        folder = self.config_path.parent
        files = sorted(
            path
            for path in folder.iterdir()
            if is_weights_file(path) or path.name == CONFIG_FILE or path.name.endswith(".index.json")
        )
        return {"files": {path.name: sha256_of_file(path) for path in files if path.is_file()}}


def is_weights_file(path: Path) -> bool:
    """Return whether a file of a model's folder holds its weights, by its name; files of an export there do not."""
    return path.suffix in WEIGHT_SUFFIXES and not (path.suffix == ".bin" and path.with_suffix(".xml").exists())


def find_source(name: str, options: Mapping[str, Any]) -> ModelSource | str:
    """Find the model of a name; a text says why engines do not take it.

    Args:
        name: model id on the Hub, or a folder.
        options: of `from_pretrained`; those of the Hub are used.
    """
    hub = {key: options[key] for key in HUB_OPTIONS if key in options}
    path: Path | None
    if os.path.isdir(name):
        commit, path = None, Path(name, CONFIG_FILE)
        path = path if path.is_file() else None
        has_adapters = Path(name, ADAPTER_CONFIG_FILE).is_file()
        missing = f"it has no {CONFIG_FILE}"
    else:
        is_on_hub = not os.path.exists(name)
        found = hub_file(name, CONFIG_FILE, hub) if is_on_hub else None
        commit, path = commit_in(found), None if found is None else Path(found)
        if commit is not None:
            hub["revision"] = commit
        has_adapters = is_on_hub and hub_file(name, ADAPTER_CONFIG_FILE, hub) is not None
        missing = f"its {CONFIG_FILE} is not found"
    if has_adapters:
        # Beside a whole model, too, transformers adds them to the base that they name, which may change.
        return f"it is adapters {'alone' if path is None else 'beside a model'}, merge them first"
    if path is None:
        return missing
    if commit is None and not os.path.isdir(name):
        return "its commit on the Hub is not known"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        model_type = config.get("model_type")
    except (OSError, ValueError, AttributeError):
        return f"its {CONFIG_FILE} is damaged"
    if model_type != "depth_anything":
        return f"it is a {model_type!r} model, engines run Depth Anything models; export others by their own library"
    if config.get("quantization_config") is not None:
        return "its weights are quantized"
    return ModelSource(name, hub, commit, config, path)


def digest_of(values: Any) -> str:
    """Return the checksum of JSON values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _precision_in(path: Path) -> str:
    """Return the precision of the tensors of a file; "mixed" for several, "unknown" where it cannot be read."""
    try:
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            tensors = json.loads(file.read(length)) if length <= LARGEST_HEADER else {}
        names = {tensor["dtype"] for name, tensor in tensors.items() if name != "__metadata__"}
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError):
        return "unknown"
    return STORED_PRECISIONS.get(names.pop(), "unknown") if len(names) == 1 else "mixed"
