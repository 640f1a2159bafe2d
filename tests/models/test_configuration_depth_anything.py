# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the configuration: the published sizes, decoders derived from an encoder, files shared with stock."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub.errors import StrictDataclassFieldValidationError
from transformers import AutoConfig, AutoModelForDepthEstimation, Dinov2Config, Dinov2WithRegistersConfig
from transformers import DepthAnythingConfig as StockConfig

from depth_anything_hf.conversion.state_dict import published_size
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


# Size: parameters in millions, width, layers, heads, decoder widths, fusion width, feature layers of V1 and V2 from 1.
# The authors' code (depth_anything_v2/dpt.py) counts layers from 0: [2, 5, 8, 11], [4, 11, 17, 23], [9, 19, 29, 39].
PUBLISHED: dict[str, tuple[Any, ...]] = {
    "small": (24.8, 384, 12, 6, [48, 96, 192, 384], 64, [9, 10, 11, 12], [3, 6, 9, 12]),
    "base": (97.5, 768, 12, 12, [96, 192, 384, 768], 128, [9, 10, 11, 12], [3, 6, 9, 12]),
    "large": (335.3, 1024, 24, 16, [256, 512, 1024, 1024], 256, [21, 22, 23, 24], [5, 12, 18, 24]),
    "giant": (1258.1, 1536, 40, 24, [1536, 1536, 1536, 1536], 384, [37, 38, 39, 40], [10, 20, 30, 40]),
}
WIDTH_192 = {"hidden_size": 192, "num_hidden_layers": 12, "num_attention_heads": 3, "mlp_ratio": 4}


def tiny_encoder(**fields: Any) -> Dinov2Config:
    return Dinov2Config(**{"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, **fields})


@pytest.mark.parametrize("size", PUBLISHED)
def test_presets_are_the_published_sizes(size: Any) -> None:
    _, width, layers, heads, decoder_widths, fusion_width, layers_v1, layers_v2 = PUBLISHED[size]
    config = DepthAnythingConfig.from_size(size)
    encoder = config.backbone_config
    assert (encoder.hidden_size, encoder.num_hidden_layers, encoder.num_attention_heads) == (width, layers, heads)
    assert (encoder.image_size, encoder.patch_size, encoder.mlp_ratio) == (518, 14, 4)
    assert encoder.use_swiglu_ffn is (size == "giant")
    assert encoder.apply_layernorm and not encoder.reshape_hidden_states
    assert config.reassemble_hidden_size == width
    assert list(config.neck_hidden_sizes) == decoder_widths
    assert config.fusion_hidden_size == fusion_width
    assert list(encoder.out_indices) == layers_v2
    assert list(DepthAnythingConfig.from_size(size, feature_layers="v1").backbone_config.out_indices) == layers_v1
    assert (config.depth_estimation_type, config.max_depth) == ("relative", 1)


@pytest.mark.parametrize("size", PUBLISHED)
def test_presets_have_the_published_number_of_parameters(size: Any) -> None:
    with torch.device("meta"):
        model = DepthAnythingForDepthEstimation(DepthAnythingConfig.from_size(size))
    millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    assert millions == pytest.approx(PUBLISHED[size][0], abs=0.05)


def test_the_smallest_preset_is_for_students_and_is_no_published_one(tmp_path: Path) -> None:
    config = DepthAnythingConfig.from_size("tiny")
    with torch.device("meta"):
        model = DepthAnythingForDepthEstimation(config)
    assert sum(parameter.numel() for parameter in model.parameters()) / 1e6 == pytest.approx(6.4, abs=0.05)
    encoder = config.backbone_config
    assert (encoder.hidden_size, encoder.num_hidden_layers, encoder.num_attention_heads) == (192, 12, 3)
    assert list(encoder.out_indices) == [3, 6, 9, 12] and published_size(config) is None
    derived = DepthAnythingConfig.from_encoder_config(Dinov2Config(image_size=518, patch_size=14, **WIDTH_192))
    assert config.to_dict() == derived.to_dict()
    model = DepthAnythingForDepthEstimation(config).eval()
    model.save_pretrained(tmp_path)
    stock = AutoModelForDepthEstimation.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        images = torch.rand(1, 3, 56, 70)
        torch.testing.assert_close(stock(images).predicted_depth, model(images).predicted_depth)


def test_small_preset_with_v1_taps_is_stocks_default() -> None:
    ours, stock = DepthAnythingConfig.from_size("small", feature_layers="v1").to_dict(), StockConfig().to_dict()
    assert ours == stock


def test_preset_fields_can_be_set() -> None:
    config = DepthAnythingConfig.from_size("small", depth_estimation_type="metric", max_depth=80, head_hidden_size=16)
    assert (config.depth_estimation_type, config.max_depth, config.head_hidden_size) == ("metric", 80, 16)


def test_unknown_presets_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown size 'huge'.*base.*giant.*large.*small"):
        DepthAnythingConfig.from_size("huge")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"unknown feature_layers 'v3'.*v1.*v2"):
        DepthAnythingConfig.from_size("small", feature_layers="v3")  # type: ignore[arg-type]


def test_a_missing_max_depth_means_one() -> None:
    assert DepthAnythingConfig().max_depth == 1
    assert DepthAnythingConfig(max_depth=None).max_depth == 1
    assert DepthAnythingConfig.from_dict({"depth_estimation_type": "metric", "max_depth": None}).max_depth == 1


def test_what_stock_refuses_is_refused() -> None:
    fraction: dict[str, Any] = {"max_depth": 10.5}
    for config_class in (StockConfig, DepthAnythingConfig):
        with pytest.raises(StrictDataclassFieldValidationError, match="max_depth"):
            config_class(**fraction)
    with pytest.raises(ValueError, match="'ordinal', expected relative or metric"):
        DepthAnythingForDepthEstimation(DepthAnythingConfig(depth_estimation_type="ordinal"))


@pytest.mark.parametrize(
    ("width", "layers", "decoder_widths", "fusion_width", "out_indices"),
    [
        (32, 4, [4, 8, 16, 32], 8, [1, 2, 3, 4]),
        (192, 12, [24, 48, 96, 192], 32, [3, 6, 9, 12]),
        (1280, 32, [160, 320, 640, 1280], 216, [8, 16, 24, 32]),
        # The width of a published model, not its depth.
        (384, 6, [48, 96, 192, 384], 64, [2, 3, 4, 6]),
        (1024, 24, [256, 512, 1024, 1024], 256, [5, 12, 18, 24]),
    ],
)
def test_decoder_follows_the_encoder(
    width: int, layers: int, decoder_widths: list[int], fusion_width: int, out_indices: list[int]
) -> None:
    encoder = tiny_encoder(hidden_size=width, num_hidden_layers=layers)
    config = DepthAnythingConfig.from_encoder_config(encoder)
    assert list(config.neck_hidden_sizes) == decoder_widths
    assert config.fusion_hidden_size == fusion_width
    assert config.reassemble_hidden_size == width
    assert list(config.backbone_config.out_indices) == out_indices
    assert len(config.backbone_config.out_features) == 4


def test_the_encoders_configuration_is_copied_not_changed() -> None:
    encoder = tiny_encoder(layerscale_value=0.5, image_size=224, architectures=["Dinov2Model"])
    before = encoder.to_dict()
    config = DepthAnythingConfig.from_encoder_config(encoder)
    assert encoder.to_dict() == before
    assert config.backbone_config is not encoder
    assert config.backbone_config.layerscale_value == 0.5 and config.backbone_config.image_size == 224
    assert not config.backbone_config.architectures


def test_given_fields_win_over_derived_ones() -> None:
    config = DepthAnythingConfig.from_encoder_config(
        tiny_encoder(num_hidden_layers=6),
        out_indices=[1, 2, 5, 6],
        fusion_hidden_size=24,
        neck_hidden_sizes=[8, 8, 8, 8],
    )
    assert list(config.backbone_config.out_indices) == [1, 2, 5, 6]
    assert (config.fusion_hidden_size, list(config.neck_hidden_sizes)) == (24, [8, 8, 8, 8])


def test_an_encoder_saved_as_a_backbone_gets_new_out_indices() -> None:
    encoder = tiny_encoder(out_indices=[2, 4], reshape_hidden_states=True, apply_layernorm=False)
    backbone = DepthAnythingConfig.from_encoder_config(encoder).backbone_config
    assert list(backbone.out_indices) == [1, 2, 3, 4]
    assert list(backbone.out_features) == ["stage1", "stage2", "stage3", "stage4"]
    assert backbone.apply_layernorm and not backbone.reshape_hidden_states


@pytest.mark.parametrize(
    ("layers", "out_indices", "message"),
    [
        (4, [1, 2, 3], "four increasing"),
        (4, [1, 3, 2, 4], "four increasing"),
        (4, [1, 2, 2, 4], "four increasing"),
        (4, [0, 1, 2, 3], "counted from 1"),
        (4, [-4, -3, -2, -1], "counted from 1"),
        (4, [1, 2, 3, 5], "beyond the encoder's 4 layers"),
        (3, None, "four increasing"),
    ],
)
def test_out_indices_that_do_not_fit_are_refused(layers: int, out_indices: list[int] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DepthAnythingConfig.from_encoder_config(tiny_encoder(num_hidden_layers=layers), out_indices=out_indices)


def test_registers_and_swiglu_are_kept() -> None:
    encoder = Dinov2WithRegistersConfig(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, num_register_tokens=3, use_swiglu_ffn=True
    )
    backbone = DepthAnythingConfig.from_encoder_config(encoder).backbone_config
    assert type(backbone) is Dinov2WithRegistersConfig
    assert backbone.num_register_tokens == 3 and backbone.use_swiglu_ffn


def test_files_are_shared_with_stock(tmp_path: Path) -> None:
    ours = DepthAnythingConfig.from_size("base", depth_estimation_type="metric", max_depth=20)
    ours.save_pretrained(tmp_path / "ours")
    saved = json.loads((tmp_path / "ours/config.json").read_text())
    assert saved["model_type"] == "depth_anything" and saved["max_depth"] == 20 and "auto_map" not in saved
    stock = AutoConfig.from_pretrained(tmp_path / "ours")
    assert type(stock) is StockConfig
    stock.save_pretrained(tmp_path / "stock")
    again = DepthAnythingConfig.from_pretrained(tmp_path / "stock")
    assert type(again) is DepthAnythingConfig
    again.save_pretrained(tmp_path / "again")
    for name in ("stock", "again"):
        assert json.loads((tmp_path / name / "config.json").read_text()) == saved


def test_lineage_travels_in_fields_of_its_own(tmp_path: Path) -> None:
    lineage = {"teacher": "owner/teacher", "teacher_revision": "abc123", "data": ["rooms"]}
    DepthAnythingConfig.from_size("small", lineage=lineage).save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path).lineage == lineage
    assert DepthAnythingConfig.from_pretrained(tmp_path).lineage == lineage


def test_the_interpolation_offset_is_saved_and_stock_keeps_it(tmp_path: Path) -> None:
    config = DepthAnythingConfig.from_size("small", interpolate_offset=0.1)
    config.save_pretrained(tmp_path / "ours")
    stock = AutoConfig.from_pretrained(tmp_path / "ours")
    assert type(stock) is StockConfig
    stock.save_pretrained(tmp_path / "stock")
    for name in ("ours", "stock"):
        assert DepthAnythingConfig.from_pretrained(tmp_path / name).interpolate_offset == 0.1


def test_the_default_interpolation_is_stocks_and_leaves_no_trace(tmp_path: Path) -> None:
    DepthAnythingConfig.from_size("small").save_pretrained(tmp_path)
    assert "interpolate_offset" not in json.loads((tmp_path / "config.json").read_text())
    assert DepthAnythingConfig.from_pretrained(tmp_path).interpolate_offset == 0.0


def test_the_unit_of_a_metric_model_is_saved_and_stock_keeps_it(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"depth_estimation_type": "metric", "max_depth": 350, "depth_unit": "mm"}
    DepthAnythingConfig.from_size("small", **fields).save_pretrained(tmp_path / "ours")
    stock = AutoConfig.from_pretrained(tmp_path / "ours")
    assert type(stock) is StockConfig and stock.max_depth == 350
    stock.save_pretrained(tmp_path / "stock")
    for name in ("ours", "stock"):
        config = DepthAnythingConfig.from_pretrained(tmp_path / name)
        assert (config.max_depth, config.depth_unit) == (350, "mm")


def test_the_metre_leaves_no_trace(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"depth_estimation_type": "metric", "max_depth": 20}
    for given in ({}, {"depth_unit": "m"}):
        DepthAnythingConfig.from_size("small", **fields, **given).save_pretrained(tmp_path)
        assert "depth_unit" not in json.loads((tmp_path / "config.json").read_text())
    assert DepthAnythingConfig.from_pretrained(tmp_path).depth_unit == "m"
    changed = DepthAnythingConfig.from_pretrained(tmp_path, max_depth=350, depth_unit="mm")
    assert changed.to_dict()["depth_unit"] == "mm"


def test_ranges_and_units_that_mean_nothing_are_refused() -> None:
    metric: dict[str, Any] = {"depth_estimation_type": "metric"}
    for max_depth in (0, -3):
        with pytest.raises(ValueError, match=rf"max_depth of a metric model is {max_depth}, expected .*at least 1"):
            DepthAnythingConfig(**metric, max_depth=max_depth)
    with pytest.raises(ValueError, match="depth_unit is 'km', expected one of 'm', 'cm', 'mm'"):
        DepthAnythingConfig(**metric, depth_unit="km")
    with pytest.raises(ValueError, match="depth_unit is 'mm', but a relative model's disparity has no unit"):
        DepthAnythingConfig(depth_unit="mm")
    # Loaders set fields after the configuration has checked itself.
    config = DepthAnythingConfig(**metric, max_depth=20)
    config.depth_unit = "mm"
    config.depth_estimation_type = "relative"
    with pytest.raises(ValueError, match="relative model's disparity has no unit"):
        DepthAnythingForDepthEstimation(config)


@pytest.mark.parametrize("offset", [-0.1, 1.0, float("nan"), "0.1"])
def test_offsets_that_would_change_the_grid_are_refused(offset: Any) -> None:
    with pytest.raises(ValueError, match=r"interpolate_offset is .*at least 0 and less than 1"):
        DepthAnythingConfig(interpolate_offset=offset)


def test_the_wrong_key_of_a_published_file_is_repaired(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # depth-anything/Depth-Anything-V2-Metric-Indoor-Large-hf says `depth_estimation` for `depth_estimation_type`.
    published = {**DepthAnythingConfig.from_size("large", max_depth=20).to_dict(), "depth_estimation": "metric"}
    (tmp_path / "config.json").write_text(json.dumps(published))
    with caplog.at_level(logging.WARNING):
        config = DepthAnythingConfig.from_pretrained(tmp_path)
    assert "depth_estimation='metric' where depth_estimation_type is meant" in caplog.text
    assert (config.depth_estimation_type, config.max_depth) == ("metric", 20)
    config.save_pretrained(tmp_path / "repaired")
    saved = json.loads((tmp_path / "repaired/config.json").read_text())
    assert saved["depth_estimation_type"] == "metric" and "depth_estimation" not in saved
    caplog.clear()
    assert DepthAnythingConfig.from_pretrained(tmp_path / "repaired").depth_estimation_type == "metric"
    assert not caplog.records
    with pytest.raises(ValueError, match="depth_estimation is 'ordinal', expected relative or metric"):
        DepthAnythingConfig.from_dict({"depth_estimation": "ordinal"})
