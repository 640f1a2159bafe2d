# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""LoRA in the encoder: adapters of low rank (arXiv 2106.09685) are added for a run, and merged at its end.

The names of an encoder's linear layers differ between releases of transformers; either may be given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from ..models.adapters import find_adapters, unload_adapters
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..models.parameter_names import names_in_releases
from ..models.quantization import is_quantized
from .adapters import Adapters, adapters_of


ATTENTION, ALL_LINEAR = "attention", "all-linear"
# The projections that the paper adapts (section 4.2), by their names in files.
QUERY_AND_VALUE = ("attention.attention.query", "attention.attention.value")
# Adapters are added as B A x * scale, scale = alpha / rank.
SCALE = 2
DECODER_WIDTHS = ("fusion_hidden_size", "head_hidden_size", "neck_hidden_sizes")
LAYER_PREFIX = "backbone.encoder.layer."


def add_lora(model: DepthAnythingForDepthEstimation, rank: int, targets: Sequence[str], seed: int) -> Adapters:
    """Add adapters of low rank to linear layers of the encoder, in place; all else of the model is frozen.

    They have no effect at first. The generators of random numbers stay as they are.

    Args:
        model: without adapters.
        rank: of the adapters.
        targets: "attention" (queries and values), "all-linear", or names of linear layers.
        seed: of their first weights.

    Returns:
        The adapters.

    Raises:
        ImportError: peft is missing.
        ValueError: the model is quantized, a target matches no layer, or the rank is none of its weights.
    """
    if is_quantized(model):
        raise ValueError(
            "encoder_strategy is 'lora', but the model is quantized, which has no weights to merge adapters into; "
            "open it unquantized"
        )
    names = target_layers(model, targets)
    smallest = min(min(model.get_submodule(name).weight.shape) for name in names)  # type: ignore[arg-type]
    if rank > smallest:
        raise ValueError(
            f"lora_rank is {rank}, but the layers' weights have a rank of at most {smallest}; take a fraction of it"
        )
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise ImportError("encoder_strategy lora needs peft: pip install 'depth_anything_hf[lora]'") from error
    config = LoraConfig(r=rank, lora_alpha=SCALE * rank, target_modules=_shortest(model, names))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        inject_adapter_in_model(config, model)
    adapters = adapters_of(model)
    assert adapters is not None
    return adapters


def target_layers(model: DepthAnythingForDepthEstimation, targets: Sequence[str]) -> list[str]:
    """Return the names of the linear layers of the encoder that targets mean, in the model's order.

    Args:
        model: without adapters.
        targets: as in `add_lora`; a name may be the last words of a layer's, e.g. "mlp.fc1", in any release.

    Raises:
        ValueError: a target matches none of the layers that the decoder sees.
    """
    used = tuple(f"{LAYER_PREFIX}{index}." for index in range(model.out_indices[-1]))
    linear = [
        name
        for name, module in model.named_modules()
        if name.startswith(used) and isinstance(module, nn.Linear) and _has_matrix(module)
    ]
    found: set[str] = set()
    for target in targets:
        wanted = QUERY_AND_VALUE if target == ATTENTION else (target,)
        endings = tuple(f".{each}" for name in wanted for each in names_in_releases(name))
        matching = [name for name in linear if target == ALL_LINEAR or f".{name}".endswith(endings)]
        if not matching:
            known = sorted({name.removeprefix(LAYER_PREFIX).split(".", 1)[1] for name in linear})
            raise ValueError(
                f"lora_targets has {target!r}, which matches no linear layer of the encoder; expected {ATTENTION}, "
                f"{ALL_LINEAR}, or some of: {', '.join(known)}"
            )
        found |= set(matching)
    return [name for name in linear if name in found]


def remove_adapters(model: nn.Module, *, merge: bool) -> None:
    """Give a model back the layers that it had before its adapters, in place.

    Args:
        model: without wrapper; one without adapters stays as it is.
        merge: add the adapters to the weights; otherwise they are dropped.
    """
    if adapters_of(model) is not None:
        unload_adapters(model, merge=merge)


def keep_adapters(model: nn.Module) -> None:
    """Let `save_pretrained` of a model write its adapters alone, as it does for those of `model.add_adapter`."""
    if adapters_of(model) is not None:
        model._hf_peft_config_loaded = True  # type: ignore[assignment]


def require_base(model: DepthAnythingForDepthEstimation) -> None:
    """Check that adapters and decoder alone can be opened again: from a model that has a name and is like this one.

    Raises:
        ValueError: it has none, or is another one.
    """
    advice = "; merge the adapters (lora_merge True)"
    base = model.name_or_path
    if not base:
        raise ValueError(
            "lora_merge is False, but the run does not begin with a saved depth model that adapters alone could name"
            + advice
        )
    if find_adapters(base, {}) is not None:
        raise ValueError(f"lora_merge is False, but {base} is no whole model but adapters itself{advice}")
    saved = type(model.config).from_pretrained(base)
    for key in ("depth_estimation_type", "max_depth", "depth_unit", *DECODER_WIDTHS):
        there, here = (getattr(each, key, None) for each in (saved, model.config))
        if there != here:
            raise ValueError(
                f"lora_merge is False, but {base} is another model than this run trains: {key} is {there}, here {here}"
                + advice
            )


def _has_matrix(module: nn.Module) -> bool:
    weight: Any = getattr(module, "weight", None)
    return isinstance(weight, torch.Tensor) and weight.ndim == 2


def _shortest(model: PreTrainedModel, names: Sequence[str]) -> list[str]:
    """Return the last words of the names where these mean the same layers, so that a configuration is readable."""
    last = sorted({name.rsplit(".", 1)[1] for name in names})
    meant = [name for name, _ in model.named_modules() if name.rsplit(".", 1)[-1] in last]
    return last if meant == list(names) else list(names)


__all__ = ["add_lora", "keep_adapters", "remove_adapters", "require_base", "target_layers"]
