# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which parameters of a model a run trains: by its encoder strategy, or adapters and decoder."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..models.parameter_names import unused_prefixes
from .adapters import adapters_of
from .arguments import TrainingArguments
from .encoder_strategy import EncoderStrategy, apply_encoder_strategy
from .lora import add_lora, require_base


@dataclass(frozen=True)
class TrainedParameters:
    """What a run trains.

    Attributes:
        encoder: what of the encoder, as a few words, with the number of parameters.
        decoder: how many parameters of the decoder.
        total: how many in all.
        warning: the reason to train more of the encoder, or None.
    """

    encoder: str
    decoder: int
    total: int
    warning: str | None

    def __str__(self) -> str:
        return (
            f"{self.total / 1e6:.3g} M parameters (encoder: {self.encoder}; decoder: {self.decoder / 1e6:.3g} M "
            "parameters)"
        )


def choose_trained(
    model: DepthAnythingForDepthEstimation, arguments: TrainingArguments, *, is_sharding: bool
) -> TrainedParameters:
    """Let the parameters be trained that the strategy names, or adapters and decoder where there are adapters.

    Args:
        model: without wrapper, see `adapters.without_wrapper`.
        arguments: of the run; with strategy "lora" the model gets its adapters here.
        is_sharding: whether the parameters will be divided over processes.

    Raises:
        ValueError: the strategy does not fit the model, or the adapters cannot be trained.
    """
    strategy = EncoderStrategy.parse(arguments.encoder_strategy)
    adapters = adapters_of(model)
    if adapters is None and strategy.kind != "lora":
        apply_encoder_strategy(model, strategy)
        trained, whole = _count(model.backbone), sum(each.numel() for each in model.backbone.parameters())
        words = f"{strategy.describe(model.out_indices[-1])}, {_of(trained, whole)}"
    else:
        if is_sharding:
            raise ValueError(
                "adapters are not supported for sharded models; train them with DDP, where all that is not trained "
                "takes no memory for gradients and optimizer, or unload them to train the whole encoder"
            )
        unused = unused_prefixes(model.config.backbone_config, model.out_indices)
        if adapters is None:
            if not arguments.lora_merge:
                require_base(model)
            frozen = [each for each in model.parameters() if not each.requires_grad]
            adapters = add_lora(model, int(arguments.lora_rank or 0), arguments.lora_targets, arguments.seed)
            adapters.train("full", unused)
            for parameter in frozen:
                parameter.requires_grad_(False)
        else:
            adapters.train(strategy.text, unused)
        # What cannot be saved is refused before the training and not after it.
        adapters.state_dict()
        words = adapters.describe()
    total, of_encoder = _count(model), _count(model.backbone)
    return TrainedParameters(words, total - of_encoder, total, strategy.warning())


def _count(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters() if each.requires_grad)


def _of(trained: int, whole: int) -> str:
    return f"{trained / 1e6:.3g} M of {whole / 1e6:.3g} M parameters"


__all__ = ["TrainedParameters", "choose_trained"]
