# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Checkpoint files that are refused: damaged ones, other content, and code, which is never run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from original_checkpoints import CHECKPOINT, HEADS, saved
from torch import Tensor

from depth_anything_hf.conversion.original import convert_original


def test_other_files_are_refused(tiny_state: dict[str, Tensor], tmp_path: Path) -> None:
    contents: dict[str, tuple[Any, str]] = {
        "other_model": ({"conv.weight": torch.zeros(1)}, "expected blocks .* is this a checkpoint of Depth Anything"),
        "list": ([1, 2], "expected a state dict of named tensors, got a list"),
        "empty": ({}, "expected a state dict of named tensors, got nothing"),
        "numbers": ({"a": torch.zeros(1), "b": 2}, "expected tensors only, but b are not"),
        "mixed": ({**tiny_state, "pretrained.norm.bias": torch.zeros(48).half()}, "expected one floating-point dtype"),
        "no_decoder": (
            {name: tensor for name, tensor in tiny_state.items() if name.startswith("pretrained.")},
            "depth_head.projects.0.weight is missing",
        ),
        "gap": (
            {name: tensor for name, tensor in tiny_state.items() if ".blocks.5." not in name},
            r"expected blocks pretrained.blocks.0 to N, found \[0, 1, 2, 3, 4, 6",
        ),
    }
    for name, (content, message) in contents.items():
        with pytest.raises(ValueError, match=f"{name}.pth: {message}"):
            convert_original(saved(content, tmp_path / f"{name}.pth"), tmp_path / "model", **HEADS)
    with pytest.raises(FileNotFoundError, match=r"nowhere.pth: no such checkpoint"):
        convert_original(tmp_path / "nowhere.pth", tmp_path / "model")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_truncated_files_are_refused(share: float, tmp_path: Path) -> None:
    whole = CHECKPOINT.read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ValueError, match=r"cut.pth: the file is truncated or damaged, .*download it again"):
        convert_original(tmp_path / "cut.pth", tmp_path / "model", **HEADS)
    assert not (tmp_path / "model").exists()


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pointer.pth").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(
        ValueError, match=r"pointer.pth: the file is truncated or damaged, or not a PyTorch checkpoint"
    ):
        convert_original(tmp_path / "pointer.pth", tmp_path / "model")


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


class Harmless:
    """An object of a class that the reader does not know."""


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("kind", ["code", "object", "plain_pickle"])
def test_code_in_a_file_is_refused_and_not_executed(kind: str, legacy: bool, tmp_path: Path) -> None:
    trap = Trap(tmp_path / "executed")
    if kind == "plain_pickle":
        (tmp_path / "in.pth").write_bytes(pickle.dumps({"model": trap}, protocol=2 if legacy else None))
    else:
        content = {"model": {"a": torch.zeros(1)}, "extra": trap if kind == "code" else Harmless()}
        torch.save(content, tmp_path / "in.pth", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ValueError, match=r"in.pth: refused, because .*nothing was executed"):
        convert_original(tmp_path / "in.pth", tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["in.pth"]
