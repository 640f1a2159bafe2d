# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Folders of adapters from another release of transformers: opened, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from depth_anything_hf import DepthAnythingForDepthEstimation
from depth_anything_hf.models.adapter_names import own_adapter_names
from depth_anything_hf.models.parameter_names import HALVES, LATER_NAMES, WHOLE


peft = pytest.importorskip("peft")


def other_release(model: nn.Module) -> dict[str, str]:
    """Names of the installed release -> of the other one."""
    is_later = any(name.endswith(".q_proj") for name, _ in model.named_modules())
    return {later: published for published, later in LATER_NAMES.items()} if is_later else LATER_NAMES


def predict(model: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.eval()(pixel_values=torch.ones(1, 3, 56, 56)).predicted_depth
    return found


@pytest.fixture
def adapters(tmp_path: Path, make_tiny_model: Any) -> tuple[Path, torch.Tensor, dict[str, str]]:
    """A folder of adapters with the names of the installed release, what they predict, and `other_release`."""
    make_tiny_model().save_pretrained(tmp_path / "base")
    model = DepthAnythingForDepthEstimation.from_pretrained(tmp_path / "base")
    names = other_release(model)
    own = [name.rsplit(".", 1)[1] for name in names if name.startswith("attention.")]
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=own, modules_to_save=["neck", "head"]))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.3)
    adapted.save_pretrained(tmp_path / "own")
    return tmp_path / "own", predict(adapted), names


def renamed(folder: Path, names: dict[str, str], **changes: Any) -> Path:
    config = json.loads((folder / "adapter_config.json").read_text())
    leaves = {own.rsplit(".", 1)[1]: other.rsplit(".", 1)[1] for own, other in names.items()}
    config["target_modules"] = [leaves[name] for name in config["target_modules"]]
    tensors = {}
    for key, value in load_file(folder / "adapter_model.safetensors").items():
        for own, other in names.items():
            key = key.replace(f".{own}.", f".{other}.")
        tensors[key] = value
    other_folder = folder.parent / "other"
    other_folder.mkdir()
    (other_folder / "adapter_config.json").write_text(json.dumps({**config, **changes}))
    save_file(tensors, other_folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return other_folder


def test_names_of_another_release_are_understood(adapters):
    folder, expected, names = adapters
    other = renamed(folder, names)
    assert (other / "adapter_model.safetensors").read_bytes() != (folder / "adapter_model.safetensors").read_bytes()
    base = DepthAnythingForDepthEstimation.from_pretrained(folder.parent / "base")
    assert not torch.allclose(predict(base), expected, rtol=1e-3)
    for place in (folder, other):
        assert torch.equal(predict(DepthAnythingForDepthEstimation.from_pretrained(place)), expected)
    # The files stay as they are; a run's state is translated by the model itself.
    assert json.loads((other / "adapter_config.json").read_text())["target_modules"] != []
    with own_adapter_names(folder) as same, own_adapter_names(str(other)) as translated:
        assert same == folder and translated != str(other)
    assert not Path(translated).exists()


def test_the_state_of_a_run_with_adapters_has_the_names_of_any_release(adapters):
    folder, expected, names = adapters
    model = DepthAnythingForDepthEstimation.from_pretrained(folder)
    state = {}
    for key, value in model.state_dict().items():
        for own, other in names.items():
            key = key.replace(f".{own}.", f".{other}.")
        state[key] = value.clone()
    assert sum("lora_A" in key and key not in model.state_dict() for key in state) == 16
    again = DepthAnythingForDepthEstimation.from_pretrained(folder)
    for name, parameter in again.named_parameters():
        if "lora_B" in name:
            nn.init.zeros_(parameter)
    again.load_state_dict(state)
    assert torch.equal(predict(again), expected)


def test_what_cannot_be_translated_is_refused_by_name(adapters):
    folder, _, names = adapters
    is_later = "attention.q_proj" in names
    divided = WHOLE if is_later else HALVES[0]
    other = renamed(folder, names, target_modules=[divided.rsplit(".", 1)[1]])
    with pytest.raises(ValueError, match=f"has adapters on {divided.rsplit('.', 1)[1]}, which the installed release"):
        DepthAnythingForDepthEstimation.from_pretrained(other)
    config = json.loads((other / "adapter_config.json").read_text())
    leaf = next(iter(names.values())).rsplit(".", 1)[1]
    (other / "adapter_config.json").write_text(json.dumps({**config, "target_modules": rf".*\.{leaf}"}))
    with pytest.raises(ValueError, match="a pattern with names of another release of transformers"):
        DepthAnythingForDepthEstimation.from_pretrained(other)
