# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Names of parameters: those that have no use, and the encoder's in files and in any release of transformers.

Files have the published names in every release. In memory transformers has other names since it renamed the modules of
DINOv2, after 5.17; `from_pretrained` and `save_pretrained` translate, `load_state_dict` does not. So the attention
weights of a file would find no place in it, and `transformers.Trainer`, which loads with `strict=False`, would go on
with those that the model had before. `accept_all_names` lets it translate as well.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig


# Published name -> name in later releases, of the modules of an encoder layer; as in transformers' own mapping of
# checkpoints (`transformers.conversion_mapping`), which earlier releases do not have.
LATER_NAMES = {
    "attention.attention.query": "attention.q_proj",
    "attention.attention.key": "attention.k_proj",
    "attention.attention.value": "attention.v_proj",
    "attention.output.dense": "attention.o_proj",
    "mlp.weights_out": "mlp.down_proj",
}
# A published layer, of SwiGLU, and the two that later releases divide it into; each of them has half of the rows.
WHOLE, HALVES = "mlp.weights_in", ("mlp.gate_proj", "mlp.up_proj")
# Tensors that are divided, in a plain model and in one with adapters.
DIVIDED = ("weight", "bias", "base_layer.weight", "base_layer.bias")

_OTHER_NAMES = {**LATER_NAMES, **{later: published for published, later in LATER_NAMES.items()}}
_NAME = re.compile(
    rf"(encoder\.layer\.\d+)\.({'|'.join(map(re.escape, (*_OTHER_NAMES, WHOLE, HALVES[0])))})\.(.+)", re.DOTALL
)

# No input reaches these in any configuration. They stay, for stock's files.
_WITHOUT_USE = ("backbone.embeddings.mask_token", "neck.fusion_stage.layers.0.residual_layer1.")


def unused_prefixes(encoder: PreTrainedConfig, out_indices: list[int]) -> tuple[str, ...]:
    """Return how the names of the parameters of a depth model begin that no input reaches.

    Args:
        encoder: configuration of the encoder.
        out_indices: layers whose features feed the decoder, 1-based and increasing.
    """
    layers = tuple(f"backbone.encoder.layer.{index}." for index in range(out_indices[-1], encoder.num_hidden_layers))
    # Where features are not normalized, the norm only serves the patch tokens that feature alignment asks for.
    norm = () if encoder.apply_layernorm else ("backbone.layernorm.",)
    return _WITHOUT_USE + layers + norm


def names_in_releases(name: str) -> tuple[str, ...]:
    """Return the names that a module of an encoder layer has in any release, by its name or the last words of it.

    Args:
        name: e.g. "query", "attention.q_proj", "encoder.layer.3.attention.attention.query" or "mlp.fc1".
    """
    found = [name]
    for pair in (*LATER_NAMES.items(), *((WHOLE, later) for later in HALVES)):
        for here, there in (pair, pair[::-1]):
            if here == name or here.endswith(f".{name}"):
                found.append(there)
            elif name.endswith(f".{here}"):
                found.append(name.removesuffix(here) + there)
    return tuple(dict.fromkeys(found))


def accept_all_names(encoder: nn.Module) -> None:
    """Let `load_state_dict` of an encoder, and of any module around it, take the names of files and of all releases.

    Args:
        encoder: transformers' `Dinov2Model` or `Dinov2WithRegistersModel`. The hook is copied and pickled with it.
    """
    encoder.register_load_state_dict_pre_hook(_use_own_names)  # type: ignore[no-untyped-call]


def _use_own_names(
    encoder: nn.Module, state: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *_: Any
) -> None:
    """Rename tensors of a state dict, in place, to the names of the encoder's modules.

    A tensor that fits none of them stays under its name, and so does one whose new name is taken: `load_state_dict`
    reports both as unexpected.
    """
    modules = {name for name, _ in encoder.named_modules()}
    # A part of a larger tensor that becomes a parameter would keep all of it in memory.
    becomes_parameter = bool(local_metadata.get("assign_to_params_buffers"))
    for key in list(state):
        found = _NAME.fullmatch(key.removeprefix(prefix)) if key.startswith(prefix) else None
        if found is None or f"{found[1]}.{found[2]}" in modules:
            continue
        layer, name, tensor = found.groups()
        sources, targets = _translate(name)
        old, new = ([f"{prefix}{layer}.{each}.{tensor}" for each in names] for names in (sources, targets))
        fits = all(f"{layer}.{each}" in modules for each in targets) and all(each in state for each in old)
        if not fits or any(each in state for each in new):
            continue
        values = [state[each] for each in old]
        if len(old) != len(new):
            if tensor not in DIVIDED or any(each.shape[0] % len(new) for each in values):
                continue
            values = [torch.cat(values)] if len(new) == 1 else list(values[0].chunk(len(new)))
            values = [each.clone() for each in values] if becomes_parameter else values
        for each in old:
            del state[each]
        state.update(zip(new, values, strict=True))


def _translate(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the modules that hold a parameter by its present name, and those that do by its other one."""
    if name == WHOLE:
        return (WHOLE,), HALVES
    if name == HALVES[0]:
        return HALVES, (WHOLE,)
    return (name,), (_OTHER_NAMES[name],)
