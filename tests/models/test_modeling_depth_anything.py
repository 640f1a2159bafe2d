# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the model: how it starts, what it trains and computes, and how it works with transformers' tools."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import DepthAnythingConfig as StockConfig
from transformers import DepthAnythingForDepthEstimation as StockModel
from transformers import (
    Dinov2Config,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    Trainer,
    TrainingArguments,
    ViTConfig,
    ViTModel,
)

from depth_anything_hf.losses.relative import gradient_matching_loss, scale_and_shift_invariant_loss
from depth_anything_hf.losses.silog import silog_loss
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.decoder import INITIAL_DISPARITY
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation, DepthAnythingOutput


METRIC: dict[str, Any] = {"depth_estimation_type": "metric", "max_depth": 20}
KINDS: dict[str, dict[str, Any]] = {
    "relative": {},
    "metric": METRIC,
    "swiglu": {"encoder": {"use_swiglu_ffn": True}},
    "registers": {"registers": 3},
}
NEVER_USED = {
    "backbone.embeddings.mask_token",
    "neck.fusion_stage.layers.0.residual_layer1.convolution1.weight",
    "neck.fusion_stage.layers.0.residual_layer1.convolution1.bias",
    "neck.fusion_stage.layers.0.residual_layer1.convolution2.weight",
    "neck.fusion_stage.layers.0.residual_layer1.convolution2.bias",
}


def encoder_config(registers: int = 0, **fields: Any) -> Any:
    tiny = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 56, "patch_size": 14}
    if registers:
        return Dinov2WithRegistersConfig(**{**tiny, **fields}, num_register_tokens=registers)
    return Dinov2Config(**{**tiny, **fields})


def tiny_model(
    seed: int = 0, registers: int = 0, encoder: dict[str, Any] | None = None, **fields: Any
) -> DepthAnythingForDepthEstimation:
    config = DepthAnythingConfig.from_encoder_config(
        encoder_config(registers, **(encoder or {})), **{"fusion_hidden_size": 16, "head_hidden_size": 8, **fields}
    )
    torch.manual_seed(seed)
    return DepthAnythingForDepthEstimation(config)


def pixels(height: int = 42, width: int = 56, batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(height + width))


def labels_for(kind: str, images: Tensor) -> Tensor:
    """Disparity in 0..1 or depth in 1..16 m, from the images' brightness, with unknown pixels."""
    brightness = images.mean(dim=1).sigmoid()
    labels = 1 + 15 * brightness if kind == "metric" else brightness
    labels[:, :5, :7] = torch.nan
    return labels


def has_free_shift(name: str, model: DepthAnythingForDepthEstimation) -> bool:
    """Parameters that only add a shift which what follows takes away again.

    Shifting all keys alike shifts all scores of a query alike, which softmax ignores; and the relative loss ignores a
    shift of the output, as long as the last ReLU cuts nothing off. In theory the gradient of these biases is zero.
    What they get is rounding, so nothing is said here about where they move.
    """
    relative = model.prediction_kind == "disparity"
    return name.endswith(("k_proj.bias", "key.bias")) or (relative and name == "head.conv3.bias")


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def frozen(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if not parameter.requires_grad}


def gradients_of(
    model: DepthAnythingForDepthEstimation, images: Tensor, labels: Tensor, run: Callable[..., Any] | None = None
) -> dict[str, Tensor]:
    """Gradients of the loss by parameter name; `run` is another way to call the model."""
    model.zero_grad()
    forward = model if run is None else run
    forward(images, labels=labels).loss.backward()
    found = {}
    for name, parameter in trainable(model).items():
        assert parameter.grad is not None, f"{name} got no gradient"
        found[name] = parameter.grad.clone()
    return found


def assert_gradients_agree(
    model: DepthAnythingForDepthEstimation, found: dict[str, Tensor], expected: dict[str, Tensor]
) -> None:
    """Each up to 1e-4 of its own largest value; those which are rounding alone do not count."""
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        if not has_free_shift(name, model):
            difference = (found[name] - gradient).abs().max()
            assert difference <= 1e-4 * gradient.abs().max(), f"{name}: {difference:.1e} of {gradient.abs().max():.1e}"


# How a fresh model starts


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [(56, 56), (42, 98), (112, 70)])
def test_a_fresh_relative_model_is_alive(seed: int, size: tuple[int, int]) -> None:
    with torch.inference_mode():
        disparity = tiny_model(seed).eval()(pixels(*size)).predicted_depth
    assert disparity.std() > 1e-3
    assert (disparity == 0).float().mean() < 0.01
    assert abs(disparity.mean() - INITIAL_DISPARITY) < 0.15


@pytest.mark.parametrize("seed", range(4))
def test_a_fresh_metric_model_starts_in_the_middle_of_its_range(seed: int) -> None:
    with torch.inference_mode():
        depth = tiny_model(seed, **METRIC).eval()(pixels()).predicted_depth
    assert depth.std() > 1e-2
    assert depth.min() > 5 and depth.max() < 15


@pytest.mark.parametrize("seed", range(2))
def test_the_published_small_size_starts_alive_where_stock_starts_dead(seed: int) -> None:
    images = pixels(112, 126, batch=1)
    torch.manual_seed(seed)
    ours = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_size("small")).eval()
    torch.manual_seed(seed)
    stock = StockModel(StockConfig()).eval()
    with torch.inference_mode():
        alive, dead = (model(images).predicted_depth for model in (ours, stock))
    assert 1e-3 < alive.std() < 0.1
    assert (alive == 0).float().mean() < 0.01
    assert dead.max() < 1e-3


def test_a_decoder_missing_from_the_file_starts_alive(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    encoder_only = {name: tensor for name, tensor in load_file(file).items() if name.startswith("backbone.")}
    save_file(encoder_only, file, metadata={"format": "pt"})
    model, info = DepthAnythingForDepthEstimation.from_pretrained(tmp_path, output_loading_info=True)
    assert {name.split(".")[0] for name in info["missing_keys"]} == {"neck", "head"}
    with torch.inference_mode():
        disparity = model(pixels()).predicted_depth
    assert disparity.std() > 1e-3 and (disparity > 0).all()
    assert frozen(model) == NEVER_USED


# What trains


@pytest.mark.parametrize("kind", KINDS)
def test_every_trainable_parameter_gets_a_gradient_and_moves(kind: str) -> None:
    model = tiny_model(**KINDS[kind])
    before = {name: parameter.detach().clone() for name, parameter in trainable(model).items()}
    # Without weight decay, which would move a parameter that has no gradient.
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0)
    images = pixels()
    gradients = gradients_of(model, images, labels_for(kind, images))
    optimizer.step()
    checked = {name for name in gradients if not has_free_shift(name, model)}
    assert len(gradients) - len(checked) == 4 + (model.prediction_kind == "disparity")
    assert [name for name in checked if not gradients[name].abs().max() > 0] == []
    assert [name for name in checked if torch.equal(trainable(model)[name], before[name])] == []
    for name in gradients.keys() - checked:
        # The weight beside the bias shows how large a gradient that is not rounding would be.
        weight = gradients[name.removesuffix("bias") + "weight"]
        assert gradients[name].abs().max() < 1e-3 * weight.abs().max(), name


@pytest.mark.parametrize("kind", KINDS)
def test_exactly_the_unused_parameters_are_frozen(kind: str, tmp_path: Path) -> None:
    model = tiny_model(**KINDS[kind])
    assert frozen(model) == NEVER_USED
    model.save_pretrained(tmp_path)
    assert frozen(DepthAnythingForDepthEstimation.from_pretrained(tmp_path)) == NEVER_USED
    loaded, _ = DepthAnythingForDepthEstimation.from_pretrained(tmp_path, output_loading_info=True)
    assert frozen(loaded) == NEVER_USED


def test_layers_after_the_last_tap_are_frozen_too(tmp_path: Path) -> None:
    model = tiny_model(encoder={"num_hidden_layers": 6}, out_indices=[1, 2, 3, 4])
    images = pixels()
    model.save_pretrained(tmp_path)
    for candidate in (model, DepthAnythingForDepthEstimation.from_pretrained(tmp_path)):
        after = {name for name, _ in candidate.named_parameters() if name.startswith("backbone.encoder.layer.")}
        after = {name for name in after if int(name.split(".")[3]) >= 4}
        assert len(after) == 2 * 18
        assert frozen(candidate) == NEVER_USED | after
        gradients_of(candidate, images, labels_for("relative", images))


def test_a_norm_that_no_tap_uses_is_frozen_too() -> None:
    config = tiny_model().config.to_dict()
    config["backbone_config"]["apply_layernorm"] = False
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_dict(config))
    assert frozen(model) == NEVER_USED | {"backbone.layernorm.weight", "backbone.layernorm.bias"}
    images = pixels()
    gradients_of(model, images, labels_for("relative", images))


def test_gradient_checkpointing_gives_the_same_gradients() -> None:
    model = tiny_model().train()
    images = pixels()
    labels = labels_for("relative", images)
    plain = gradients_of(model, images, labels)
    # The newer name, where it exists.
    getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
    parts = [f"backbone.encoder.layer.{index}.attention" for index in range(4)]
    parts += [f"neck.fusion_stage.layers.{index}.residual_layer2" for index in range(4)] + ["head.conv2"]
    calls: Counter[str] = Counter()
    for name in parts:
        model.get_submodule(name).register_forward_pre_hook(lambda *_, name=name: calls.update([name]))
    checkpointed = gradients_of(model, images, labels)
    assert calls == dict.fromkeys(parts, 2), "each part is computed again in the backward pass"
    assert_gradients_agree(model, checkpointed, plain)


# What it computes


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


def test_layers_after_the_last_tap_run_only_for_patch_tokens() -> None:
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


# The loss


@pytest.mark.parametrize("kind", ["relative", "metric"])
def test_the_loss_is_the_formula(kind: str) -> None:
    model = tiny_model(**KINDS[kind]).eval()
    images = pixels()
    labels = labels_for(kind, images)
    with torch.inference_mode():
        output = model(images, labels=labels)
        prediction = output.predicted_depth
        if kind == "metric":
            expected = silog_loss(prediction, labels).mean()
        else:
            expected = scale_and_shift_invariant_loss(prediction, labels).mean()
            expected = expected + 2 * gradient_matching_loss(prediction, labels).mean()
    assert output.loss.ndim == 0 and output.loss > 0.01
    torch.testing.assert_close(output.loss, expected)
    assert model(images).loss is None


def test_the_relative_loss_ignores_scale_and_shift_of_the_labels() -> None:
    model = tiny_model().eval()
    images = pixels()
    labels = labels_for("relative", images)
    with torch.inference_mode():
        torch.testing.assert_close(model(images, labels=7 * labels + 3).loss, model(images, labels=labels).loss)


@pytest.mark.parametrize("kind", ["relative", "metric"])
def test_labels_without_a_valid_pixel_give_zero_loss_and_zero_gradients(kind: str) -> None:
    model = tiny_model(**KINDS[kind])
    gradients = gradients_of(model, pixels(), torch.full((2, 42, 56), torch.nan))
    assert model(pixels(), labels=torch.full((2, 42, 56), torch.nan)).loss == 0
    assert all((gradient == 0).all() for gradient in gradients.values())


@pytest.mark.parametrize("kind", ["relative", "metric"])
def test_an_image_without_a_valid_pixel_does_not_count(kind: str) -> None:
    # In float64: the normalised loss divides by the small spread of a fresh output, which magnifies rounding.
    model = tiny_model(**KINDS[kind]).double()
    images = pixels().double()
    labels = labels_for(kind, images).double()
    alone = gradients_of(model, images[:1], labels[:1])
    labels[1] = torch.nan
    beside = gradients_of(model, images, labels)
    assert_gradients_agree(model, beside, alone)


def test_the_metric_loss_ignores_depth_beyond_its_range() -> None:
    model = tiny_model(**METRIC).eval()
    images = pixels()
    labels = labels_for("metric", images)
    labels[:, 20:24], labels[:, 24:28], labels[:, 28:30] = torch.inf, 20.5, 0.0
    unknown = labels.clone()
    unknown[:, 20:30] = torch.nan
    at_the_limit = labels.clone()
    at_the_limit[:, 20:24] = 20.0
    with torch.inference_mode():
        loss = model(images, labels=labels).loss
        assert loss == model(images, labels=unknown).loss
        assert loss != model(images, labels=at_the_limit).loss


@pytest.mark.parametrize("shape", [(2, 42, 42), (1, 42, 56), (2, 1, 42, 56), (42, 56)])
def test_labels_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"labels .*{re.escape(str(shape))}.*expected .*\(2, 42, 56\)"):
        tiny_model()(pixels(), labels=torch.ones(shape))


# Precision, attention, devices, compilation


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
    assert output.predicted_depth.dtype == torch.bfloat16
    assert output.loss.dtype == torch.float32, "losses are computed in float32"
    output.loss.backward()
    gradients = [parameter.grad for parameter in trainable(half).values()]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)
    assert half(images.bfloat16()).predicted_depth.dtype == torch.bfloat16
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


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["relative", "metric"])
def test_a_compiled_model_trains_the_same(kind: str) -> None:
    torch.compiler.reset()
    model = tiny_model(**KINDS[kind])
    images = pixels()
    labels = labels_for(kind, images)
    expected = gradients_of(model, images, labels)
    # The backend that traces forward and backward without generating code, which takes a minute.
    compiled = torch.compile(model, backend="aot_eager")
    assert_gradients_agree(model, gradients_of(model, images, labels, run=compiled), expected)


@pytest.mark.slow
def test_a_compiled_model_predicts_the_same() -> None:
    torch.compiler.reset()
    model = tiny_model().eval()
    with torch.inference_mode():
        expected = model(pixels()).predicted_depth
        output = torch.compile(model, fullgraph=True)(pixels()).predicted_depth
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)


# From an encoder


@pytest.mark.parametrize("registers", [0, 3])
def test_from_encoder_takes_the_encoders_weights(registers: int, tmp_path: Path) -> None:
    torch.manual_seed(1)
    encoder_class = Dinov2WithRegistersModel if registers else Dinov2Model
    encoder = encoder_class(encoder_config(registers, num_hidden_layers=6)).eval()
    encoder.save_pretrained(tmp_path)
    model = DepthAnythingForDepthEstimation.from_encoder(
        str(tmp_path), out_indices=[1, 3, 5, 6], fusion_hidden_size=16, **METRIC
    )
    assert model.out_indices == [1, 3, 5, 6]
    assert (model.config.depth_estimation_type, model.config.max_depth) == ("metric", 20)
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(model.backbone.state_dict()[name], tensor), name
    assert frozen(model) == NEVER_USED
    with torch.inference_mode():
        output = model.eval()(pixels(), output_patch_tokens=True)
        expected = encoder(pixels()).last_hidden_state[:, 1 + registers :]
    assert output.predicted_depth.std() > 1e-2
    torch.testing.assert_close(output.patch_tokens, expected, rtol=0, atol=1e-5)


def test_from_encoder_draws_a_fresh_decoder_each_time(tmp_path: Path) -> None:
    Dinov2Model(encoder_config()).save_pretrained(tmp_path)
    models = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        models.append(DepthAnythingForDepthEstimation.from_encoder(str(tmp_path)))
    first, same, other = (dict(model.named_parameters()) for model in models)
    weights = [name for name in first if not name.startswith("backbone.") and name.endswith("weight")]
    assert all(torch.equal(first[name], same[name]) for name in weights)
    assert not any(torch.equal(first[name], other[name]) for name in weights)


def test_from_encoder_passes_its_options_on(tmp_path: Path) -> None:
    Dinov2Model(encoder_config()).save_pretrained(tmp_path)
    options = {"dtype": torch.bfloat16, "attn_implementation": "eager"}
    model = DepthAnythingForDepthEstimation.from_encoder(str(tmp_path), encoder_options=options)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert model.backbone.config._attn_implementation == "eager"


def test_from_encoder_refuses_other_models(tmp_path: Path) -> None:
    config = ViTConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32)
    ViTModel(config).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"is a 'vit' model, expected a DINOv2 encoder"):
        DepthAnythingForDepthEstimation.from_encoder(str(tmp_path))


def test_an_absent_encoder_is_named_in_the_error() -> None:
    with pytest.raises(OSError, match="nobody/no-encoder"):
        DepthAnythingForDepthEstimation.from_encoder("nobody/no-encoder", encoder_options={"local_files_only": True})


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


# transformers.Trainer


class Pictures(torch.utils.data.Dataset):
    """Four images with disparity."""

    def __init__(self) -> None:
        self.images = pixels(batch=4)
        self.labels = labels_for("relative", self.images)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"pixel_values": self.images[index], "labels": self.labels[index]}


def trainer(folder: Path, model: DepthAnythingForDepthEstimation, **options: Any) -> Trainer:
    arguments = TrainingArguments(
        output_dir=str(folder),
        use_cpu=True,
        report_to="none",
        logging_steps=1,
        save_strategy="no",
        learning_rate=1e-3,
        disable_tqdm=True,
        **options,
    )
    return Trainer(model=model, args=arguments, train_dataset=Pictures(), eval_dataset=Pictures())


@pytest.mark.usefixtures("fresh_accelerate")
def test_transformers_trainer_trains(tmp_path: Path) -> None:
    model = tiny_model()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    run = trainer(tmp_path, model, max_steps=3, per_device_train_batch_size=2)
    run.train()
    losses = [entry["loss"] for entry in run.state.log_history if "loss" in entry]
    assert len(losses) == 3 and all(0 < loss < 100 for loss in losses)
    for name, parameter in model.named_parameters():
        if not has_free_shift(name, model):
            assert torch.equal(parameter, before[name]) is (name in NEVER_USED), name
    assert 0 < run.evaluate()["eval_loss"] < 100
    run.save_model(str(tmp_path / "saved"))
    saved = StockModel.from_pretrained(tmp_path / "saved")
    assert torch.equal(saved.head.conv3.weight, model.head.conv3.weight)


@pytest.mark.usefixtures("fresh_accelerate")
def test_transformers_trainer_accumulates_means(tmp_path: Path) -> None:
    model = tiny_model()
    logged = []
    for accumulated in (1, 2, 4):
        run = trainer(
            tmp_path,
            copy.deepcopy(model),
            max_steps=1,
            per_device_train_batch_size=4 // accumulated,
            gradient_accumulation_steps=accumulated,
        )
        run.train()
        logged.append(run.state.log_history[0])
    for entry in logged[1:]:
        assert entry["loss"] == pytest.approx(logged[0]["loss"], rel=1e-3)
        assert entry["grad_norm"] == pytest.approx(logged[0]["grad_norm"], rel=1e-2)
