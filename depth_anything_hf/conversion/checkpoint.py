# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Read the tensors of an authors' checkpoint (`.pth`) without running code that the file may contain."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor

from .state_dict import State, summarize_names


# A tensor that every checkpoint of Depth Anything has, with the prefix that a training may have put before it.
FIRST_BLOCK = re.compile(r"((?:[^.]+\.)*?)pretrained\.blocks\.0\.norm1\.weight")
# Keys that may lead to the tensors, one within the other.
DEEPEST_WRAPPER = 3


class OriginalWeights(NamedTuple):
    """Tensors under the authors' names, and whether scores of metric depth lie beside them."""

    state: State
    was_trained_metric: bool


def read_original(checkpoint: Path, weights: str | None = None) -> OriginalWeights:
    """Read the tensors of a checkpoint without running code that the file may contain.

    They may lie at the top of the file or within it ("model", "state_dict", "ema"), and their names may have a prefix
    ("module." of DataParallel, "model." of Lightning, "_orig_mod." of torch.compile), which is removed.

    Args:
        checkpoint: `.pth`, `.pt`, `.ckpt` or `.bin` of PyTorch, or `.safetensors`.
        weights: which ones, of a file with several sets, by the keys and the prefix that lead to them ("model_ema",
            "state_dict.student"); None takes the only ones.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, holds something else than named tensors, or several sets of them.
    """
    if checkpoint.is_dir():
        advice = (
            "it is a model folder already, which opens as it is (back to a .pth of the original code: --to_original)"
            if (checkpoint / "config.json").is_file()
            else "give the checkpoint file in it"
        )
        raise ValueError(f"{checkpoint} is a folder, expected a checkpoint file; {advice}")
    if not checkpoint.is_file():
        raise FileNotFoundError(f"{checkpoint}: no such checkpoint file; check the path")
    loaded = _read_without_code(checkpoint)
    best = loaded.get("previous_best") if isinstance(loaded, Mapping) else None
    was_trained_metric = isinstance(best, Mapping) and "abs_rel" in best
    sets = dict(_weight_sets(loaded, ()))
    if weights is not None and weights not in sets:
        known = ", ".join(sorted(filter(None, sets))) or "only one set of them"
        raise ValueError(f"{checkpoint}: no weights {weights!r} in it, it holds {known}")
    if len(sets) > 1 and weights is None:
        raise ValueError(
            f"{checkpoint}: holds several sets of weights: {', '.join(name or 'those at its top' for name in sets)}; "
            f"say which with --weights (weights={next(filter(None, sets))!r})"
        )
    if sets:
        return OriginalWeights(sets[next(iter(sets)) if weights is None else weights], was_trained_metric)
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
    return OriginalWeights({str(name): tensor for name, tensor in loaded.items()}, was_trained_metric)


def _weight_sets(content: Any, keys: tuple[str, ...]) -> Iterator[tuple[str, State]]:
    """Find mappings of tensors of Depth Anything, one for each prefix; yields (keys and prefix, tensors)."""
    if not isinstance(content, Mapping):
        return
    tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    prefixes = dict.fromkeys(match[1] for name in tensors if (match := FIRST_BLOCK.fullmatch(name)))
    for prefix in prefixes:
        # What else there is, is refused later by its name, except a count of `torch.optim.swa_utils.AveragedModel`.
        own = {
            name.removeprefix(prefix): tensor
            for name, tensor in tensors.items()
            if (len(prefixes) == 1 or _longest(prefixes, name) == prefix) and name != "n_averaged"
        }
        # Of several sets each is known by its prefix; the only one at a place by the place alone.
        words = (*keys, prefix.rstrip(".")) if len(prefixes) > 1 else keys
        yield ".".join(word for word in words if word), own
    for key, value in content.items():
        if len(keys) < DEEPEST_WRAPPER:
            yield from _weight_sets(value, (*keys, str(key)))


def _longest(prefixes: Iterable[str], name: str) -> str | None:
    return max((prefix for prefix in prefixes if name.startswith(prefix)), key=len, default=None)


def _read_without_code(checkpoint: Path) -> Any:
    with open(checkpoint, "rb") as file:
        head = file.read(1024)
    start = head[:4]
    _refuse_other_files(checkpoint, head)
    damaged = f"{checkpoint}: the file is truncated or damaged, or not a PyTorch checkpoint; download it again"
    if start == b"PK\x03\x04" and not zipfile.is_zipfile(checkpoint):
        raise ValueError(damaged)
    try:
        if checkpoint.suffix.lower() == ".safetensors":
            return load_file(checkpoint)
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


def _refuse_other_files(checkpoint: Path, head: bytes) -> None:
    """Refuse what is mistaken for a checkpoint after a download that went wrong, by its name."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise ValueError(
            f"{checkpoint}: is a web page, not a PyTorch checkpoint: its address was that of a page about the file; "
            "download the file itself (on the Hub: /resolve/main/ in place of /blob/main/)"
        )
    if text.startswith(b"version https://git-lfs"):
        raise ValueError(
            f"{checkpoint}: is a pointer of Git LFS, not a PyTorch checkpoint; fetch the file itself with "
            "`git lfs pull`, or download it"
        )
    if text.startswith((b"{", b"[")):
        raise ValueError(
            f"{checkpoint}: is text, not a PyTorch checkpoint (a server's error message, perhaps); download it again"
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _describe_content(loaded: Any) -> str:
    return "nothing" if loaded is None or loaded == {} else f"a {type(loaded).__name__}"
