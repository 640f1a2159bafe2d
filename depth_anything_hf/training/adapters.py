# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Adapters of peft in the encoder: what is trained beside them, and how such a model is saved.

A model gets them by `model.add_adapter(config)` or `peft.get_peft_model(model, config)`. Both put layers of peft
around layers of the model, which then has parameters of other names; saved, it is a plain model again, with the
adapters merged into its weights.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import PreTrainedModel

from ..hub.publisher import ADAPTER_FOLDER
from ..models.adapters import OUTPUT_FIELDS, OUTPUT_KEY
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..utils.redaction import redact_name
from .description import absolute_path


DECODER = ("neck", "head")
# Methods whose ranks change while they are trained, by calls of which this training knows nothing.
NOT_SUPPORTED = ("ADALORA",)
# Fields that are recorded with their defaults too, and those that say nothing about what is trained.
ALWAYS_RECORDED = ("peft_type", "r")
NOT_RECORDED = ("auto_mapping", "base_model_name_or_path", "inference_mode", "peft_version", "revision", "task_type")


class Adapters:
    """The adapters of a model, one set of which is active.

    Args:
        model: has layers of peft; see `adapters_of`.
        layers: these layers, by name.

    Attributes:
        layers: of peft, by their names.
        name: of the active set, such as "default".
        config: its configuration.

    Raises:
        ValueError: they cannot be trained or merged as they are; the message says why.
    """

    def __init__(self, model: nn.Module, layers: dict[str, Any]) -> None:
        from peft.utils.other import ModulesToSaveWrapper

        self._model, self.layers = model, layers
        self._copied = {
            name: module for name, module in model.named_modules() if isinstance(module, ModulesToSaveWrapper)
        }
        active = sorted({name for layer in layers.values() for name in layer.active_adapters})
        if len(active) != 1:
            raise ValueError(
                f"the model has {len(active)} active adapters ({', '.join(active) or 'none'}), expected one; choose "
                "it with model.set_adapter(name)"
            )
        self.name = active[0]
        self.config: Any = model.peft_config[self.name]  # type: ignore[index]
        if self.kind in NOT_SUPPORTED:
            raise ValueError(f"adapters of type {self.kind} are not supported, e.g. LORA is; train those instead")
        if any(layer.disable_adapters for layer in layers.values()):
            raise ValueError("the model's adapters are disabled; call model.enable_adapters() before the training")
        if any(layer.merged for layer in layers.values()):
            raise ValueError(
                "the model's adapters are merged into its weights; unmerge them (peft: model.unmerge_adapter()), or "
                "unload them (model.merge_and_unload()) to train the whole encoder"
            )
        if any(not each.is_floating_point() for each in model.parameters()):
            raise ValueError(
                "the model is quantized, which has no weights to merge adapters into; open it unquantized"
            )

    @property
    def kind(self) -> str:
        """Type of the adapters by peft's name, such as "LORA"."""
        kind = self.config.peft_type
        return str(getattr(kind, "value", kind))

    def plain_name(self, name: str) -> str | None:
        """Return the name that a parameter has without adapters; None where it then does not exist."""
        for path in self.layers:
            if name.startswith(f"{path}."):
                inner = name[len(path) + 1 :]
                if not inner.startswith("base_layer."):
                    return None
                name = f"{path}.{inner.removeprefix('base_layer.')}"
        for path, module in self._copied.items():
            if name.startswith(f"{path}."):
                used = f"modules_to_save.{self.name}." if self.name in module.modules_to_save else "original_module."
                inner = name[len(path) + 1 :]
                if not inner.startswith(used):
                    return None
                name = f"{path}.{inner.removeprefix(used)}"
        return name

    def train(self, encoder_strategy: str, unused: tuple[str, ...]) -> None:
        """Let adapters and decoder be trained, and what else of the encoder the caller has not frozen.

        Where the decoder has adapters of its own, the layers inside them stay frozen.

        Args:
            encoder_strategy: of the training arguments; "full" stands for the adapters.
            unused: how the plain names of parameters begin that no input reaches; they are frozen.

        Raises:
            ValueError: the strategy contradicts the adapters.
        """
        if encoder_strategy != "full":
            raise ValueError(
                f"encoder_strategy is {encoder_strategy!r}, but the encoder has adapters, which are trained; leave "
                "encoder_strategy out, or unload the adapters (peft: model.merge_and_unload())"
            )
        for layer in self.layers.values():
            layer.set_adapter(self.name)
        for module in self._copied.values():
            if self.name in module.modules_to_save:
                module.set_adapter(self.name)
        for name, parameter in self._model.named_parameters():
            plain = self.plain_name(name)
            inside = any(name.startswith(f"{path}.") for path in self.layers)
            if plain is not None and plain.startswith(DECODER) and not inside:
                parameter.requires_grad_(True)
            if (plain or name).startswith(unused):
                parameter.requires_grad_(False)

    def describe(self) -> str:
        """Return what of the encoder is trained, as a few words."""
        encoder = dict(self._model.get_submodule("backbone").named_parameters(prefix="backbone"))
        trained = sum(each.numel() for each in encoder.values() if each.requires_grad)
        whole = sum(each.numel() for name, each in encoder.items() if self.plain_name(name) is not None)
        rank = getattr(self.config, "r", None)
        words = f"adapters of type {self.kind}" if rank is None else f"adapters of rank {rank}"
        return f"{words}, {trained / 1e6:.3g} M of {whole / 1e6:.3g} M parameters"

    def record(self) -> dict[str, Any]:
        """Return the configuration as far as it differs from the defaults, as plain values that JSON has."""
        values = {}
        for field in dataclasses.fields(self.config):
            value = getattr(self.config, field.name)
            default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
            if field.name in ALWAYS_RECORDED or (value != default and field.name not in NOT_RECORDED):
                values[field.name] = value
        record: dict[str, Any] = json.loads(json.dumps(values, default=_plain))
        return record

    def merged_model(self) -> PreTrainedModel:
        """Return a plain model on the CPU with the adapters merged into its weights; this one stays as it is."""
        state = {}
        for name, value in self._model.state_dict().items():
            plain = self.plain_name(name)
            if plain is not None:
                state[plain] = value.detach()
        for path, layer in self.layers.items():
            # One at a time: merged weights of the whole model would take its memory once more on the device.
            layer = copy.deepcopy(layer)
            layer.merge(adapter_names=[self.name])
            for name, value in layer.get_base_layer().state_dict().items():
                plain = self.plain_name(f"{path}.base_layer.{name}")
                if plain is not None:
                    state[plain] = value.detach()
        model: Any = self._model
        with torch.device("meta"):
            plain_model: PreTrainedModel = type(model)(model.config)
        plain_model.load_state_dict({name: value.cpu() for name, value in state.items()}, assign=True)
        return plain_model

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the tensors of the adapters by peft's names.

        Raises:
            ValueError: peft cannot save them so; the message is its own.
        """
        from peft import get_peft_model_state_dict

        state: dict[str, torch.Tensor] = get_peft_model_state_dict(
            self._model, adapter_name=self.name, save_embedding_layers=False
        )
        return state

    def save(self, folder: Path, *, is_published: bool) -> None:
        """Write adapters and decoder in peft's format, for `PeftModel.from_pretrained(base, folder)`.

        Args:
            folder: made here.
            is_published: the base's name is no path of this machine.
        """
        state = self.state_dict()
        decoder = self._decoder_modules()
        for name, value in self._model.state_dict().items():
            plain = self.plain_name(name)
            if plain is not None and plain.startswith(tuple(f"{each}." for each in decoder)):
                state[plain] = value
        config = copy.deepcopy(self.config)
        config.modules_to_save = list(dict.fromkeys([*(config.modules_to_save or []), *decoder]))
        config.inference_mode = True
        base = self._base_name()
        # From another folder a relative path would be another one, or a model id of the Hub.
        config.base_model_name_or_path = redact_name(base) if base and is_published else base and absolute_path(base)
        folder.mkdir(parents=True, exist_ok=True)
        output = {key: getattr(self._model.config, key, default) for key, default in OUTPUT_FIELDS.items()}
        library = {"base_model_class": "DepthAnythingForDepthEstimation", "parent_library": "transformers"}
        config.save_pretrained(str(folder), auto_mapping_dict={**library, OUTPUT_KEY: output})
        tensors = {f"base_model.model.{name}": value.detach().cpu().contiguous() for name, value in state.items()}
        save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})

    def _decoder_modules(self) -> list[str]:
        """Return the parts of the decoder that are trained as they are: all of it, or those without adapters."""
        names: list[str] = []
        for part in DECODER:
            if not any(path.startswith(f"{part}.") for path in self.layers):
                names.append(part)
                continue
            for path, module in self._model.get_submodule(part).named_modules(prefix=part):
                is_inside = any(f"{path}.".startswith(f"{each}.") for each in self.layers)
                if not is_inside and any(True for _ in module.parameters(recurse=False)):
                    names.append(path)
        return names

    def _base_name(self) -> str | None:
        """Return the model that the training began with, or the encoder where the decoder was fresh."""
        model: Any = self._model
        encoder = getattr(model.config.backbone_config, "_name_or_path", None)
        return model.name_or_path or self.config.base_model_name_or_path or encoder or None


def adapters_of(model: nn.Module) -> Adapters | None:
    """Return the adapters of a model; None where it has none.

    Raises:
        ValueError: they cannot be trained or merged as they are.
    """
    # A model has layers of peft only where peft was imported, which takes seconds.
    if "peft" not in sys.modules:
        return None
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = {name: module for name, module in model.named_modules() if isinstance(module, BaseTunerLayer)}
    # Parts of a layer of peft may be layers of peft, which it merges itself.
    outer = {name: layer for name, layer in layers.items() if not any(name.startswith(f"{each}.") for each in layers)}
    return Adapters(model, outer) if outer else None


def without_wrapper(model: nn.Module) -> DepthAnythingForDepthEstimation:
    """Return the depth model inside peft's `PeftModel`, with the adapters in its layers; any other model itself.

    Raises:
        ValueError: its method adds inputs rather than layers.
    """
    if "peft" in sys.modules:
        from peft import PeftModel

        if isinstance(model, PeftModel):
            if model.active_peft_config.is_prompt_learning:
                raise ValueError(
                    f"adapters of type {model.active_peft_config.peft_type.value} add tokens to a text, which a depth "
                    "model does not read; choose one that changes layers, e.g. LORA"
                )
            model = model.get_base_model()
    return model  # type: ignore[return-value]


def adapter_record(model: nn.Module) -> dict[str, Any] | None:
    """Return what a run's record says about a model's adapters; None without any."""
    adapters = adapters_of(without_wrapper(model))
    return None if adapters is None else adapters.record()


def save_merged(model: PreTrainedModel, folder: Path, *, is_published: bool) -> dict[str, Any] | None:
    """Save a model with adapters: merged, as a plain model, and the adapters in the folder `adapter`.

    Args:
        model: as it is trained.
        folder: of the model.
        is_published: see `Adapters.save`.

    Returns:
        What a record says about them, see `Adapters.record`; None without adapters, and then nothing is written.
    """
    adapters = adapters_of(model)
    if adapters is None:
        return None
    adapters.merged_model().save_pretrained(folder)
    adapters.save(folder / ADAPTER_FOLDER, is_published=is_published)
    return adapters.record()


def save_alone(model: PreTrainedModel, folder: Path, *, is_published: bool) -> dict[str, Any]:
    """Save the adapters of a model and its decoder in peft's format, in a folder of their own.

    Args:
        model: as it is trained, with adapters.
        folder: gets no configuration of a model, so that transformers opens it from its base.
        is_published: see `Adapters.save`.

    Returns:
        What a record says about them, see `Adapters.record`.
    """
    adapters = adapters_of(model)
    assert adapters is not None
    adapters.save(folder, is_published=is_published)
    return adapters.record()


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else str(getattr(value, "value", value))


__all__ = [
    "Adapters",
    "adapter_record",
    "adapters_of",
    "save_alone",
    "save_merged",
    "without_wrapper",
]
