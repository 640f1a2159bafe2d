# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint is known by its files, and engines say what they do not take."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_predictors import tiny_dpt, tiny_model
from torch import nn

from depth_anything_hf.inference.engine_source import ModelSource, find_source
from depth_anything_hf.inference.prediction_folder import describe_model


def source_of(folder: Path) -> ModelSource:
    found = find_source(str(folder), {})
    assert isinstance(found, ModelSource)
    return found


def test_a_folder_is_known_by_the_content_of_its_files(checkpoint: Path, tmp_path: Path) -> None:
    first = source_of(checkpoint).identity()
    copy = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    (copy / "README.md").write_text("other files do not count")
    assert source_of(copy).identity() == first
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    changed = source_of(copy).identity()
    assert changed != first
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "interpolate_offset": 0.1}))
    assert source_of(copy).identity() != changed


def test_files_of_an_export_beside_the_weights_do_not_count(checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(checkpoint, tmp_path / "model"))
    alone, described = source_of(folder).identity(), describe_model(str(folder), None)
    for name in ("openvino_model.xml", "openvino_model.bin", "model.onnx", "model.onnx.parity.json"):
        (folder / name).write_bytes(b"exported")
    assert source_of(folder).identity() == alone
    assert describe_model(str(folder), None) == described
    # A file of weights that PyTorch opens.
    (folder / "pytorch_model.bin").write_bytes(b"weights")
    assert source_of(folder).identity() != alone and describe_model(str(folder), None) != described


@pytest.mark.parametrize("is_stated", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_precision_is_the_configurations_else_that_of_the_tensors(
    dtype: torch.dtype, is_stated: bool, tmp_path: Path
) -> None:
    model = tiny_model()
    nn.Module.to(model, dtype)
    model.save_pretrained(tmp_path)
    if not is_stated:
        config = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "dtype"}))
    assert source_of(tmp_path).stored_precision() == str(dtype).removeprefix("torch.")


def test_the_precision_of_shards_is_that_of_all_of_them(tmp_path: Path) -> None:
    nn.Module.to(tiny_model(), torch.bfloat16).save_pretrained(tmp_path, max_shard_size="50KB")
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "dtype"}))
    shards = sorted(tmp_path.glob("*.safetensors"))
    assert len(shards) > 1 and source_of(tmp_path).stored_precision() == "bfloat16"
    save_file({"weight": torch.zeros(1)}, shards[0])
    assert source_of(tmp_path).stored_precision() == "mixed"
    shards[0].unlink()
    assert source_of(tmp_path).stored_precision() == "unknown"


def test_what_engines_do_not_take_is_named(checkpoint: Path, tmp_path: Path) -> None:
    assert "not found" in str(find_source(str(tmp_path / "nothing"), {}))
    assert "no config.json" in str(find_source(str(tmp_path), {}))
    (tmp_path / "adapter_config.json").write_text("{}")
    assert "merge" in str(find_source(str(tmp_path), {}))
    shutil.copyfile(checkpoint / "config.json", tmp_path / "config.json")
    assert "adapters beside a model, merge" in str(find_source(str(tmp_path), {}))
    (tmp_path / "adapter_config.json").unlink()
    (tmp_path / "config.json").write_text("[]")
    assert "damaged" in str(find_source(str(tmp_path), {}))
    tiny_dpt().save_pretrained(tmp_path / "dpt")
    assert "'dpt'" in str(find_source(str(tmp_path / "dpt"), {}))
    config = json.loads((checkpoint / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "x"}}))
    assert "quantized" in str(find_source(str(tmp_path), {}))
