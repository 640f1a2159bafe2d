# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about conversion: the authors' output from their checkpoints, all tensors back again, bad files refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from original_checkpoints import CHECKPOINT, DATA, HEADS, TINY, assert_same_tensors, load, random_state, saved
from safetensors.torch import load_file, save_file
from shared_files import SHARED_FOLDER
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoModelForDepthEstimation, Dinov2Config, Dinov2WithRegistersConfig
from transformers import DepthAnythingForDepthEstimation as StockModel

from depth_anything_hf import DepthAnythingConfig, DepthAnythingForDepthEstimation, DepthPredictor
from depth_anything_hf.conversion.original import convert_original, convert_to_original
from depth_anything_hf.data.decoding.images import read_image
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor


SHARED = SHARED_FOLDER / "fixtures"
# Largest differences allowed, as a share of the reference's range.
TOLERANCE, PHOTOGRAPH_TOLERANCE = 1e-5, 1e-4


VARIANTS: dict[str, dict[str, Any]] = {
    "relative": {},
    "metric": {"max_depth": 20.0},
    "relative_v1_taps": {"feature_layers": "v1"},
}


def share_of_range(reference: np.ndarray, values: Tensor | np.ndarray) -> float:
    assert reference.shape == tuple(values.shape)
    value_range = np.ptp(reference)
    assert value_range > 0.5, "the reference has no spread"
    return float(np.abs(np.asarray(values) - reference).max() / value_range)


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    with np.load(DATA / "original_outputs.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("converted")
    return {
        name: convert_original(CHECKPOINT, root / name, **options, **HEADS, input_size=140)
        for name, options in VARIANTS.items()
    }


@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_output_is_the_authors(
    variant: str, converted: dict[str, Path], reference: dict[str, np.ndarray], record_property: Any
) -> None:
    model, report = DepthAnythingForDepthEstimation.from_pretrained(converted[variant], output_loading_info=True)
    assert not any(report.values()), report
    for shape in ("square", "wide"):
        pixel_values = torch.from_numpy(reference[f"input_{shape}"])
        share = share_of_range(reference[f"{variant}_{shape}"], model.eval()(pixel_values).predicted_depth)
        record_property(shape, share)
        assert share <= TOLERANCE


@pytest.mark.parametrize("variant", ["relative", "relative_v1_taps"])
@torch.inference_mode()
def test_features_are_the_authors(variant: str, converted: dict[str, Path], reference: dict[str, np.ndarray]) -> None:
    model = DepthAnythingForDepthEstimation.from_pretrained(converted[variant]).eval()
    features = model.encode(torch.from_numpy(reference["input_wide"]))[0]
    for number, tokens in enumerate(features):
        assert share_of_range(reference[f"{variant}_wide_tap{number}"], tokens[:, 1:]) <= TOLERANCE


@torch.inference_mode()
def test_without_the_offset_output_is_stocks(converted: dict[str, Path], reference: dict[str, np.ndarray]) -> None:
    stock = AutoModelForDepthEstimation.from_pretrained(converted["relative"]).eval()
    ours = DepthAnythingForDepthEstimation.from_pretrained(converted["relative"], interpolate_offset=0.0).eval()
    assert type(stock) is StockModel
    for shape in ("square", "wide"):
        pixel_values = torch.from_numpy(reference[f"input_{shape}"])
        expected = stock(pixel_values).predicted_depth
        assert share_of_range(expected.numpy(), ours(pixel_values).predicted_depth) <= TOLERANCE
        share = share_of_range(reference[f"relative_{shape}"], expected)
        # The grid of the position embeddings is 5 x 5, as that of the square image.
        assert share <= TOLERANCE if shape == "square" else share > 1e-3


@pytest.mark.parametrize("name", ["relative", "metric", "relative_v1_taps", "relative_swiglu"])
@torch.inference_mode()
def test_all_reference_models(name: str, tmp_path: Path, record_property: Any) -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the larger set of reference outputs is not at {SHARED}")
    options = VARIANTS.get(name, {})
    checkpoint = SHARED / f"original_{name}.pth"
    folder = convert_original(checkpoint, tmp_path / "model", **options, **HEADS, input_size=140)
    model = DepthAnythingForDepthEstimation.from_pretrained(folder).eval()
    with np.load(SHARED / "inputs.npz") as inputs, np.load(SHARED / f"original_{name}_outputs.npz") as outputs:
        for shape in inputs.files:
            share = share_of_range(outputs[shape], model(torch.from_numpy(inputs[shape])).predicted_depth)
            record_property(shape, share)
            assert share <= TOLERANCE, shape
        for number, tokens in enumerate(model.encode(torch.from_numpy(inputs["wide_70x98"]))[0]):
            assert share_of_range(outputs[f"wide_tap{number}_patch_tokens"], tokens[:, 1:]) <= TOLERANCE
        predictor = DepthPredictor.from_pretrained(folder)
        pixel_values = predictor.processor(read_image(SHARED / "photo_160x213.png"), return_tensors="np")
        # The authors resize in float64, we in float32: a few units in the last place of values up to 2.6.
        np.testing.assert_allclose(pixel_values["pixel_values"], outputs["photo_pixel_values"], rtol=0, atol=1.1e-6)
        share = share_of_range(outputs["photo_depth"], predictor.predict(SHARED / "photo_160x213.png"))
        record_property("photograph", share)
        assert share <= PHOTOGRAPH_TOLERANCE
    back = convert_to_original(folder, tmp_path / "back.pth")
    assert_same_tensors(load(back), load(checkpoint))


@pytest.mark.parametrize("use_swiglu", [False, True])
def test_tensors_survive_the_round_trip(use_swiglu: bool, tmp_path: Path) -> None:
    config = DepthAnythingConfig.from_encoder_config(
        Dinov2Config(**TINY, use_swiglu_ffn=use_swiglu), fusion_hidden_size=16
    )
    state = random_state(config, torch.float16)
    folder = convert_original(saved(state, tmp_path / "in.pth"), tmp_path / "model", num_attention_heads=2)
    model, report = AutoModelForDepthEstimation.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values()), report
    assert model.dtype == torch.float16
    assert_same_tensors(load(convert_to_original(folder, tmp_path / "out.pth")), state)
    with pytest.raises(FileExistsError, match=r"out.pth exists"):
        convert_to_original(folder, tmp_path / "out.pth")


@torch.inference_mode()
def test_swiglu_is_the_authors(tmp_path: Path) -> None:
    config = DepthAnythingConfig.from_encoder_config(Dinov2Config(**TINY, use_swiglu_ffn=True))
    state = random_state(config)
    folder = convert_original(saved(state, tmp_path / "in.pth"), tmp_path / "model", num_attention_heads=2)
    model = DepthAnythingForDepthEstimation.from_pretrained(folder).eval()
    weights = [state[f"pretrained.blocks.1.mlp.{name}"] for name in ("w12.weight", "w12.bias", "w3.weight", "w3.bias")]
    tokens = torch.randn(1, 5, 32, generator=torch.Generator().manual_seed(1))
    gate, values = F.linear(tokens, *weights[:2]).chunk(2, dim=-1)
    expected = F.linear(F.silu(gate) * values, *weights[2:])
    torch.testing.assert_close(model.backbone.encoder.layer[1].mlp(tokens), expected)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["small", "base", "large"])
def test_published_sizes_survive_the_round_trip(size: Any, tmp_path: Path) -> None:
    state = random_state(DepthAnythingConfig.from_size(size))
    folder = convert_original(saved(state, tmp_path / "in.pth"), tmp_path / "model")
    assert json.loads((folder / "config.json").read_text())["lineage"]["original_size"] == size
    expected_license = {"small": "apache-2.0"}.get(size, "cc-by-nc-4.0")
    assert f"\nlicense: {expected_license}\n" in (folder / "README.md").read_text()
    back = load(convert_to_original(folder, tmp_path / "out.pth"))
    assert_same_tensors(back, state)
    wrong: Any = "base" if size == "small" else "small"
    with pytest.raises(ValueError, match=rf"not of size '{wrong}'.*the published size '{size}'"):
        convert_original(tmp_path / "out.pth", tmp_path / "wrong", size=wrong)


def test_what_stock_saves_in_pieces_goes_to_the_authors_format(converted: dict[str, Path], tmp_path: Path) -> None:
    stock = StockModel.from_pretrained(converted["metric"])
    stock.save_pretrained(tmp_path / "stock", max_shard_size="500KB")
    assert len(list((tmp_path / "stock").glob("*.safetensors"))) > 1
    back = load(convert_to_original(tmp_path / "stock", tmp_path / "out.pth"))
    assert_same_tensors(back, load(CHECKPOINT))


def test_another_interpolation_than_the_authors_is_said(
    converted: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    convert_to_original(converted["relative"], tmp_path / "quiet.pth")
    assert not caplog.records
    model = DepthAnythingForDepthEstimation.from_pretrained(converted["relative"], interpolate_offset=0.0)
    model.save_pretrained(tmp_path / "model")
    convert_to_original(tmp_path / "model", tmp_path / "out.pth")
    assert "offset of 0.0, the authors' code with 0.1" in caplog.text


@pytest.mark.parametrize("wrapper", ["model", "state_dict", None])
def test_training_checkpoints_are_unwrapped(
    wrapper: str | None, tiny_state: dict[str, Tensor], converted: dict[str, Path], tmp_path: Path
) -> None:
    state = {f"module.{name}": tensor for name, tensor in tiny_state.items()}
    content = {wrapper: state, "optimizer": {"state": {}}, "epoch": 3} if wrapper else state
    folder = convert_original(saved(content, tmp_path / "in.pth"), tmp_path / "model", **HEADS)
    assert_same_tensors(
        load_file(folder / "model.safetensors"), load_file(converted["relative"] / "model.safetensors")
    )


@pytest.mark.parametrize(("half", "widest"), [(torch.float16, torch.float32), (torch.bfloat16, torch.float32)])
def test_half_weights_with_float32_norms_are_stored_in_float32(
    half: torch.dtype, widest: torch.dtype, tiny_state: dict[str, Tensor], tmp_path: Path
) -> None:
    mixed = {name: tensor if "norm" in name else tensor.to(half) for name, tensor in tiny_state.items()}
    folder = convert_original(saved(mixed, tmp_path / "in.pth"), tmp_path / "model", **HEADS)
    back = load(convert_to_original(folder, tmp_path / "out.pth"))
    assert_same_tensors(back, {name: tensor.to(widest) for name, tensor in mixed.items()})
    assert "float32; all are stored in the widest" in (folder / "README.md").read_text()


def test_the_folder_says_what_it_is(converted: dict[str, Path]) -> None:
    sha256 = hashlib.sha256(CHECKPOINT.read_bytes()).hexdigest()
    for variant, folder in converted.items():
        config = DepthAnythingConfig.from_pretrained(folder)
        assert config.interpolate_offset == 0.1
        assert config.lineage["original_checkpoint"] == "original_relative.pth"
        assert config.lineage["original_checkpoint_sha256"] == sha256
        metric = variant == "metric"
        assert (config.depth_estimation_type, config.max_depth) == (("metric", 20) if metric else ("relative", 1))
        layers = [9, 10, 11, 12] if variant == "relative_v1_taps" else [3, 6, 9, 12]
        assert list(config.backbone_config.out_indices) == layers
        card = (folder / "README.md").read_text()
        assert card.startswith("---\nlibrary_name: transformers\n")
        assert sha256 in card and str(layers) in card and "no published size" in card
        assert ("not stated by the authors" if metric else "License | unknown") in card
        assert "\nlicense:" not in card
        assert all(f"`{name}`" in card for name in ("interpolate_offset", "interpolation", "upsampling"))
        processor = DepthAnythingImageProcessor.from_pretrained(folder)
        assert (processor.interpolation, processor.upsampling) == ("opencv", "bilinear")


def test_own_feature_layers(tmp_path: Path) -> None:
    folder = convert_original(CHECKPOINT, tmp_path / "model", out_indices=[1, 2, 3, 12], **HEADS)
    assert list(DepthAnythingConfig.from_pretrained(folder).backbone_config.out_indices) == [1, 2, 3, 12]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"size": "small", **HEADS},
            r"not of size 'small', but of an encoder 48 wide with 12 .* no published size",
        ),
        ({}, "48 wide, which is no multiple of 64.*give num_attention_heads"),
        ({"num_attention_heads": 5}, "num_attention_heads is 5, which does not divide.*48"),
        ({"max_depth": 20.0005, **HEADS}, r"max_depth is 20.0005, expected .* a whole number of millimetres"),
        (
            {"feature_layers": "v1", "out_indices": [1, 2, 3, 4], **HEADS},
            "give feature_layers or out_indices, not both",
        ),
        ({"feature_layers": "v3", **HEADS}, "unknown feature_layers 'v3'"),
        ({"out_indices": [1, 2, 3, 13], **HEADS}, "reach beyond the encoder's 12 layers"),
        ({"input_size": 100, **HEADS}, "input size 100 is not a positive multiple of 14"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        convert_original(CHECKPOINT, tmp_path / "model", **options)
    assert not list(tmp_path.iterdir())


def test_a_cap_that_is_no_whole_number_of_metres_there_and_back(
    converted: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The authors' code takes the cap in metres as an argument; a folder has it in millimetres, and says so."""
    folder = convert_original(CHECKPOINT, tmp_path / "close", max_depth=0.35, **HEADS, input_size=140)
    config = DepthAnythingConfig.from_pretrained(folder)
    assert (config.depth_estimation_type, config.max_depth, config.depth_unit) == ("metric", 350, "mm")
    assert "depth in millimetres along the optical axis, at most 350" in (folder / "README.md").read_text()
    image = np.random.default_rng(0).integers(0, 256, (140, 182, 3), dtype=np.uint8)
    metres, of_20 = (DepthPredictor.from_pretrained(each).predict(image) for each in (folder, converted["metric"]))
    np.testing.assert_allclose(metres, of_20 * np.float32(0.35 / 20), rtol=1e-5)
    back = convert_to_original(folder, tmp_path / "back.pth")
    assert "max_depth=0.35) it gives metres" in caplog.text
    for name, tensor in torch.load(CHECKPOINT, weights_only=True).items():
        assert torch.equal(torch.load(back, weights_only=True)[name], tensor)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="model exists and is not an empty folder"):
        convert_original(CHECKPOINT, tmp_path / "model", **HEADS)
    assert (tmp_path / "model" / "notes.txt").read_text() == "mine"
    with pytest.raises(NotADirectoryError, match="is a file; choose another one"):
        convert_original(CHECKPOINT, tmp_path / "model" / "notes.txt" / "it", **HEADS)
    (tmp_path / "new.pth").symlink_to(tmp_path / "absent.pth")
    with pytest.raises(FileExistsError, match=r"new\.pth exists"):
        convert_to_original(tmp_path / "model", tmp_path / "new.pth")
    with pytest.raises(NotADirectoryError):
        convert_to_original(tmp_path / "model", tmp_path / "model" / "notes.txt" / "new.pth")


def test_a_link_to_an_empty_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "model").symlink_to(tmp_path / "disk")
    convert_original(CHECKPOINT, tmp_path / "model", **HEADS)
    assert (tmp_path / "model").is_symlink() and (tmp_path / "disk" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_depth": 2}, "max_depth is 2, expected 1"),
        ({"head_hidden_size": 16}, "head_hidden_size is 16, expected 32"),
        ({"reassemble_factors": [2, 2, 1, 0.5]}, "reassemble_factors is"),
        ({"encoder": Dinov2WithRegistersConfig(**TINY)}, "encoder is dinov2_with_registers, expected dinov2"),
        ({"encoder": Dinov2Config(**TINY, qkv_bias=False)}, "qkv_bias is False"),
    ],
)
def test_models_that_the_authors_code_does_not_know(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    encoder = fields.pop("encoder", Dinov2Config(**TINY))
    DepthAnythingConfig.from_encoder_config(encoder, **fields).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=f"the authors' code has no such model: .*{message}"):
        convert_to_original(tmp_path, tmp_path / "out.pth")


def test_folders_without_a_model_are_refused(converted: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"not a model folder: it has no config.json"):
        convert_to_original(tmp_path, tmp_path / "out.pth")
    DepthAnythingConfig.from_pretrained(converted["relative"]).save_pretrained(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"has no model.safetensors"):
        convert_to_original(tmp_path, tmp_path / "out.pth")
    names = load_file(converted["relative"] / "model.safetensors")
    save_file({name: names[name] for name in names if "conv3" not in name}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"2 missing: depth_head.scratch.output_conv2.2.weight"):
        convert_to_original(tmp_path, tmp_path / "out.pth")
    assert not (tmp_path / "out.pth").exists()


@pytest.mark.parametrize("encoder_class", [Dinov2Config, Dinov2WithRegistersConfig])
@torch.inference_mode()
def test_the_offset_changes_positions_of_other_grids_only(encoder_class: Any) -> None:
    torch.manual_seed(0)
    config = DepthAnythingConfig.from_encoder_config(encoder_class(**TINY), interpolate_offset=0.1)
    model = DepthAnythingForDepthEstimation(config).eval()
    embeddings = model.backbone.embeddings
    for parameter in embeddings.parameters():
        parameter.normal_()
    square, wide = torch.randn(2, 3, 56, 56), torch.randn(2, 3, 56, 84)
    assert torch.equal(model.embed(square), embeddings(square))
    expected, tokens = embeddings(wide), model.embed(wide)
    assert tokens.shape == expected.shape
    prefix = model.prefix_tokens
    assert torch.equal(tokens[:, :prefix], expected[:, :prefix])
    assert not torch.allclose(tokens[:, prefix:], expected[:, prefix:], atol=1e-2)
    half = model.bfloat16()
    assert torch.equal(half(wide).predicted_depth, half(wide.bfloat16()).predicted_depth)
