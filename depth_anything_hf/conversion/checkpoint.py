# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Read the tensors of an authors' checkpoint (`.pth`) without running code that the file may contain."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .state_dict import State, summarize_names


def read_original(checkpoint: Path) -> State:
    """Read the tensors of a checkpoint without running code that the file may contain.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or holds something else than named tensors.
    """
    if not checkpoint.is_file():
        raise FileNotFoundError(f"{checkpoint}: no such checkpoint file; check the path")
    loaded = _read_without_code(checkpoint)
    for wrapper in ("model", "state_dict"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapper), Mapping):
            loaded = loaded[wrapper]
    if not isinstance(loaded, Mapping) or not loaded:
        raise ValueError(f"{checkpoint}: expected a state dict of named tensors, got {_describe_content(loaded)}")
    others = [str(name) for name, value in loaded.items() if not isinstance(value, Tensor)]
    if others:
        raise ValueError(
            f"{checkpoint}: expected tensors only, but {summarize_names(others)} are not; save the state_dict alone"
        )
    state = {str(name): tensor for name, tensor in loaded.items()}
    if all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return state


def _read_without_code(checkpoint: Path) -> Any:
    with open(checkpoint, "rb") as file:
        start = file.read(4)
    damaged = f"{checkpoint}: the file is truncated or damaged, or not a PyTorch checkpoint; download it again"
    if start == b"PK\x03\x04" and not zipfile.is_zipfile(checkpoint):
        raise ValueError(damaged)
    try:
        return torch.load(checkpoint, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # PyTorch's own files use pickle protocol 2. Its message advises to execute the file and is not repeated here.
        is_plain_pickle = start[:1] == b"\x80" and start[1:2] > b"\x02"
        code = re.search(r"GLOBAL (\S+)|unrecognized function|unsupported class", str(error))
        if code is None and not is_plain_pickle:
            raise ValueError(damaged) from error
        raise ValueError(
            f"{checkpoint}: refused, because it holds more than tensors, and reading that could run code"
            f"{f' ({code[1]})' if code and code[1] else ''}; nothing was executed. If you trust its origin, load it "
            "with the code it comes from and save only the tensors: torch.save(model.state_dict(), path)"
        ) from error
    except Exception as error:
        # Which exception a damaged archive raises depends on where it was cut.
        raise ValueError(f"{damaged} ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _describe_content(loaded: Any) -> str:
    return "nothing" if loaded is None or loaded == {} else f"a {type(loaded).__name__}"
