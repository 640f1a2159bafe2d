# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Inference through the layers of a DINOv2 encoder with fused projections: fewer calls, fewer passes over memory.

It computes with the encoder's own parameters. The weights of query, key and value become contiguous in memory, so that
one product computes all three and no copy is kept; the rest is done in place, which gradients would not allow.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn

from ..cpu.kernels import attention, linear
from ..cpu.layers import RoutedLinear


Projections: TypeAlias = tuple[nn.Linear, nn.Linear, nn.Linear, nn.Linear]

# Query, key, value and output projection inside an attention layer, by release of transformers.
PROJECTION_NAMES = (
    ("q_proj", "k_proj", "v_proj", "o_proj"),
    ("attention.query", "attention.key", "attention.value", "output.dense"),
)
# Other subclasses, such as quantized layers, have weights of another form or compute something else.
PLAIN_LINEARS = (nn.Linear, RoutedLinear)
# Number of patch grids whose position embeddings are kept.
CACHED_GRIDS = 8


def projections_of(attention_layer: nn.Module) -> Projections:
    """Find query, key, value and output projection of an encoder layer's attention.

    Raises:
        ValueError: they are no plain linear layers, as with adapters or quantization.
    """
    modules = dict(attention_layer.named_modules())
    for names in PROJECTION_NAMES:
        if all(name in modules for name in names):
            found = [modules[name] for name in names]
            others = {type(module).__name__ for module in found if type(module) not in PLAIN_LINEARS}
            if others:
                raise ValueError(
                    f"the encoder's projections are {', '.join(sorted(others))}, expected plain linear layers; merge "
                    "adapters into the weights first (peft: `merge_and_unload`)"
                )
            return cast("Projections", tuple(found))
    raise ValueError(
        f"{type(attention_layer).__name__} has none of the projections {PROJECTION_NAMES}; this release of "
        "transformers gives them other names. Predict without optimize_for_inference, or use a supported release"
    )


class FusedLinears:
    """Linear layers of one input whose weights are contiguous in memory, so that one product computes all of them.

    The parameters stay parameters of their layers, with values and names; they are views of one tensor.
    """

    def __init__(self, linears: list[nn.Linear]) -> None:
        self._linears = linears
        self.weight, self.bias = self._fuse("weight"), self._fuse("bias")

    @torch.inference_mode(False)
    @torch.no_grad()
    def _fuse(self, name: str) -> Tensor | None:
        parameters = self._parameters(name)
        if parameters is None:
            return None
        fused = torch.cat([parameter.detach() for parameter in parameters])
        parts = torch.split(fused, [len(parameter) for parameter in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.data = part
        return fused

    def _parameters(self, name: str) -> list[nn.Parameter] | None:
        parameters = [getattr(linear_layer, name) for linear_layer in self._linears]
        return None if any(parameter is None for parameter in parameters) else parameters

    def _is_fused(self, name: str, fused: Tensor | None) -> bool:
        parameters = self._parameters(name)
        if parameters is None or fused is None:
            return parameters is None and fused is None
        address = fused.data_ptr()
        for parameter in parameters:
            if parameter.data_ptr() != address or parameter.dtype != fused.dtype:
                return False
            address += parameter.numel() * parameter.element_size()
        return True

    def refresh(self) -> None:
        """Fuse again after the parameters were replaced: another precision or device, a loaded state."""
        if not self._is_fused("weight", self.weight):
            self.weight = self._fuse("weight")
        if not self._is_fused("bias", self.bias):
            self.bias = self._fuse("bias")

    @torch.no_grad()
    def separate(self) -> None:
        """Give every layer its own memory again."""
        for name in ("weight", "bias"):
            for parameter in self._parameters(name) or []:
                parameter.data = parameter.data.clone()

    def __call__(self, inputs: Tensor) -> Tensor:
        """(..., C) -> (..., N), the outputs of all layers side by side."""
        assert self.weight is not None
        return linear(inputs, self.weight, self.bias)


class FusedLayer:
    """One encoder layer for inference."""

    def __init__(self, layer: nn.Module, heads: int, projections: Projections) -> None:
        self._layer: Any = layer
        query, key, value, self._output = projections
        self.fused_projections = FusedLinears([query, key, value])
        self._heads = heads

    def __call__(self, hidden: Tensor) -> Tensor:
        """Apply the layer to the states (B, N, C), in place."""
        self.fused_projections.refresh()
        layer = self._layer
        batch, tokens, width = hidden.shape
        size = width // self._heads
        fused = self.fused_projections(layer.norm1(hidden)).view(batch, tokens, 3, self._heads, size)
        query, key, value = fused.permute(2, 0, 3, 1, 4)
        attended = attention(query, key, value, size**-0.5).reshape(batch, tokens, width)
        hidden.addcmul_(self._output(attended), layer.layer_scale1.lambda1)
        return hidden.addcmul_(layer.mlp(layer.norm2(hidden)), layer.layer_scale2.lambda1)


class PositionCache:
    """Position embeddings of the grids seen last; recomputed when the model's embeddings have changed."""

    def __init__(self) -> None:
        self._of_grid: OrderedDict[tuple[int, int], Tensor] = OrderedDict()
        self._source: Tensor | None = None
        self._state: tuple[Any, ...] = ()
        self._values: Tensor | None = None

    def get(self, source: Tensor, grid: tuple[int, int], compute: Callable[[], Tensor]) -> Tensor:
        """Return what `compute` gives for a grid (rows, columns) of the embeddings `source`, cached where known."""
        if not self._knows(source):
            self._of_grid.clear()
            self._source, self._state = source, _state_of(source)
            self._values = source.detach().clone() if source.device.type == "cpu" else None
        if grid not in self._of_grid:
            self._of_grid[grid] = compute().detach()
            if len(self._of_grid) > CACHED_GRIDS:
                self._of_grid.popitem(last=False)
        self._of_grid.move_to_end(grid)
        return self._of_grid[grid]

    def _knows(self, source: Tensor) -> bool:
        if source is not self._source or _state_of(source) != self._state:
            return False
        # Writing through `.data` counts no version; to compare values on a GPU would force a host sync.
        return self._values is None or torch.equal(self._values, source)


def _state_of(source: Tensor) -> tuple[Any, ...]:
    """Return what tells, without a look at the values, that a tensor has changed."""
    version = None if source.is_inference() else source._version
    return source.data_ptr(), source.dtype, source.device, version


class FusedEncoder:
    """All layers of an encoder, fused for inference.

    Args:
        encoder: transformers' `Dinov2Model` or `Dinov2WithRegistersModel`.

    Raises:
        ValueError: its projections are no plain linear layers.
    """

    def __init__(self, encoder: nn.Module) -> None:
        model: Any = encoder
        heads = int(model.config.num_attention_heads)
        self.positions = PositionCache()
        # All are checked before the first is changed: an error leaves the encoder as it was.
        found = [projections_of(layer.get_submodule("attention")) for layer in model.encoder.layer]
        self.layers = [
            FusedLayer(layer, heads, projections)
            for layer, projections in zip(model.encoder.layer, found, strict=True)
        ]

    def separate(self) -> None:
        """Give every parameter its own memory again."""
        for layer in self.layers:
            layer.fused_projections.separate()
