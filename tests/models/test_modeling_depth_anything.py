# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the model computes: features, hidden states, patch tokens, precision, devices, saved files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from model_gradients import (
    KINDS,
    METRIC,
    NEVER_USED,
    encoder_config,
    frozen,
    labels_for,
    pixels,
    tiny_model,
    trainable,
)
from transformers import DepthAnythingConfig as StockConfig
from transformers import DepthAnythingForDepthEstimation as StockModel
from transformers import Dinov2Model, Dinov2WithRegistersModel

from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.models.outputs import DepthAnythingOutput


def count_layers(model: DepthAnythingForDepthEstimation, **options: Any) -> Counter[int]:
    calls: Counter[int] = Counter()
    hooks = [
        layer.register_forward_hook(lambda *_, index=index: calls.update([index]))
        for index, layer in enumerate(model.backbone.encoder.layer)
    ]
    with torch.inference_mode():
        model(pixels(), **options)
    for hook in hooks:
        hook.remove()
    return calls


def test_layers_after_the_last_of_out_indices_run_only_for_patch_tokens() -> None:
    model = tiny_model(encoder={"num_hidden_layers": 6}, out_indices=[1, 2, 3, 4]).eval()
    assert count_layers(model) == dict.fromkeys(range(4), 1)
    assert count_layers(model, output_hidden_states=True) == dict.fromkeys(range(4), 1)
    assert count_layers(model, output_patch_tokens=True) == dict.fromkeys(range(6), 1)


@pytest.mark.parametrize("layers", [4, 6])
def test_hidden_states_are_stocks(layers: int, tmp_path: Path) -> None:
    model = tiny_model(encoder={"num_hidden_layers": layers}, out_indices=[1, 2, 3, 4]).eval()
    model.save_pretrained(tmp_path)
    stock = StockModel.from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        ours = model(pixels(), output_hidden_states=True).hidden_states
        theirs = stock(pixels(), output_hidden_states=True).hidden_states
    assert len(theirs) == layers + 1
    # Ours end at the last layer that feeds the decoder, behind which nothing is computed.
    assert len(ours) == 5 and all(state.shape == (2, 1 + 3 * 4, 32) for state in ours)
    for our_state, their_state in zip(ours, theirs, strict=False):
        torch.testing.assert_close(our_state, their_state, rtol=0, atol=1e-5)


def test_hidden_states_are_given_when_the_configuration_says_so() -> None:
    model = tiny_model().eval()
    with torch.inference_mode():
        assert model(pixels()).hidden_states is None
        model.config.output_hidden_states = True
        assert len(model(pixels()).hidden_states) == 5
        assert model(pixels(), output_hidden_states=False).hidden_states is None


@pytest.mark.parametrize("kind", ["relative", "swiglu", "registers"])
@pytest.mark.parametrize("layers", [4, 6])
def test_patch_tokens_are_the_encoders(kind: str, layers: int) -> None:
    options = {**KINDS[kind]}
    options["encoder"] = {**options.get("encoder", {}), "num_hidden_layers": layers}
    model = tiny_model(**options, out_indices=[1, 2, 3, 4]).eval()
    encoder_class = Dinov2WithRegistersModel if kind == "registers" else Dinov2Model
    encoder = encoder_class(encoder_config(options.get("registers", 0), **options["encoder"])).eval()
    encoder.load_state_dict(model.backbone.state_dict())
    with torch.inference_mode():
        output = model(pixels(), output_patch_tokens=True)
        expected = encoder(pixels()).last_hidden_state[:, 1 + options.get("registers", 0) :]
        plain = model(pixels())
    assert output.patch_tokens.shape == (2, 3 * 4, 32)
    torch.testing.assert_close(output.patch_tokens, expected, rtol=0, atol=1e-5)
    assert plain.patch_tokens is None
    assert torch.equal(output.predicted_depth, plain.predicted_depth)


def test_metric_depth_stays_within_its_range() -> None:
    model = tiny_model(**METRIC).eval()
    assert (model.prediction_kind, tiny_model().prediction_kind) == ("depth", "disparity")
    with torch.inference_mode():
        for bias, expected in ((50.0, 20.0), (-50.0, 0.0)):
            model.head.conv3.bias.fill_(bias)
            torch.testing.assert_close(model(pixels()).predicted_depth, torch.full((2, 42, 56), expected))


@pytest.mark.parametrize(
    ("size", "nearest"),
    [((57, 71), "56x70"), ((56, 71), "56x70"), ((49, 56), "56x56"), ((3, 70), "14x70"), ((520, 518), "518x518")],
)
def test_sizes_that_are_no_multiples_are_refused(size: tuple[int, int], nearest: str) -> None:
    with pytest.raises(ValueError, match=f"{size[0]}x{size[1]}.*multiples of 14.*nearest valid size is {nearest}"):
        tiny_model()(torch.zeros(1, 3, *size))


def test_a_tuple_comes_when_asked_for() -> None:
    model = tiny_model().eval()
    images = pixels()
    labels = labels_for("relative", images)
    with torch.inference_mode():
        output = model(images, labels=labels)
        assert isinstance(output, DepthAnythingOutput)
        assert len(model(images, return_dict=False)) == 1
        loss, predicted_depth = model(images, labels=labels, return_dict=False)
        assert loss == output.loss
        torch.testing.assert_close(predicted_depth, output.predicted_depth, rtol=0, atol=0)
        everything = model(images, labels, output_hidden_states=True, output_patch_tokens=True, return_dict=False)
        assert len(everything) == 4 and len(everything[2]) == 5
        model.config.return_dict = False
        assert isinstance(model(images), tuple)


def test_an_encoder_of_another_family_is_refused() -> None:
    fields = StockConfig().to_dict()
    fields["backbone_config"] = {"model_type": "vit_msn", "hidden_size": 32, "num_hidden_layers": 4}
    with pytest.raises(ValueError, match=r"needs a DINOv2 encoder .dinov2 or dinov2_with_registers.*vit_msn"):
        DepthAnythingForDepthEstimation(DepthAnythingConfig.from_dict(fields))


@pytest.mark.parametrize("kind", KINDS)
def test_eager_and_sdpa_attention_agree(kind: str, tmp_path: Path) -> None:
    tiny_model(**KINDS[kind]).save_pretrained(tmp_path)
    outputs = {}
    for attention in ("eager", "sdpa"):
        model = DepthAnythingForDepthEstimation.from_pretrained(tmp_path, attn_implementation=attention)
        assert model.backbone.config._attn_implementation == attention
        with torch.inference_mode():
            outputs[attention] = model(pixels()).predicted_depth
    value_range = outputs["eager"].max() - outputs["eager"].min()
    assert (outputs["eager"] - outputs["sdpa"]).abs().max() <= 1e-5 * value_range
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        assert torch.equal(model(pixels()).predicted_depth, outputs["eager"])


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16(kind: str, tmp_path: Path) -> None:
    tiny_model(**KINDS[kind]).save_pretrained(tmp_path)
    full = DepthAnythingForDepthEstimation.from_pretrained(tmp_path)
    half = DepthAnythingForDepthEstimation.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}
    images = pixels()
    labels = labels_for(kind, images)
    expected = full(images, labels=labels)
    output = half(images, labels=labels)
    assert output.predicted_depth.dtype == torch.float32, "so that the loss sees more than 8 bits"
    assert output.loss.dtype == torch.float32, "losses are computed in float32"
    output.loss.backward()
    gradients = [parameter.grad for parameter in trainable(half).values()]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)
    assert half(images.bfloat16()).predicted_depth.dtype == torch.float32
    # bfloat16 carries 8 bits: a share of 2^-8 of the values, a few of which add up.
    error = (output.predicted_depth.float() - expected.predicted_depth).abs().max()
    assert error <= 4 * 2**-8 * expected.predicted_depth.max()


@pytest.mark.parametrize("device_map", ["cpu", "auto"])
def test_device_maps_load(device_map: str, tmp_path: Path) -> None:
    model = tiny_model().eval()
    model.save_pretrained(tmp_path)
    mapped = DepthAnythingForDepthEstimation.from_pretrained(tmp_path, device_map=device_map)
    assert frozen(mapped) == NEVER_USED
    with torch.inference_mode():
        output = mapped(pixels().to(mapped.device)).predicted_depth.cpu()
        expected = model(pixels()).predicted_depth
    assert (output - expected).abs().max() <= 1e-4


@pytest.mark.parametrize("kind", ["registers", "swiglu"])
def test_saved_models_open_again_unchanged(kind: str, tmp_path: Path) -> None:
    model = tiny_model(**KINDS[kind]).eval()
    model.save_pretrained(tmp_path)
    again, info = DepthAnythingForDepthEstimation.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    assert again.prefix_tokens == model.prefix_tokens == 1 + KINDS[kind].get("registers", 0)
    for size in ((42, 56), (70, 28)):
        with torch.inference_mode():
            assert torch.equal(again(pixels(*size)).predicted_depth, model(pixels(*size)).predicted_depth)
