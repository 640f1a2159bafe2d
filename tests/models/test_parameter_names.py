# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`load_state_dict` takes the names of files and of every release, whatever is around the model."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from model_gradients import tiny_model
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers.trainer_utils import load_sharded_checkpoint

from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.models.parameter_names import accept_all_names


KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "swiglu": {"encoder": {"use_swiglu_ffn": True}},
    "registers": {"registers": 3},
    "registers_swiglu": {"registers": 3, "encoder": {"use_swiglu_ffn": True}},
}
PUBLISHED_QUERY = "backbone.encoder.layer.{}.attention.attention.query.weight"
LATER_QUERY = "backbone.encoder.layer.{}.attention.q_proj.weight"


def with_later_names(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors by the names that transformers 5.23 has in memory; written out, apart from the package's."""
    names = {
        "attention.attention.query": "attention.q_proj",
        "attention.attention.key": "attention.k_proj",
        "attention.attention.value": "attention.v_proj",
        "attention.output.dense": "attention.o_proj",
        "mlp.weights_out": "mlp.down_proj",
    }
    later: dict[str, Tensor] = {}
    for key, value in published.items():
        if "mlp.weights_in" in key:
            later[key.replace("weights_in", "gate_proj")], later[key.replace("weights_in", "up_proj")] = value.chunk(2)
            continue
        for old, new in names.items():
            key = key.replace(old, new)
        later[key] = value
    return later


def saved(model: DepthAnythingForDepthEstimation, folder: Path) -> dict[str, Tensor]:
    model.save_pretrained(folder)
    return load_file(folder / "model.safetensors")


def assert_same(state: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert state.keys() == expected.keys()
    assert [name for name, value in expected.items() if not torch.equal(state[name], value)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_both_spellings_load_strictly(tmp_path: Path, kind: str) -> None:
    model = tiny_model(**KINDS[kind])
    published = saved(model, tmp_path)
    assert PUBLISHED_QUERY.format(0) in published
    later = with_later_names(published)
    assert LATER_QUERY.format(0) in later and PUBLISHED_QUERY.format(0) not in later
    # transformers' own translation has made the file; the memory has one of the two spellings.
    assert model.state_dict().keys() in (published.keys(), later.keys())
    for state in (published, later):
        given = dict(state)
        other = tiny_model(seed=1, **KINDS[kind])
        other.load_state_dict(given)
        assert_same(other.state_dict(), model.state_dict())
        assert given.keys() == state.keys(), "the caller's dict was changed"
        encoder = tiny_model(seed=1, **KINDS[kind]).backbone
        encoder.load_state_dict(
            {key.removeprefix("backbone."): value for key, value in state.items() if key.startswith("backbone.")}
        )
        assert_same(encoder.state_dict(), model.backbone.state_dict())


@pytest.mark.parametrize("kind", ["plain", "swiglu"])
def test_layers_may_have_names_of_different_releases(tmp_path: Path, kind: str) -> None:
    model = tiny_model(**KINDS[kind])
    published = saved(model, tmp_path)
    mixed = {key: value for key, value in published.items() if ".layer.1." not in key}
    mixed |= {key: value for key, value in with_later_names(published).items() if ".layer.1." in key}
    other = tiny_model(seed=1, **KINDS[kind])
    other.load_state_dict(mixed)
    assert_same(other.state_dict(), model.state_dict())


def test_sharded_files_and_half_precision_load(tmp_path: Path) -> None:
    model = tiny_model(**KINDS["swiglu"])
    model.save_pretrained(tmp_path, max_shard_size="150KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    other = tiny_model(seed=1, **KINDS["swiglu"])
    load_sharded_checkpoint(other, str(tmp_path), strict=False)
    assert_same(other.state_dict(), model.state_dict())
    half = saved(model.to(torch.bfloat16), tmp_path / "half")
    assert half[PUBLISHED_QUERY.format(0)].dtype == torch.bfloat16
    other = tiny_model(seed=1, **KINDS["swiglu"])
    other.load_state_dict(half)
    assert_same(other.state_dict(), {name: value.float() for name, value in model.state_dict().items()})


def test_assigned_tensors_own_their_memory(tmp_path: Path) -> None:
    published = saved(tiny_model(**KINDS["swiglu"]), tmp_path)
    for state in (published, with_later_names(published)):
        other = tiny_model(seed=1, **KINDS["swiglu"])
        other.load_state_dict({name: value.clone() for name, value in state.items()}, assign=True)
        for name, parameter in other.named_parameters():
            assert parameter.untyped_storage().nbytes() == parameter.nbytes, name
        assert_same(saved(other, tmp_path / "again"), published)
        frozen = [name for name, parameter in other.named_parameters() if not parameter.requires_grad]
        assert "backbone.embeddings.mask_token" in frozen


def test_copies_and_wrappers_keep_it(tmp_path: Path) -> None:
    model = tiny_model()
    published = saved(model, tmp_path)
    original = tiny_model(seed=1)
    copied, pickled = copy.deepcopy(original), pickle.loads(pickle.dumps(original))
    # The copies must not ask the model that they were made of.
    del original
    for other in (copied, pickled):
        other.load_state_dict(published)
        assert_same(other.state_dict(), model.state_dict())
    wrapped = nn.DataParallel(tiny_model(seed=1))
    wrapped.load_state_dict({f"module.{key}": value for key, value in published.items()})
    assert_same(wrapped.module.state_dict(), model.state_dict())
    compiled = torch.compile(tiny_model(seed=1))
    compiled.load_state_dict({f"_orig_mod.{key}": value for key, value in published.items()})
    assert_same(compiled._orig_mod.state_dict(), model.state_dict())


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    model = tiny_model(**KINDS["swiglu"])
    published = saved(model, tmp_path)
    own = LATER_QUERY if LATER_QUERY.format(0) in model.state_dict() else PUBLISHED_QUERY
    state = dict(published)
    del state[PUBLISHED_QUERY.format(1)]
    state["backbone.encoder.layer.0.attention.attention.weight"] = torch.zeros(2)
    with pytest.raises(RuntimeError) as error:
        model.load_state_dict(state)
    assert f'Missing key(s) in state_dict: "{own.format(1)}"' in str(error.value)
    assert 'Unexpected key(s) in state_dict: "backbone.encoder.layer.0.attention.attention.weight"' in str(error.value)
    # A tensor by both names: neither wins silently.
    foreign = PUBLISHED_QUERY if own == LATER_QUERY else LATER_QUERY
    state = {**published, **with_later_names(published)}
    result = model.load_state_dict(state, strict=False)
    assert result.missing_keys == [] and foreign.format(0) in result.unexpected_keys
    # Three rows cannot be halves of two layers.
    state = {**published, "backbone.encoder.layer.0.mlp.weights_in.bias": torch.zeros(3)}
    with pytest.raises(RuntimeError, match=r"layer\.0\.mlp\.(gate_proj|weights_in)\.bias"):
        model.load_state_dict(state)


class PublishedLayer(nn.Module):
    """The modules that an encoder layer has up to transformers 5.17, as far as they were renamed."""

    def __init__(self) -> None:
        super().__init__()
        attention = {name: nn.Linear(4, 4) for name in ("query", "key", "value")}
        self.attention = nn.ModuleDict(
            {"attention": nn.ModuleDict(attention), "output": nn.ModuleDict({"dense": nn.Linear(4, 4)})}
        )
        self.mlp = nn.ModuleDict({"weights_in": nn.Linear(4, 6), "weights_out": nn.Linear(3, 4)})


def test_an_encoder_of_an_earlier_release_takes_later_names() -> None:
    def encoder() -> nn.Module:
        module = nn.Module()
        module.encoder = nn.Module()
        module.encoder.layer = nn.ModuleList([PublishedLayer(), PublishedLayer()])
        accept_all_names(module)
        return module

    first, second = encoder(), encoder()
    later = with_later_names(first.state_dict())
    assert "encoder.layer.1.mlp.up_proj.bias" in later and not later.keys() & first.state_dict().keys()
    second.load_state_dict(later)
    assert_same(second.state_dict(), first.state_dict())
    # Half of a layer makes no whole one.
    del later["encoder.layer.0.mlp.up_proj.weight"]
    result = second.load_state_dict(later, strict=False)
    assert result.missing_keys == ["encoder.layer.0.mlp.weights_in.weight"]
    assert result.unexpected_keys == ["encoder.layer.0.mlp.gate_proj.weight"]


def test_adapters_are_renamed_with_their_layer() -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(target_modules=["q_proj", "query", "o_proj", "dense"])
    model, other = (peft.get_peft_model(tiny_model(seed=seed), config) for seed in (0, 1))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    state = model.state_dict()
    published = {
        key.replace("attention.q_proj", "attention.attention.query").replace(
            "attention.o_proj", "attention.output.dense"
        ): value
        for key, value in state.items()
    }
    other.load_state_dict(published)
    assert_same(other.state_dict(), state)
