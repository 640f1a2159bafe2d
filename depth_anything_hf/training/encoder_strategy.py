# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Encoder strategies: which of the encoder's parameters are trained, at which share of its rate, and from when on.

The authors train all of them, in teacher and students alike (DepthAnything/Depth-Anything-V2, issue 37).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from torch import nn

    from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation

CHOICES = (
    "'full', 'frozen', 'last-N' (e.g. last-4), 'layerwise:DECAY' (e.g. layerwise:0.9), 'lora', 'norms', 'bias' or "
    "'warmup:STEPS' (e.g. warmup:500)"
)
PATTERN = re.compile(r"(full|frozen|lora|norms|bias)|(last)-(\d+)|(layerwise):(.+)|(warmup):(\d+)")
# Several of them in one value.
SEPARATOR = re.compile(r"[\s,+;&]+")
# Those that train so little of a pretrained encoder that the paper's rate hardly moves it.
FEW_PARAMETERS = ("lora", "norms", "bias")

ALL_ARE_TRAINED = "Depth Anything trains the whole encoder, in teacher and students alike"
WARNINGS = {
    "frozen": f"does not train the encoder. {ALL_ARE_TRAINED}; a fixed encoder saves time and memory but keeps "
    "features that were not made for depth, and fine structures suffer first",
    "last": f"does not train the whole encoder. {ALL_ARE_TRAINED}; the decoder also reads earlier layers, which keep "
    "features that were not made for depth, and fine structures suffer first",
    "lora": f"does not train the whole encoder but adapters in it. {ALL_ARE_TRAINED}; changes of low rank save memory "
    "but reach less than all weights do",
    "norms": f"trains the encoder's norms alone. {ALL_ARE_TRAINED}; norms scale and shift the features of their "
    "pretraining, which were not made for depth",
    "bias": f"trains the encoder's biases alone. {ALL_ARE_TRAINED}; biases shift the features of their pretraining, "
    "which were not made for depth",
}
ADVICE = "Use it when memory decides, when images are few, or for comparison."


@dataclass(frozen=True)
class EncoderStrategy:
    """What of the encoder is trained, as `encoder_strategy` says it.

    Attributes:
        text: as it was given.
        kind: "full", "frozen", "last", "layerwise", "lora", "norms", "bias" or "warmup".
        layers: of "last": how many layers, counted from the last one that the decoder sees.
        decay: of "layerwise": rate of a layer / rate of the next one, in (0, 1].
        frozen_steps: of "warmup": optimizer steps without the encoder.
    """

    text: str
    kind: str
    layers: int = 0
    decay: float = 1.0
    frozen_steps: int = 0

    @classmethod
    def parse(cls, text: str) -> EncoderStrategy:
        """Read a value of `encoder_strategy`.

        Raises:
            ValueError: it is none, or more than one.
        """
        parts = [each for each in SEPARATOR.split(text) if each]
        if len(parts) > 1 and all(PATTERN.fullmatch(each) for each in parts):
            raise ValueError(
                f"encoder_strategy is {text!r}, which are {len(parts)} strategies; expected one of them: "
                f"{' or '.join(parts)}"
            )
        found = PATTERN.fullmatch(text)
        if found is None:
            raise ValueError(f"encoder_strategy is {text!r}, expected {CHOICES}")
        plain, last, layers, layerwise, decay, _, steps = found.groups()
        if plain:
            return cls(text, plain)
        if last:
            return cls(text, last, layers=int(layers))
        if layerwise:
            return cls(text, layerwise, decay=_decay(text, decay))
        if int(steps) < 1:
            raise ValueError(f"encoder_strategy is {text!r}, expected at least 1 step; without any it is 'full'")
        return cls(text, "warmup", frozen_steps=int(steps))

    @property
    def trains_few(self) -> bool:
        """Whether so little is trained that a pretrained encoder needs more than the paper's rate."""
        return self.kind in FEW_PARAMETERS

    def require_steps(self, total: int) -> None:
        """Raise ValueError if a run of `total` optimizer steps ends before the encoder is trained."""
        if 0 < total <= self.frozen_steps:
            raise ValueError(
                f"encoder_strategy {self.text} freezes the encoder for {self.frozen_steps} steps, but the run has "
                f"{total}, so that it would never be trained; take fewer steps, a longer run, or 'frozen'"
            )

    def encoder_ramp(self, step: int) -> float:
        """Return the share of its scheduled rate that the encoder takes at optimizer step `step` (0-based).

        0 while it is frozen, then a linear rise over as many steps again; 1 without a warm-up.
        """
        if step < self.frozen_steps:
            return 0.0
        return min(1.0, (step - self.frozen_steps + 1) / (self.frozen_steps + 1))

    def group_of(self, name: str, layers: int) -> tuple[str, float]:
        """Return the name of an encoder parameter's group, and its share of the encoder's rate.

        With layer decay the rate of layer l of L is decay^(L + 1 - l) of the encoder's: 1 for the last norm, decay for
        the last layer, decay^(L + 1) for the embeddings (ELECTRA, arXiv 2003.10555; as in `optim_factory.py` of BEiT,
        arXiv 2106.08254). The decoder has a rate of its own.

        Args:
            name: of the parameter in the depth model.
            layers: L, those that the decoder sees.
        """
        if self.kind != "layerwise":
            return "encoder", 1.0
        part = _part_of(name)
        depth = layers + 1 if part == "norm" else 0 if part == "embeddings" else int(part.removeprefix("layer_"))
        return f"encoder_{part}", self.decay ** (layers + 1 - depth)

    def describe(self, layers: int) -> str:
        """Return what of the encoder is trained, as a few words.

        Args:
            layers: those that the decoder sees.
        """
        words = {
            "last": f"layers {layers - self.layers + 1} to {layers} of {layers} and the last norm",
            "layerwise": f"rate x {self.decay:g}^({layers + 1} - layer), embeddings x "
            f"{self.decay ** (layers + 1):.3g}",
            "norms": "weights and biases of all norms",
            "bias": "all biases",
            "warmup": f"from step {self.frozen_steps + 1} on, at its whole rate from step "
            f"{2 * self.frozen_steps + 1} on",
        }
        return f"{self.text}: {words[self.kind]}" if self.kind in words else self.text

    def warning(self) -> str | None:
        """Return the reason to prefer "full", or None where the whole encoder is trained."""
        reason = WARNINGS.get(self.kind)
        return None if reason is None else f"encoder_strategy={self.text} {reason}. {ADVICE}"


def apply_encoder_strategy(model: DepthAnythingForDepthEstimation, strategy: EncoderStrategy) -> None:
    """Freeze the encoder's parameters that are not trained; the decoder always is.

    What "warmup" trains later stays as it is, and adapters of "lora" are no matter of this function.

    Args:
        model: what it froze for having no use, or its owner for reasons of his own, stays frozen.
        strategy: what is trained.

    Raises:
        ValueError: the strategy does not fit the encoder, or leaves nothing of it to train.
    """
    layers = model.out_indices[-1]
    if strategy.kind == "last" and not 1 <= strategy.layers <= layers:
        raise ValueError(
            f"encoder_strategy is {strategy.text!r}, but the decoder sees {layers} layers of this encoder; expected "
            f"'last-N' with N from 1 to {layers}, or 'full'"
        )
    for name, parameter in model.backbone.named_parameters():
        if not _is_trained(strategy, name, model):
            parameter.requires_grad_(False)
    has_some = any(each.requires_grad for each in model.backbone.parameters())
    if strategy.kind not in ("full", "frozen") and not has_some:
        raise ValueError(
            f"encoder_strategy is {strategy.text!r}, but all parameters of the encoder that it trains are frozen "
            "(requires_grad False): let some be trained, or take encoder_strategy 'frozen'"
        )


def encoder_parts(model: DepthAnythingForDepthEstimation) -> Iterator[tuple[str, nn.Module]]:
    """Yield the encoder's parts in the order in which an image passes them: embeddings, layers, last norm."""
    backbone: Any = model.backbone
    yield "embeddings", backbone.embeddings
    for number, layer in enumerate(backbone.encoder.layer, start=1):
        yield f"layer_{number}", layer
    yield "norm", backbone.layernorm


def train_mode(model: nn.Module) -> None:
    """Put a depth model into training mode, the parts of its encoder of which nothing is trained in evaluation mode.

    There dropout and drop path do nothing, and nothing is recomputed in the backward pass.
    """
    model.train()
    reaches_trained = False
    for _, part in encoder_parts(model):  # type: ignore[arg-type]
        if any(each.requires_grad for each in part.parameters()):
            reaches_trained = True
            continue
        part.eval()
        # Gradients pass through a frozen layer behind a trained one, which keeps activations or recomputes them.
        part.training = reaches_trained and bool(getattr(part, "gradient_checkpointing", False))


def _is_trained(strategy: EncoderStrategy, name: str, model: DepthAnythingForDepthEstimation) -> bool:
    """Return whether a parameter of the encoder, by its name there, is one that a strategy trains."""
    if strategy.kind == "frozen":
        return False
    if strategy.kind == "last":
        part, first = _part_of(name), model.out_indices[-1] - strategy.layers
        return part == "norm" or (part.startswith("layer_") and int(part.removeprefix("layer_")) > first)
    if strategy.kind == "norms":
        return name.startswith("layernorm.") or ".norm1." in name or ".norm2." in name
    if strategy.kind == "bias":
        return name.endswith(".bias")
    return True


def _part_of(name: str) -> str:
    """Return the name of the part in `encoder_parts` that has a parameter, by the parameter's name."""
    name = name.removeprefix("backbone.")
    if name.startswith("encoder.layer."):
        return f"layer_{int(name.split('.')[2]) + 1}"
    return "norm" if name.startswith("layernorm.") else "embeddings"


def _decay(text: str, given: str) -> float:
    try:
        decay = float(given)
    except ValueError:
        decay = 0.0
    if not 0 < decay <= 1:
        raise ValueError(
            f"encoder_strategy is {text!r}, expected a decay above 0 and at most 1, e.g. layerwise:0.9: the rate of "
            "a layer is that share of the next one's"
        )
    return decay


__all__ = ["EncoderStrategy", "apply_encoder_strategy", "encoder_parts", "train_mode"]
