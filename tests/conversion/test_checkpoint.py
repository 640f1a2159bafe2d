# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Checkpoint files that are refused: damaged ones, other content, and code, which is never run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from original_checkpoints import CHECKPOINT, HEADS, assert_same_tensors, saved
from safetensors.torch import save_file
from torch import Tensor

from depth_anything_hf.conversion.checkpoint import read_original
from depth_anything_hf.conversion.original import convert_original


def test_other_files_are_refused(tiny_state: dict[str, Tensor], tmp_path: Path) -> None:
    contents: dict[str, tuple[Any, str]] = {
        "other_model": ({"conv.weight": torch.zeros(1)}, "expected blocks .* is this a checkpoint of Depth Anything"),
        "list": ([1, 2], "expected a state dict of named tensors, got a list"),
        "empty": ({}, "expected a state dict of named tensors, got nothing"),
        "numbers": ({"a": torch.zeros(1), "b": 2}, "expected tensors only, but b are not"),
        "integers": (
            {**tiny_state, "pretrained.norm.bias": torch.zeros(48, dtype=torch.int8)},
            "expected tensors in float32, float16 or bfloat16, found int8; .* before they are quantized",
        ),
        "zoe": ({"core.core.pretrained.cls_token": torch.zeros(1)}, "expected blocks .* names of ZoeDepth"),
        "stock": ({"backbone.embeddings.cls_token": torch.zeros(1)}, "expected blocks .* opens without conversion"),
        "encoder": ({"blocks.0.norm1.weight": torch.zeros(1)}, "expected blocks .* DINOv2 encoder without a decoder"),
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "pointer of Git LFS.*git lfs pull"),
        ("<!DOCTYPE html>\n<html>Sign in</html>", "web page, not a PyTorch checkpoint.*/resolve/main/"),
        ("\ufeff\n <HTML><body></body></html>", "web page"),
        ('{"error": "Invalid username or password."}', "is text"),
        ("Entry not found", "truncated or damaged, or not a PyTorch checkpoint"),
        ("", "truncated or damaged"),
    ],
)
def test_a_download_of_something_else_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"a.pth: .*{message}"):
        convert_original(tmp_path / "a.pth", tmp_path / "model")


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is a folder, expected a checkpoint file; give the checkpoint file in it"):
        convert_original(tmp_path, tmp_path / "model")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"is a model folder already, .*--to_original"):
        convert_original(tmp_path, tmp_path / "model")


@pytest.mark.parametrize(
    ("keys", "prefix"),
    [
        ((), "model."),
        (("state_dict",), "model."),
        (("state_dict",), "net._orig_mod."),
        (("model_ema",), ""),
        (("ema_state_dict",), "module."),
        (("ema", "module"), ""),
    ],
)
def test_the_only_weights_are_found(
    keys: tuple[str, ...], prefix: str, tiny_state: dict[str, Tensor], tmp_path: Path
) -> None:
    content: Any = {prefix + name: tensor for name, tensor in tiny_state.items()}
    if prefix == "module.":
        content["n_averaged"] = torch.tensor(3)
    for key in reversed(keys):
        content = {key: content, "epoch": 3, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}}
    assert_same_tensors(read_original(saved(content, tmp_path / "in.pth")).state, tiny_state)


def test_of_several_weights_one_is_to_be_named(tiny_state: dict[str, Tensor], tmp_path: Path) -> None:
    averaged = {name: tensor + 1 for name, tensor in tiny_state.items()}
    file = saved({"model": tiny_state, "model_ema": averaged}, tmp_path / "two.pth")
    with pytest.raises(ValueError, match=r"two.pth: holds several sets of weights: model, model_ema; .*--weights"):
        read_original(file)
    assert_same_tensors(read_original(file, "model_ema").state, averaged)
    both = {f"student.{name}": tensor for name, tensor in tiny_state.items()}
    both |= {f"teacher.{name}": tensor for name, tensor in averaged.items()}
    file = saved({"state_dict": both}, tmp_path / "pair.pth")
    with pytest.raises(ValueError, match=r"state_dict\.student, state_dict\.teacher"):
        read_original(file)
    assert_same_tensors(read_original(file, "state_dict.teacher").state, averaged)
    with pytest.raises(ValueError, match=r"no weights 'ema' in it, it holds state_dict\.student"):
        read_original(file, "ema")
    file = saved(tiny_state | {f"ema.{name}": tensor for name, tensor in averaged.items()}, tmp_path / "flat.pth")
    assert_same_tensors(read_original(file, "").state, tiny_state)
    assert_same_tensors(read_original(file, "ema").state, averaged)


def test_safetensors_files_are_read_too(tiny_state: dict[str, Tensor], tmp_path: Path) -> None:
    save_file(tiny_state, tmp_path / "in.safetensors")
    assert_same_tensors(read_original(tmp_path / "in.safetensors").state, tiny_state)


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
