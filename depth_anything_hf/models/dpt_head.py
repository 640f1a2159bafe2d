# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The DPT decoder: neck and head, from the features of four encoder layers to a map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .configuration_depth_anything import DepthAnythingConfig
from .output_convolution import OutputConvolution, full_precision


# Where a fresh relative head starts: the last ReLU must not cut the output off before training begins. Targets are
# near [0, 1] (min-max disparity), so a start around their typical value also spares the first steps.
INITIAL_DISPARITY = 0.3


class CheckpointedPart(nn.Module):
    """A part of the decoder whose maps are recomputed in the backward pass if activation checkpointing is on.

    It has transformers' flag but is no `GradientCheckpointingLayer`, which stands for the encoder's layers only: they
    are counted, and compiled one by one.
    """

    # Set by transformers, together with `_gradient_checkpointing_func`.
    gradient_checkpointing = False

    def checkpoint(self, part: Callable[..., Tensor], *inputs: Any) -> Tensor:
        """Call `part`; with checkpointing only its inputs and output are kept for the backward pass."""
        if self.gradient_checkpointing and self.training:
            output: Tensor = self._gradient_checkpointing_func(part, *inputs)  # type: ignore[operator]
            return output
        return part(*inputs)


class ReassembleLayer(nn.Module):
    """Projects the features of one encoder layer and resizes them to x4, x2, x1 or x1/2 of the patch grid."""

    def __init__(self, config: DepthAnythingConfig, channels: int, factor: float) -> None:
        super().__init__()
        self.projection = nn.Conv2d(config.reassemble_hidden_size, channels, kernel_size=1)
        self.resize: nn.Module
        if factor > 1:
            self.resize = nn.ConvTranspose2d(channels, channels, kernel_size=int(factor), stride=int(factor))
        elif factor == 1:
            self.resize = nn.Identity()
        else:
            self.resize = nn.Conv2d(channels, channels, kernel_size=3, stride=int(1 / factor), padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, channels, factor * h, factor * w)."""
        resized: Tensor = self.resize(self.projection(features))
        return resized


class ReassembleStage(nn.Module):
    """One `ReassembleLayer` for each of the encoder layers that feed the decoder."""

    def __init__(self, config: DepthAnythingConfig) -> None:
        super().__init__()
        sizes = zip(config.neck_hidden_sizes, config.reassemble_factors, strict=True)
        self.layers = nn.ModuleList(ReassembleLayer(config, channels, factor) for channels, factor in sizes)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """Feature maps (B, C, h, w) of one size in, maps of four sizes out, finest first."""
        return [layer(one) for layer, one in zip(self.layers, features, strict=True)]


class ResidualConvolutions(nn.Module):
    """Two pre-activated 3x3 convolutions around a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution1 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.convolution2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h, w)."""
        inner = F.relu(self.convolution1(F.relu(features)), inplace=True)
        output: Tensor = self.convolution2(inner)
        return output.add_(features)


class FusionLayer(nn.Module):
    """Adds a finer feature map to a coarser one and resizes the sum to the next finer size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(channels, channels, kernel_size=1)
        self.residual_layer1 = ResidualConvolutions(channels)
        self.residual_layer2 = ResidualConvolutions(channels)

    def forward(self, features: Tensor, finer: Tensor | None, size: tuple[int, int]) -> Tensor:
        """(B, C, h, w) twice, the second unless it is None -> (B, C, *size)."""
        if finer is not None:
            features = self.residual_layer1(finer).add_(features)
        features = self.residual_layer2(features)
        # Bilinear weights sum to one, so projecting before upsampling gives the same map for a quarter of the work.
        return F.interpolate(self.projection(features), size=size, mode="bilinear", align_corners=True)


class FusionStage(CheckpointedPart):
    """Fuses feature maps from the coarsest to the finest, each with the result so far."""

    def __init__(self, config: DepthAnythingConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(FusionLayer(config.fusion_hidden_size) for _ in config.neck_hidden_sizes)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """Fuse maps, given finest first; results are coarsest first, the last twice the size of the finest input."""
        coarse_to_fine = features[::-1]
        fused: list[Tensor] = []
        for index, (layer, feature) in enumerate(zip(self.layers, coarse_to_fine, strict=True)):
            if index + 1 < len(coarse_to_fine):
                height, width = coarse_to_fine[index + 1].shape[2:]
            else:
                height, width = 2 * feature.shape[2], 2 * feature.shape[3]
            maps = (fused[-1], feature) if fused else (feature, None)
            fused.append(self.checkpoint(layer, *maps, (height, width)))
        return fused


class DepthAnythingNeck(nn.Module):
    """Features of four encoder layers in, fused feature maps out, coarsest first."""

    def __init__(self, config: DepthAnythingConfig) -> None:
        super().__init__()
        self.reassemble_stage = ReassembleStage(config)
        self.convs = nn.ModuleList(
            nn.Conv2d(channels, config.fusion_hidden_size, kernel_size=3, padding=1, bias=False)
            for channels in config.neck_hidden_sizes
        )
        self.fusion_stage = FusionStage(config)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """Fuse the feature maps (B, C, h, w) of four encoder layers; the last result is the finest, 8h x 8w."""
        reassembled = self.reassemble_stage(features)
        maps = [conv(feature) for conv, feature in zip(self.convs, reassembled, strict=True)]
        fused: list[Tensor] = self.fusion_stage(maps)
        return fused


class DepthAnythingHead(CheckpointedPart):
    """Three convolutions with an upsampling to the image's size between the first two; ReLU or scaled sigmoid last.

    With `checkpoints_by_image` a part that is recomputed is recomputed for one image of the batch after the other,
    whose gradients are then summed in another order.
    """

    checkpoints_by_image = False

    def __init__(self, config: DepthAnythingConfig) -> None:
        super().__init__()
        channels = config.fusion_hidden_size
        self.head_in_index = config.head_in_index
        self.max_depth = config.max_depth
        self.metric = config.depth_estimation_type == "metric"
        self.conv1 = nn.Conv2d(channels, channels // 2, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(channels // 2, config.head_hidden_size, kernel_size=3, padding=1)
        self.conv3 = OutputConvolution(config.head_hidden_size, 1, kernel_size=1)
        # Read by `_init_weights`, which transformers calls for the modules that own parameters only.
        self.conv3.initial_bias = 0.0 if self.metric else INITIAL_DISPARITY  # type: ignore[assignment]

    def forward(self, fused: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Predict (B, H, W): disparity >= 0 of a relative head, or depth in 0..max_depth units of a metric head.

        The map is float32 where features and weights are bfloat16 or float16, and under autocast.
        """
        features = self.conv1(fused[self.head_in_index])
        if self.checkpoints_by_image:
            return torch.cat([self.checkpoint(self._predict, image, size) for image in features.split(1)])
        return self.checkpoint(self._predict, features, size)

    def _predict(self, features: Tensor, size: tuple[int, int]) -> Tensor:
        # The upsampled map is the largest of all.
        features = self.conv2(F.interpolate(features, size=size, mode="bilinear", align_corners=True))
        with full_precision(features):
            output: Tensor = self.conv3(F.relu(features, inplace=True)).squeeze(1)
            # Stock multiplies a relative output too, by the 1 that its configurations carry.
            predicted: Tensor = (torch.sigmoid(output) if self.metric else F.relu(output)) * self.max_depth
        return predicted
