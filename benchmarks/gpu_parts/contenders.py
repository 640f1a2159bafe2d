# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What is timed on a GPU: training steps and labelling passes of our model, of stock, and of the original code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from accelerate import Accelerator
from harness import images
from losses import by_loop, maps
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import DepthAnythingForDepthEstimation as StockModel
from transformers import Dinov2Config

from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation
from depth_anything_hf.training.engine import Engine
from depth_anything_hf.training.objectives import SupervisedRelative
from depth_anything_hf.training.optim import LearningRates
from depth_anything_hf.training.step_status import ReducedStatus
from depth_anything_hf.training.trainer import TrainingArguments


LEARNING_RATE = 1e-8

COMPILED = "ours, compiled"
ORIGINAL = "original, fp32"
# Arguments of the original's model (its README); it has none as small as "tiny".
ORIGINAL_ARGUMENTS = {
    "small": {"encoder": "vits", "features": 64, "out_channels": [48, 96, 192, 384]},
    "base": {"encoder": "vitb", "features": 128, "out_channels": [96, 192, 384, 768]},
    "large": {"encoder": "vitl", "features": 256, "out_channels": [256, 512, 1024, 1024]},
}
ORIGINAL_ARGUMENTS["tiny"] = ORIGINAL_ARGUMENTS["small"]


def configuration(size: str) -> DepthAnythingConfig:
    if size != "tiny":
        return DepthAnythingConfig.from_size(size)  # type: ignore[arg-type]
    encoder = Dinov2Config(hidden_size=32, num_hidden_layers=4, num_attention_heads=2, image_size=56, patch_size=14)
    return DepthAnythingConfig.from_encoder_config(
        encoder, neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=8, head_hidden_size=8
    )


class Original(nn.Module):
    """The original code's model, called as the others are."""

    def __init__(self, size: str) -> None:
        super().__init__()
        from depth_anything_v2.dpt import DepthAnythingV2

        self.model = DepthAnythingV2(**ORIGINAL_ARGUMENTS[size])

    def forward(self, pixel_values: Tensor) -> SimpleNamespace:
        return SimpleNamespace(predicted_depth=self.model(pixel_values))


def open_model(contender: str, size: str, device: torch.device, dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(0)
    if contender == ORIGINAL:
        with device:
            return Original(size)
    kind: Any = StockModel if contender == "stock" else DepthAnythingForDepthEstimation
    config = configuration(size)
    config.backbone_config._attn_implementation = "sdpa"
    # Made where it will be: to draw a large model's weights takes a CPU many seconds.
    with device:
        model: nn.Module = kind(config).to(device, dtype)
    if contender == "stock":
        return model
    nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


@cache
def forward_operations(size: str, side: int, device: torch.device) -> int:
    """Floating-point operations of one image's forward pass."""
    model = open_model("ours", size, device, torch.bfloat16).eval()
    pixels = images(1, side, side).to(device, torch.bfloat16)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(pixel_values=pixels)
    return int(counter.get_total_flops())


def training_step(contender: str, size: str, side: int, batch: int, device: torch.device) -> Callable[[], None]:
    model = open_model(contender, size, device, torch.float32).train()
    pixels = images(batch, side, side).to(device)
    labels = maps(batch, side)[1].to(device)
    if contender.startswith("ours"):
        return step_of_fit(model, {"pixel_values": pixels, "labels": labels}, device, contender == COMPILED)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE)
    precision = nullcontext() if contender == ORIGINAL else torch.autocast(device.type, torch.bfloat16)

    def step() -> None:
        with precision:
            loss = by_loop(model(pixel_values=pixels).predicted_depth.float(), labels).mean()
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad()

    return step


def step_of_fit(model: Any, batch: dict[str, Any], device: torch.device, compiled: bool) -> Callable[[], None]:
    """The optimizer step of `fit`, without its data and its log."""
    accelerator = Accelerator(mixed_precision="bf16", cpu=device.type == "cpu")
    arguments = TrainingArguments("unused", torch_compile=compiled)
    rates = LearningRates(LEARNING_RATE, LEARNING_RATE, "weights stay nearly as they are")
    engine = Engine(accelerator, model, SupervisedRelative(), arguments, rates, total_steps=10**6)

    named = {**batch, "name": [str(index) for index in range(len(batch["pixel_values"]))]}

    def step() -> None:
        loss = engine.accumulate(named, 0.0, step=1)["loss"]
        counted_images = engine.normalize_gradients()
        status = ReducedStatus(
            accelerator,
            stop=False,
            unreadable=False,
            broken_samples=0,
            loss_is_finite=torch.isfinite(loss),
            gradient_norm=engine.clip_gradients(),
            counted_images=counted_images,
            overflow_is_allowed=False,
        )
        engine.step(status.leave_out)

    return step


def labelling_pass(contender: str, size: str, side: int, batch: int, device: torch.device) -> Callable[[], None]:
    model: Any = open_model(contender, size, device, torch.bfloat16).eval()
    pixels = images(batch, side, side).to(device, next(model.parameters()).dtype)
    if contender == COMPILED:
        model.optimize_for_inference(compile=True)

    @torch.inference_mode()
    def forward() -> None:
        model(pixel_values=pixels).predicted_depth.float().cpu()

    return forward


WORK = {"training": training_step, "labelling": labelling_pass}


def find_original(checkout: Path) -> None:
    """Make the original code importable.

    Raises:
        SystemExit: it is not there.
    """
    if not (checkout / "depth_anything_v2" / "dpt.py").is_file():
        raise SystemExit(f"{checkout} is no checkout of DepthAnything/Depth-Anything-V2: no depth_anything_v2/dpt.py")
    sys.path.insert(0, str(checkout))
    if find_spec("torchvision") is None:
        # Its file imports this for the preparation of images, which is not measured here.
        stand_in: Any = ModuleType("torchvision.transforms")
        stand_in.Compose = None
        sys.modules |= {"torchvision": ModuleType("torchvision"), "torchvision.transforms": stand_in}
