# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The tensors of the authors' checkpoints: names, shapes, the configuration they show, names in transformers' files.

The authors' names are those of facebookresearch/dinov2 under `pretrained.` and of DepthAnything/Depth-Anything-V2
(depth_anything_v2/dpt.py) under `depth_head.`; the names in a model folder are those of transformers' files, which are
the same on every release whatever it calls the parameters in memory. The same tensors serve V1 and V2, relative and
metric models: which encoder layers feed the decoder and the last activation are in the authors' code only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import Dinov2Config

from ..models.configuration_depth_anything import PUBLISHED_SIZES, DepthAnythingConfig


State = dict[str, Tensor]
Shapes = dict[str, tuple[int, ...]]

# DINOv2's attention heads are 64 wide in every published size.
HEAD_WIDTH = 64
LISTED_KEYS = 10

# Module names, the authors' and those in transformers' files; "#" stands for the number of the block.
ENCODER_NAMES = {
    "cls_token": "embeddings.cls_token",
    "mask_token": "embeddings.mask_token",
    "pos_embed": "embeddings.position_embeddings",
    "patch_embed.proj": "embeddings.patch_embeddings.projection",
    "norm": "layernorm",
    "blocks.#.norm1": "encoder.layer.#.norm1",
    "blocks.#.attn.proj": "encoder.layer.#.attention.output.dense",
    "blocks.#.ls1.gamma": "encoder.layer.#.layer_scale1.lambda1",
    "blocks.#.norm2": "encoder.layer.#.norm2",
    "blocks.#.mlp.fc1": "encoder.layer.#.mlp.fc1",
    "blocks.#.mlp.fc2": "encoder.layer.#.mlp.fc2",
    "blocks.#.mlp.w12": "encoder.layer.#.mlp.weights_in",
    "blocks.#.mlp.w3": "encoder.layer.#.mlp.weights_out",
    "blocks.#.ls2.gamma": "encoder.layer.#.layer_scale2.lambda1",
}
DECODER_NAMES = {
    **{f"projects.{level}": f"neck.reassemble_stage.layers.{level}.projection" for level in range(4)},
    # The third level keeps its size and has no such layer.
    **{f"resize_layers.{level}": f"neck.reassemble_stage.layers.{level}.resize" for level in (0, 1, 3)},
    **{f"scratch.layer{level + 1}_rn": f"neck.convs.{level}" for level in range(4)},
    # The authors count the fusion from fine to coarse, transformers from coarse to fine.
    **{f"scratch.refinenet{4 - layer}.out_conv": f"neck.fusion_stage.layers.{layer}.projection" for layer in range(4)},
    **{
        f"scratch.refinenet{4 - layer}.resConfUnit{unit}.conv{number}": (
            f"neck.fusion_stage.layers.{layer}.residual_layer{unit}.convolution{number}"
        )
        for layer in range(4)
        for unit in (1, 2)
        for number in (1, 2)
    },
    "scratch.output_conv1": "head.conv1",
    "scratch.output_conv2.0": "head.conv2",
    "scratch.output_conv2.2": "head.conv3",
}
QKV = "pretrained.blocks.#.attn.qkv"
QKV_PARTS = tuple(f"backbone.encoder.layer.#.attention.attention.{part}" for part in ("query", "key", "value"))
TO_STOCK = {f"pretrained.{original}": f"backbone.{stock}" for original, stock in ENCODER_NAMES.items()} | {
    f"depth_head.{original}": stock for original, stock in DECODER_NAMES.items()
}
TO_ORIGINAL = {stock: original for original, stock in TO_STOCK.items()}


def config_of_original(
    state: Mapping[str, Tensor],
    *,
    feature_layers: Literal["v1", "v2"] | None = None,
    out_indices: list[int] | None = None,
    num_attention_heads: int | None = None,
    **fields: Any,
) -> DepthAnythingConfig:
    """Return the configuration that tensors under the authors' names belong to, read from their shapes.

    Args:
        state: the tensors; only their shapes are read.
        feature_layers: as for `convert_original`; "v2" of a size that was not published means four evenly spaced
            layers.
        out_indices: as for `convert_original`.
        num_attention_heads: as for `convert_original`.
        **fields: other fields of the configuration.

    Raises:
        ValueError: tensors that show a width are missing or misshapen, or the options do not fit them.
    """
    blocks = {int(match[1]) for name in state if (match := re.match(r"pretrained\.blocks\.(\d+)\.", name))}
    if not blocks or blocks != set(range(len(blocks))):
        raise ValueError(
            f"expected blocks pretrained.blocks.0 to N, found {sorted(blocks) or 'none'} among "
            f"{summarize_names(list(state))}; {_explain_other_names(state)}"
        )
    width, _, patch, _ = _shape(state, "pretrained.patch_embed.proj.weight", 4)
    _, positions, _ = _shape(state, "pretrained.pos_embed", 3)
    grid = round((positions - 1) ** 0.5)
    if grid * grid != positions - 1:
        raise ValueError(f"pretrained.pos_embed has {positions - 1} patch positions, which is not a square number")
    use_swiglu = "pretrained.blocks.0.mlp.w12.weight" in state
    encoder = Dinov2Config(
        hidden_size=width,
        num_hidden_layers=len(blocks),
        num_attention_heads=_number_of_heads(width, num_attention_heads),
        image_size=grid * patch,
        patch_size=patch,
        mlp_ratio=_mlp_ratio(state, width, use_swiglu),
        use_swiglu_ffn=use_swiglu,
    )
    if feature_layers == "v1":
        out_indices = [len(blocks) - 3 + level for level in range(4)]
    elif feature_layers not in ("v2", None):
        raise ValueError(
            f"unknown feature_layers {feature_layers!r}, expected 'v1' (the last four layers) or 'v2' (four "
            "intermediate layers)"
        )
    shapes = [_shape(state, f"depth_head.projects.{level}.weight", 4) for level in range(4)]
    return DepthAnythingConfig.from_encoder_config(
        encoder,
        out_indices=out_indices,
        neck_hidden_sizes=[shape[0] for shape in shapes],
        fusion_hidden_size=_shape(state, "depth_head.scratch.output_conv1.weight", 4)[1],
        head_hidden_size=_shape(state, "depth_head.scratch.output_conv2.0.weight", 4)[0],
        **fields,
    )


def published_size(config: DepthAnythingConfig) -> str | None:
    """Return the published size that has all widths of a configuration; None if there is none."""
    for size in PUBLISHED_SIZES:
        published = DepthAnythingConfig.from_size(size)  # type: ignore[arg-type]
        if _widths(published) == _widths(config):
            return size
    return None


def describe(config: DepthAnythingConfig) -> str:
    """Describe the widths of a configuration, and the published size that has them."""
    encoder = config.backbone_config
    return (
        f"an encoder {encoder.hidden_size} wide with {encoder.num_hidden_layers} blocks"
        f"{' (SwiGLU)' if encoder.use_swiglu_ffn else ''} for images of {encoder.image_size} pixels and a decoder "
        f"with widths {list(config.neck_hidden_sizes)} and {config.fusion_hidden_size}, which is "
        f"{_describe_size(published_size(config))}"
    )


def original_shapes(config: DepthAnythingConfig) -> Shapes:
    """Return the shape of every tensor of the authors' code for a configuration, by name."""
    encoder = config.backbone_config
    width, patch, hidden = encoder.hidden_size, encoder.patch_size, config.head_hidden_size
    positions = (encoder.image_size // patch) ** 2
    shapes: Shapes = {
        "pretrained.cls_token": (1, 1, width),
        "pretrained.pos_embed": (1, 1 + positions, width),
        "pretrained.mask_token": (1, width),
        **_layer("pretrained.patch_embed.proj", (width, 3, patch, patch)),
        **_layer("pretrained.norm", (width,)),
    }
    for block in range(encoder.num_hidden_layers):
        shapes |= _block_shapes(f"pretrained.blocks.{block}", width, encoder.mlp_ratio, encoder.use_swiglu_ffn)
    sizes, fusion = list(config.neck_hidden_sizes), config.fusion_hidden_size
    for level, channels in enumerate(sizes):
        shapes |= _layer(f"depth_head.projects.{level}", (channels, width, 1, 1))
        shapes[f"depth_head.scratch.layer{level + 1}_rn.weight"] = (fusion, channels, 3, 3)
        shapes |= _layer(f"depth_head.scratch.refinenet{level + 1}.out_conv", (fusion, fusion, 1, 1))
        for unit in ("resConfUnit1", "resConfUnit2"):
            for convolution in ("conv1", "conv2"):
                name = f"depth_head.scratch.refinenet{level + 1}.{unit}.{convolution}"
                shapes |= _layer(name, (fusion, fusion, 3, 3))
    for level, kernel in ((0, 4), (1, 2), (3, 3)):
        shapes |= _layer(f"depth_head.resize_layers.{level}", (sizes[level], sizes[level], kernel, kernel))
    shapes |= _layer("depth_head.scratch.output_conv1", (fusion // 2, fusion, 3, 3))
    shapes |= _layer("depth_head.scratch.output_conv2.0", (hidden, fusion // 2, 3, 3))
    return shapes | _layer("depth_head.scratch.output_conv2.2", (1, hidden, 1, 1))


def original_to_stock(state: Mapping[str, Tensor]) -> State:
    """Rename tensors from the authors' names to those in transformers' files; queries, keys and values are separated.

    Raises:
        ValueError: unknown names.
    """
    converted: State = {}
    unknown = []
    for name, tensor in state.items():
        module, kind, block = _parts(name)
        if module == QKV:
            # Copies, because a safetensors file cannot hold tensors that share their memory.
            for part, values in zip(QKV_PARTS, tensor.chunk(3), strict=True):
                converted[_name(part, kind, block)] = values.clone()
        elif module in TO_STOCK:
            converted[_name(TO_STOCK[module], kind, block)] = tensor
        else:
            unknown.append(name)
    _refuse_unknown(unknown)
    return converted


def stock_to_original(state: Mapping[str, Tensor]) -> State:
    """Rename tensors from the names in transformers' files to the authors'; queries, keys and values are joined.

    Raises:
        ValueError: unknown names, or queries without their keys and values.
    """
    converted: State = {}
    unknown = []
    for name, tensor in state.items():
        module, kind, block = _parts(name)
        if module in QKV_PARTS:
            together = [_name(part, kind, block) for part in QKV_PARTS]
            missing = [part for part in together if part not in state]
            if missing:
                raise ValueError(
                    f"{name} has no counterpart {summarize_names(missing)}: query, key and value are needed together"
                )
            converted[_name(QKV, kind, block)] = torch.cat([state[part] for part in together])
        elif module in TO_ORIGINAL:
            converted[_name(TO_ORIGINAL[module], kind, block)] = tensor
        else:
            unknown.append(name)
    _refuse_unknown(unknown)
    return converted


def check_tensors(state: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Compare names and shapes with what a model needs.

    Raises:
        ValueError: they differ; the message counts missing, unknown and misshapen tensors and names the first ten.
    """
    misshapen = [
        f"{name} {tuple(state[name].shape)} instead of {shape}"
        for name, shape in expected.items()
        if name in state and tuple(state[name].shape) != shape
    ]
    differences = {
        "missing": [name for name in expected if name not in state],
        "unknown": [name for name in state if name not in expected],
        "of another shape": misshapen,
    }
    found = [f"{len(names)} {kind}: {summarize_names(names)}" for kind, names in differences.items() if names]
    if found:
        raise ValueError(f"the tensors do not fit the model. {'. '.join(found)}")


def _explain_other_names(state: Mapping[str, Tensor]) -> str:
    if any(name.startswith("core.core.") for name in state):
        return (
            "these are names of ZoeDepth, on which the metric models of Depth Anything V1 build, with layers that no "
            "model here has; take a metric model of V2"
        )
    if any(name.startswith(("backbone.embeddings.", "backbone.encoder.")) for name in state):
        return (
            "these are transformers' names: as model.safetensors beside its config.json it is a model folder, which "
            "opens without conversion"
        )
    if any(name.startswith("blocks.0.") for name in state):
        return (
            "this is a DINOv2 encoder without a decoder; a training starts from one in transformers' format, e.g. "
            "facebook/dinov2-small"
        )
    return "is this a checkpoint of Depth Anything?"


def _shape(state: Mapping[str, Tensor], name: str, dimensions: int) -> tuple[int, ...]:
    if name not in state:
        raise ValueError(
            f"{name} is missing among {summarize_names(list(state))}; is this a checkpoint of Depth Anything?"
        )
    shape = tuple(state[name].shape)
    if len(shape) != dimensions:
        raise ValueError(f"{name} has shape {shape}, expected {dimensions} dimensions")
    return shape


def _number_of_heads(width: int, given: int | None) -> int:
    if given is None and width % HEAD_WIDTH:
        raise ValueError(
            f"the encoder is {width} wide, which is no multiple of {HEAD_WIDTH}, the width of an attention head in "
            "every published size; give num_attention_heads"
        )
    heads = width // HEAD_WIDTH if given is None else given
    if heads < 1 or width % heads:
        raise ValueError(f"num_attention_heads is {heads}, which does not divide the encoder's width {width}")
    return heads


def _mlp_ratio(state: Mapping[str, Tensor], width: int, use_swiglu: bool) -> int:
    name = f"pretrained.blocks.0.mlp.{'w3' if use_swiglu else 'fc2'}.weight"
    hidden = _shape(state, name, 2)[1]
    ratio = next((ratio for ratio in range(1, 17) if _mlp_width(width, ratio, use_swiglu) == hidden), None)
    if ratio is None:
        raise ValueError(f"{name} has {hidden} inputs, which no whole mlp_ratio gives for a width of {width}")
    return ratio


def _mlp_width(width: int, ratio: int, use_swiglu: bool) -> int:
    """Return the hidden width; DINOv2's SwiGLU layers are 2/3 as wide, in steps of 8 (`SwiGLUFFNFused`)."""
    return (int(width * ratio * 2 / 3) + 7) // 8 * 8 if use_swiglu else width * ratio


def _block_shapes(block: str, width: int, ratio: int, use_swiglu: bool) -> Shapes:
    inner = _mlp_width(width, ratio, use_swiglu)
    first, last, first_width = ("w12", "w3", 2 * inner) if use_swiglu else ("fc1", "fc2", inner)
    return {
        **_layer(f"{block}.norm1", (width,)),
        **_layer(f"{block}.attn.qkv", (3 * width, width)),
        **_layer(f"{block}.attn.proj", (width, width)),
        f"{block}.ls1.gamma": (width,),
        **_layer(f"{block}.norm2", (width,)),
        **_layer(f"{block}.mlp.{first}", (first_width, width)),
        **_layer(f"{block}.mlp.{last}", (width, inner)),
        f"{block}.ls2.gamma": (width,),
    }


def _layer(name: str, weight: tuple[int, ...]) -> Shapes:
    """Return the shapes of weight and bias; transposed convolutions here have as many inputs as outputs."""
    return {f"{name}.weight": weight, f"{name}.bias": weight[:1]}


def _parts(name: str) -> tuple[str, str, str]:
    """Return the module with "#" for the block's number, ".weight", ".bias" or "", and the number."""
    module, kind = re.fullmatch(r"(.*?)(\.weight|\.bias|)", name, flags=re.DOTALL).groups()  # type: ignore[union-attr]
    block = re.match(r"(pretrained\.blocks|backbone\.encoder\.layer)\.(\d+)\.", module)
    if block is None:
        return module, kind, ""
    return f"{block[1]}.#.{module[block.end() :]}", kind, block[2]


def _name(module: str, kind: str, block: str) -> str:
    return module.replace("#", block) + kind


def _refuse_unknown(names: list[str]) -> None:
    if names:
        raise ValueError(f"{len(names)} unknown tensors, which no Depth Anything model has: {summarize_names(names)}")


def _widths(config: DepthAnythingConfig) -> tuple[Any, ...]:
    encoder = config.backbone_config
    return (
        *(encoder.hidden_size, encoder.num_hidden_layers, encoder.num_attention_heads, encoder.mlp_ratio),
        *(encoder.image_size, encoder.patch_size, encoder.use_swiglu_ffn),
        *(*config.neck_hidden_sizes, config.fusion_hidden_size, config.head_hidden_size),
    )


def summarize_names(names: list[str]) -> str:
    """Return the first ten names, and how many more there are."""
    more = f" and {len(names) - LISTED_KEYS} more" if len(names) > LISTED_KEYS else ""
    return ", ".join(names[:LISTED_KEYS]) + more


def _describe_size(size: str | None) -> str:
    return f"the published size {size!r}" if size else "no published size"
