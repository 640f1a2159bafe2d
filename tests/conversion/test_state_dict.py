# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The tensors of the authors' checkpoints: names, shapes, and files that are refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from original_checkpoints import CHECKPOINT, HEADS, saved
from torch import Tensor

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation
from depth_anything_hf.conversion.original import convert_original
from depth_anything_hf.conversion.state_dict import (
    check_tensors,
    config_of_original,
    original_shapes,
    original_to_stock,
    published_size,
    stock_to_original,
)
from depth_anything_hf.models.configuration_depth_anything import PUBLISHED_SIZES


def test_the_shapes_are_those_of_the_authors_file(tiny_state: dict[str, Tensor]) -> None:
    config = config_of_original(tiny_state, **HEADS)
    assert original_shapes(config) == {name: tuple(tensor.shape) for name, tensor in tiny_state.items()}


@pytest.mark.parametrize("size", PUBLISHED_SIZES)
def test_published_sizes_are_recognised_and_every_name_comes_back(size: Any) -> None:
    shapes = original_shapes(DepthAnythingConfig.from_size(size))
    state = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    layers: Any
    for layers in ("v1", "v2"):
        config = config_of_original(state, feature_layers=layers)
        assert config.to_dict() == DepthAnythingConfig.from_size(size, feature_layers=layers).to_dict()
    assert published_size(config) == size
    stock = original_to_stock(state)
    with torch.device("meta"):
        model = DepthAnythingForDepthEstimation(config)
    assert sum(map(torch.numel, stock.values())) == sum(map(torch.numel, model.parameters()))
    back = stock_to_original(stock)
    assert back.keys() == state.keys()
    check_tensors(back, shapes)


def test_tensors_that_do_not_fit_are_listed_in_one_error(tiny_state: dict[str, Tensor], tmp_path: Path) -> None:
    state = dict(tiny_state)
    for name in [name for name in state if name.startswith("pretrained.blocks.3.")]:
        del state[name]
    state["pretrained.blocks.3.norm1.weight"] = torch.zeros(48)
    state["pretrained.register_tokens"] = torch.zeros(1, 4, 48)
    state["depth_head.projects.1.bias"] = torch.zeros(25)
    with pytest.raises(ValueError, match="the tensors do not fit the model") as caught:
        convert_original(saved(state, tmp_path / "in.pth"), tmp_path / "model", **HEADS)
    message = str(caught.value)
    assert "in.pth: the tensors do not fit the model. 13 missing: pretrained.blocks.3.norm1.bias, " in message
    assert "and 3 more. 1 unknown: pretrained.register_tokens. " in message
    assert "1 of another shape: depth_head.projects.1.bias (25,) instead of (24,)" in message
    assert not (tmp_path / "model").exists()


def test_unknown_names_are_refused_both_ways() -> None:
    for convert in (original_to_stock, stock_to_original):
        with pytest.raises(ValueError, match=r"12 unknown tensors, .*: a0, a1, .*a9 and 2 more"):
            convert({f"a{number}": torch.zeros(1) for number in range(12)})
    query = "backbone.encoder.layer.0.attention.attention.query.weight"
    with pytest.raises(ValueError, match=r"query.weight has no counterpart .*key.weight, .*value.weight"):
        stock_to_original({query: torch.zeros(2, 2)})


def test_other_files_are_refused(tiny_state: dict[str, Tensor], tmp_path: Path) -> None:
    contents: dict[str, tuple[Any, str]] = {
        "other_model": ({"conv.weight": torch.zeros(1)}, "expected blocks .* is this a checkpoint of Depth Anything"),
        "list": ([1, 2], "expected named tensors, found a list"),
        "empty": ({}, "expected named tensors, found nothing"),
        "numbers": ({"a": torch.zeros(1), "b": 2}, "expected tensors only, but b are none"),
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
