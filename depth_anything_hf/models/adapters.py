# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Folders of adapters alone: found here or on the Hub, opened with the model that they name, and merged into it.

Such a folder has adapters of peft, and the decoder where it was trained beside them, but no configuration of a model.
Tensors are read from safetensors only, which run no code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn
from transformers import AutoConfig, PreTrainedConfig

from ..utils.paths import expand_home
from .adapter_names import CONFIG_FILE, WEIGHTS_FILE, own_adapter_names
from .hub_files import HUB_OPTIONS, commit_in, commit_of, hub_file
from .missing import name_what_is_missing
from .quantization import is_quantized


# They say which files of a repository are meant: those of the adapters, and not of their base.
OF_ONE_REPOSITORY = ("revision", "subfolder")
PICKLED_FILE = "adapter_model.bin"
ADAPTER_NAME = "default"
# How safetensors names precisions.
STORED_DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16, "F64": torch.float64}
# In the configuration's `auto_mapping`, where peft leaves it: what the model that they were trained in predicts.
OUTPUT_KEY = "depth_anything_output"
KIND = "depth_estimation_type"
# With the values of configurations that lack them.
OUTPUT_FIELDS = {KIND: "relative", "max_depth": 1, "depth_unit": "m"}
NAMES_SHOWN = 5


@dataclass(frozen=True)
class AdapterFolder:
    """Adapters of peft without the model that they belong to.

    Attributes:
        name: as it was given: a folder, or a model id on the Hub.
        folder: where their files lie on this machine.
        base: the model that they belong to: a folder, or a model id on the Hub.
        base_revision: of the base on the Hub; None: its newest.
        commit: of the adapters on the Hub; None for a folder.
        output: what the model that they were trained in predicts: values of its configuration; empty where not known.
    """

    name: str
    folder: Path
    base: str
    base_revision: str | None = None
    commit: str | None = None
    output: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dtype(self) -> torch.dtype:
        """Precision that the adapters were trained and saved in, and in which they are merged."""
        with self._open() as file:
            found = {STORED_DTYPES.get(file.get_slice(name).get_dtype()) for name in file.keys()}  # noqa: SIM118
        return torch.bfloat16 if found == {torch.bfloat16} else torch.float32

    def base_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return options for the adapters as those with which their base is opened, at one commit of the Hub."""
        kept = {key: value for key, value in options.items() if key not in OF_ONE_REPOSITORY}
        if os.path.isdir(self.base):
            return kept
        revision = commit_of(self.base, {**kept, "revision": self.base_revision}) or self.base_revision
        return kept if revision is None else {**kept, "revision": revision}

    def base_config(self, options: Mapping[str, Any]) -> PreTrainedConfig:
        """Return the configuration of the base.

        Args:
            options: of the Hub, for the adapters.

        Raises:
            OSError: it cannot be found.
            ValueError: it is no whole depth model of this architecture, it is quantized, or it predicts something else
                than the model that the adapters were trained in.
        """
        hub = {key: value for key, value in self.base_options(options).items() if key in HUB_OPTIONS}
        if find_adapters(self.base, hub) is not None:
            raise ValueError(
                f"{self._names_base()}, which has adapters alone too, expected a whole model; merge those first: "
                f"DepthPredictor.from_pretrained({self.base!r}).model.save_pretrained(folder)"
            )
        try:
            with name_what_is_missing(self.base):
                config: PreTrainedConfig = AutoConfig.from_pretrained(self.base, **hub)
        except OSError as error:
            raise OSError(
                f"{self._names_base()}, which cannot be opened: {error} Put that model there, or write into this file "
                "where it is; or train once more with lora_merge True, which needs no base"
            ) from error
        if config.model_type != "depth_anything":
            raise ValueError(
                f"{self._names_base()}, which is a {config.model_type!r} model, expected a Depth Anything model; a "
                "run that began with an encoder has its adapters merged in the folder above"
            )
        if getattr(config, "quantization_config", None) is not None:
            raise self._quantized_base()
        self._check_output(config)
        return config

    def _check_output(self, config: PreTrainedConfig) -> None:
        """Check that the base predicts what the model did that the adapters were trained in, as far as that is known.

        An earlier `adapter/` does not say it, but has the merged model beside it.
        """
        trained = self.output
        merged = self.folder.resolve().parent / "config.json"
        if not trained and self.folder.resolve().name == "adapter" and merged.is_file():
            trained = json.loads(merged.read_text(encoding="utf-8"))
        own = {key: getattr(config, key, default) for key, default in OUTPUT_FIELDS.items()}
        for key, value in trained.items():
            # Of a relative model the cap means nothing.
            if key in own and value != own[key] and (key == KIND or trained.get(KIND) == "metric"):
                raise ValueError(
                    f"{self._names_base()}, which predicts something else than the model that they were trained in: "
                    f"{key} is {own[key]}, there {value}; open the model of that run, which has them merged"
                )

    def _names_base(self) -> str:
        return f"{self.folder / CONFIG_FILE} names {self.base!r} as the model that its adapters belong to"

    def _quantized_base(self) -> ValueError:
        return ValueError(
            f"{self._names_base()}, which is quantized: it has no weights to merge adapters into; name it as it was "
            "before"
        )

    def _open(self) -> Any:
        try:
            return safe_open(self.folder / WEIGHTS_FILE, framework="pt")
        except SafetensorError as error:
            raise self._damaged_weights(error) from error

    def _damaged_weights(self, error: Exception) -> ValueError:
        path = self.folder / WEIGHTS_FILE
        return ValueError(f"{path} is damaged: {error}; download or save the adapters again")


def find_adapters(name: Any, options: Mapping[str, Any]) -> AdapterFolder | None:
    """Return what a name stands for where that is adapters alone; None for a whole model and for nothing at all.

    Args:
        name: model id on the Hub, or a folder.
        options: of `from_pretrained`; those of the Hub are used.

    Raises:
        ValueError: they are pickled or damaged, or name no base.
    """
    hub = {key: options[key] for key in HUB_OPTIONS if key in options}
    if not isinstance(name, str | os.PathLike):
        return None
    name = os.fspath(expand_home(name))
    if os.path.isdir(name):
        folder, commit = Path(name, hub.get("subfolder") or ""), None
        if not (folder / CONFIG_FILE).is_file() or (folder / "config.json").is_file():
            return None
        has_weights = (folder / WEIGHTS_FILE).is_file()
        is_pickled = (folder / PICKLED_FILE).is_file()
    else:
        # Most names are those of whole models, whose configuration is read next.
        if hub_file(name, "config.json", hub) is not None or (path := hub_file(name, CONFIG_FILE, hub)) is None:
            return None
        folder, commit = Path(path).parent, commit_in(path)
        has_weights = hub_file(name, WEIGHTS_FILE, hub) is not None
        is_pickled = not has_weights and hub_file(name, PICKLED_FILE, hub) is not None
    if not has_weights:
        found = f", but {PICKLED_FILE}, which is pickled and may run code when it is read" if is_pickled else ""
        raise ValueError(
            f"{name} has adapters of peft, expected their tensors in {WEIGHTS_FILE}; there is none{found}: save the "
            "adapters again with save_pretrained"
        )
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        base, revision = config.get("base_model_name_or_path"), config.get("revision")
        output = (config.get("auto_mapping") or {}).get(OUTPUT_KEY) or {}
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{folder / CONFIG_FILE} is damaged: {error}; download or save the adapters again") from error
    if not isinstance(base, str) or not base:
        raise ValueError(
            f"{folder / CONFIG_FILE} names no model that its adapters belong to; write it there: "
            "base_model_name_or_path, a folder or a model id on the Hub"
        )
    return AdapterFolder(name, folder, expand_home(base), revision, commit, output)


def open_adapters(model_class: Any, adapters: AdapterFolder, *args: Any, **options: Any) -> Any:
    """Open adapters with their base: layers of peft, as after `load_adapter`, which transformers' own models have.

    Args:
        model_class: of the base.
        adapters: see `find_adapters`.
        *args: to the base's `from_pretrained`.
        **options: likewise; those of the Hub are for the adapters.

    Returns:
        The model, in evaluation mode, or what else `from_pretrained` returns with these options.

    Raises:
        ImportError: peft is missing.
        OSError: the base cannot be found.
        ValueError: the adapters do not fit the base; the message says why.
    """
    try:
        import peft
    except ImportError as error:
        raise ImportError(
            f"{adapters.name} has adapters, which need peft: pip install 'depth_anything_hf[lora]'"
        ) from error
    adapters.base_config(options)
    if options.get("quantization_config") is not None:
        raise adapters._quantized_base()
    base_options = adapters.base_options(options)
    loaded = model_class.from_pretrained(adapters.base, *args, **base_options)
    model = loaded[0] if isinstance(loaded, tuple) else loaded
    if is_quantized(model):
        raise adapters._quantized_base()
    try:
        with own_adapter_names(adapters.folder) as place:
            tensors, peft_config = load_file(Path(place) / WEIGHTS_FILE), peft.PeftConfig.from_pretrained(str(place))
    except SafetensorError as error:
        raise adapters._damaged_weights(error) from error
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{adapters.folder / CONFIG_FILE} is no configuration that the installed peft knows: {error!r}; update "
            "peft, or save the adapters again"
        ) from error
    try:
        # Random numbers of the caller stay as they are: the first weights are replaced.
        with torch.random.fork_rng(devices=[]):
            peft.inject_adapter_in_model(peft_config, model, ADAPTER_NAME)
    except ValueError as error:
        raise _unfit(adapters, f"target_modules is {_sorted(peft_config)}: {error}") from error
    try:
        tensors = {name.removeprefix("base_model.model."): value for name, value in tensors.items()}
        result: Any = peft.set_peft_model_state_dict(model, tensors, ADAPTER_NAME)
    except KeyError as error:
        raise _unfit(adapters, f"{WEIGHTS_FILE} lacks {error}") from error
    except RuntimeError as error:
        # A heading, and a line for each tensor.
        lines = [line.strip() for line in str(error).splitlines()]
        more = f" (and {len(lines) - 2} more)" if len(lines) > 2 else ""
        raise _unfit(adapters, f"{lines[1] if len(lines) > 1 else lines[0]}{more}") from error
    # Of the model's own tensors the adapters replace none, but for those of the parts that are copied for them.
    missing = [name for name in result.missing_keys if ADAPTER_NAME in name.split(".")]
    for names, problem in ((result.unexpected_keys, "has"), (missing, "lacks")):
        if names:
            more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
            shown = f"{', '.join(sorted(names)[:NAMES_SHOWN])}{more}"
            raise _unfit(adapters, f"{WEIGHTS_FILE} {problem} {shown}")
    model._hf_peft_config_loaded = True
    # A folder of adapters has none: what is known of their base then is its commit.
    model.config._commit_hash = adapters.commit or base_options.get("revision")
    model.eval()
    return loaded


def unload_adapters(model: nn.Module, *, merge: bool) -> None:
    """Give a model back the layers that it had before its adapters, in place; one without stays as it is.

    Args:
        model: without wrapper.
        merge: add the adapters to the weights, and take the parts that were trained beside them; otherwise all of them
            are dropped.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import ModulesToSaveWrapper

    found = {name: each for name, each in model.named_modules() if isinstance(each, BaseTunerLayer)}
    for path, layer in found.items():
        # Parts of a layer of peft may be layers of peft, which it merges itself.
        if any(path.startswith(f"{each}.") for each in found):
            continue
        if merge:
            layer.merge(adapter_names=list(layer.active_adapters))
        _replace(model, path, layer.get_base_layer())
    copied = {name: each for name, each in model.named_modules() if isinstance(each, ModulesToSaveWrapper)}
    for path, wrapper in copied.items():
        names = [name for name in wrapper.active_adapters if name in wrapper.modules_to_save] if merge else []
        _replace(model, path, wrapper.modules_to_save[names[0]] if names else wrapper.original_module)
    if hasattr(model, "peft_config"):
        del model.peft_config


def _replace(model: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)


def _sorted(config: Any) -> Any:
    targets = getattr(config, "target_modules", None)
    return sorted(targets) if isinstance(targets, set | list | tuple) else targets


def _unfit(adapters: AdapterFolder, problem: str) -> ValueError:
    return ValueError(
        f"the adapters in {adapters.folder} do not fit the model that they name, {adapters.base!r}: {problem}; name "
        f"the one that they were trained in, in {CONFIG_FILE}"
    )


__all__ = [
    "OUTPUT_FIELDS",
    "OUTPUT_KEY",
    "AdapterFolder",
    "find_adapters",
    "open_adapters",
    "own_adapter_names",
    "unload_adapters",
]
