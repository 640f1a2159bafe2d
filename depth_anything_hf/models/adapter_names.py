# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Names of layers in folders of adapters, which are those of the transformers release that the adapters come from.

Weights of models have the published names in files, and transformers translates them. Those of adapters it does not:
peft finds no layer of such a name, since transformers renamed the modules of DINOv2, after 5.17.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import Dinov2Config, Dinov2Model

from .hub_files import ADAPTER_CONFIG_FILE
from .parameter_names import HALVES, LATER_NAMES, WHOLE


CONFIG_FILE, WEIGHTS_FILE = ADAPTER_CONFIG_FILE, "adapter_model.safetensors"
# Fields of peft's configurations that have names of layers, as lists or as keys.
LISTS, PATTERNS = ("target_modules", "exclude_modules"), ("rank_pattern", "alpha_pattern")


@contextmanager
def own_adapter_names(name: Any) -> Iterator[Any]:
    """Context manager: gives a folder of adapters whose names are those of the installed release of transformers.

    Args:
        name: what `from_pretrained` got; anything but a local folder of adapters is given back as it is.

    Raises:
        ValueError: the adapters are on layers that the installed release has divided or joined, or are named by a
            pattern.
    """
    folder = Path(name) if isinstance(name, str | os.PathLike) else None
    if folder is None or not all((folder / each).is_file() for each in (CONFIG_FILE, WEIGHTS_FILE)):
        yield name
        return
    config = json.loads((folder / CONFIG_FILE).read_text())
    translated = _translate_config(config, folder)
    tensors = load_file(folder / WEIGHTS_FILE)
    renamed = {_translate_inside(key): value for key, value in tensors.items()}
    if translated == config and list(renamed) == list(tensors):
        yield name
        return
    with TemporaryDirectory() as place:
        (Path(place) / CONFIG_FILE).write_text(json.dumps(translated))
        save_file(renamed, Path(place) / WEIGHTS_FILE, metadata={"format": "pt"})
        yield place


@cache
def _renamed() -> dict[str, str]:
    """Return the names of modules in other releases -> in the installed one."""
    with torch.device("meta"):
        layer = Dinov2Model(Dinov2Config(hidden_size=8, num_attention_heads=1, num_hidden_layers=1)).encoder.layer[0]
    own = {name for name, _ in layer.named_modules()}
    is_later = LATER_NAMES["attention.attention.query"] in own
    return {
        (published if is_later else later): (later if is_later else published)
        for published, later in LATER_NAMES.items()
    }


def _divided() -> tuple[str, ...]:
    """Return the modules of other releases that the installed one has divided or joined."""
    return (WHOLE,) if "attention.attention.query" in _renamed() else HALVES


def _translate_config(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    translated = dict(config)
    for field in LISTS:
        names = config.get(field)
        if isinstance(names, list):
            for name in names:
                if any(_ends_with(name, each) or _ends_with(each, name) for each in _divided()):
                    raise ValueError(
                        f"{folder} has adapters on {name}, which the installed release of transformers has "
                        f"{'divided' if _divided() == (WHOLE,) else 'joined'}; open them with the release that they "
                        "come from, and merge them there (peft: merge_and_unload)"
                    )
            translated[field] = [_translate_name(name) for name in names]
        elif isinstance(names, str) and any(other.rsplit(".", 1)[-1] in names for other in _renamed()):
            raise ValueError(
                f"{folder}/{CONFIG_FILE} has {field} {names!r}, a pattern with names of another release of "
                f"transformers; write it with those of the installed one: {', '.join(_renamed().values())}"
            )
    for field in PATTERNS:
        if isinstance(config.get(field), dict):
            translated[field] = {_translate_name(name): value for name, value in config[field].items()}
    return translated


def _translate_name(name: str) -> str:
    """Translate the last words of a module's name, e.g. "query" or "encoder.layer.3.attention.attention.query"."""
    for other, own in _renamed().items():
        if _ends_with(name, other):
            return name.removesuffix(other) + own
        if _ends_with(other, name):
            return own if "." in name else own.rsplit(".", 1)[1]
    return name


def _translate_inside(key: str) -> str:
    """Translate the module in the name of an adapter's tensor."""
    if ".encoder.layer." in key:
        for other, own in _renamed().items():
            if f".{other}." in key:
                return key.replace(f".{other}.", f".{own}.")
    return key


def _ends_with(name: str, words: str) -> bool:
    return f".{name}".endswith(f".{words}")


__all__ = ["own_adapter_names"]
