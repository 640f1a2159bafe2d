# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What an objective is made of: its own trained parameters, frozen models, and what a checkpoint keeps of them."""

from __future__ import annotations

import functools
import itertools
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .online_teacher import OnlineTeacher


# As Accelerate names its second model, which in earlier checkpoints was the projector of feature alignment.
PARAMETERS_FILE = "model_1.safetensors"
# Longer collections are data, not parts.
LONGEST_COLLECTION = 100
DEEPEST = 4
# Objects of theirs hold models that are no part of an objective, such as an `Accelerator` or an optimizer.
LIBRARIES = ("accelerate", "datasets", "numpy", "torch", "transformers")
STATE_METHODS = ("state_dict", "load_state_dict")


class ObjectiveParts:
    """Modules and parameters of an objective, wherever it keeps them.

    An objective may be a `torch.nn.Module`, an object with modules or parameters in its attributes (also in lists,
    dicts and objects in them), a `functools.partial`, a bound method or a function that closes over them. What
    requires a gradient and is no parameter of the model is trained along; what does not is only moved to the device.

    Args:
        objective: as `fit` takes it.
        model: the trained model, before any wrapping; its parameters are not the objective's.
    """

    def __init__(self, objective: Any, model: nn.Module) -> None:
        self.objective = objective
        self._of_model = {id(parameter) for parameter in model.parameters()}
        self.modules: dict[str, nn.Module] = {}
        self._teachers: list[OnlineTeacher] = []
        self.trained: dict[str, Tensor] = {}
        taken = set(self._of_model)
        for name, part in _walk(objective, "", DEEPEST, {id(model)}):
            if isinstance(part, OnlineTeacher):
                self._teachers.append(part)
                continue
            found = {name: part}
            if isinstance(part, nn.Module):
                self.modules[name] = part
                found = {_join(name, each): parameter for each, parameter in part.named_parameters()}
            for each, parameter in found.items():
                if parameter.requires_grad and parameter.is_leaf and id(parameter) not in taken:
                    taken.add(id(parameter))
                    self.trained[each] = parameter
        self._unused: set[str] | None = None

    def describe(self) -> list[str]:
        """Return a line that says how many parameters are trained along and which attributes they are in, or none."""
        if not self.trained:
            return []
        count = sum(each.numel() for each in self.trained.values())
        attributes = ", ".join(dict.fromkeys(name.split(".")[0] for name in self.trained))
        return [
            f"training {count} parameters of the objective along, in {attributes}; freeze those that are not to be"
        ]

    def to(self, device: torch.device) -> None:
        """Move everything to a device; parameters stay the same objects."""
        for teacher in self._teachers:
            teacher.to(device)
        for module in self.modules.values():
            module.to(device)
        for parameter in self.trained.values():
            parameter.data = parameter.data.to(device)
        move = getattr(self.objective, "to", None)
        if callable(move) and not isinstance(self.objective, nn.Module):
            move(device)

    def broadcast(self, accelerator: Accelerator) -> None:
        """Give all processes the values of the first one; every process must call it."""
        if accelerator.num_processes > 1:
            for tensor in [*self.trained.values(), *self._buffers().values()]:
                tensor.data.copy_(broadcast(tensor.data.clone()))

    def average_gradients(self, accelerator: Accelerator) -> None:
        """Average the gradients over the processes, before they are clipped; every process must call it.

        Raises:
            ValueError: a parameter that took no part in the first step has a gradient.
        """
        if accelerator.num_processes == 1 or not self.trained:
            return
        if self._unused is None:
            has_gradient = [float(each.grad is not None) for each in self.trained.values()]
            counts = accelerator.reduce(torch.tensor(has_gradient, device=accelerator.device), reduction="sum")
            self._unused = {name for name, count in zip(self.trained, counts.tolist(), strict=True) if not count}
        used = {name: each for name, each in self.trained.items() if name not in self._unused}
        for name in self._unused:
            if self.trained[name].grad is not None:
                raise ValueError(
                    f"the objective's parameter {name} has its first gradient after the first step, and other "
                    "processes do not wait for it; let it take part in the loss from the first step on, with weight 0"
                )
        for parameter in used.values():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [each.grad for each in used.values() if each.grad is not None]
        if gradients:
            flat = accelerator.reduce(torch.cat([each.float().flatten() for each in gradients]), reduction="mean")
            for gradient, part in zip(gradients, flat.split([each.numel() for each in gradients]), strict=True):
                gradient.copy_(part.view_as(gradient))

    def require_all_trained(self, loss: Tensor, trained: set[int]) -> None:
        """Check that no parameter that the loss depends on is forgotten.

        Args:
            loss: with its graph.
            trained: `id` of every parameter that an optimizer step changes.

        Raises:
            ValueError: the loss depends on another one.
        """
        for parameter in _parameters_behind(loss):
            if id(parameter) not in trained:
                raise ValueError(
                    f"the loss depends on a parameter of shape {tuple(parameter.shape)} that is not trained: keep it "
                    "in an attribute of the objective (or make the objective a torch.nn.Module), or call "
                    "requires_grad_(False) on it"
                )

    def save(self, folder: Path, accelerator: Accelerator) -> None:
        """Write what a resume needs into the folder of a checkpoint's state; every process must call it.

        The trained parameters are the same on all processes; buffers, and what the objective's `state_dict` returns if
        it has one beside `load_state_dict`, are of each process.
        """
        if self.trained and accelerator.is_main_process:
            tensors = {name: each.detach().cpu().contiguous() for name, each in self.trained.items()}
            save_file(_without_common_prefix(tensors), folder / PARAMETERS_FILE)
        state: dict[str, Any] = {}
        if self._keeps_own_state():
            state["own"] = self.objective.state_dict()
        buffers = self._buffers()
        if buffers:
            state["buffers"] = {name: value.cpu().clone() for name, value in buffers.items()}
        if state:
            torch.save(state, folder / _process_file(accelerator.process_index))

    def load(self, folder: Path, accelerator: Accelerator) -> None:
        """Load what `save` wrote; a process that there was not takes the state of the first one.

        Raises:
            ValueError: the checkpoint is of an objective with other parameters or buffers.
        """
        file = folder / PARAMETERS_FILE
        _copy(load_file(file) if file.is_file() else {}, self.trained, folder)
        names = map(_process_file, (accelerator.process_index, 0))
        file = next((folder / name for name in names if (folder / name).is_file()), folder)
        # weights_only: a checkpoint from elsewhere must not be able to run code.
        state = torch.load(file, map_location="cpu", weights_only=True) if file != folder else {}
        if self.trained or state:
            _copy(state.get("buffers", {}), self._buffers(), folder)
        if "own" in state and self._keeps_own_state():
            self.objective.load_state_dict(state["own"])

    def _keeps_own_state(self) -> bool:
        is_plain = not isinstance(self.objective, nn.Module | types.FunctionType)
        return is_plain and all(callable(getattr(self.objective, name, None)) for name in STATE_METHODS)

    def _buffers(self) -> dict[str, Tensor]:
        """Return the buffers that are saved: those of frozen models and of the trained model itself are not."""
        trained = {id(parameter) for parameter in self.trained.values()}
        return {
            _join(name, each): value
            for name, module in self.modules.items()
            if module is self.objective or _is_trained(module, trained)
            for each, value in _buffers(module, trained)
        }


def _process_file(process_index: int) -> str:
    return f"objective-{process_index}.pt"


def _copy(saved: Mapping[str, Tensor], current: Mapping[str, Tensor], folder: Path) -> None:
    """Copy tensors by name, whatever attributes lead to all of them; both must have the same shapes."""
    saved, current = _without_common_prefix(saved), _without_common_prefix(current)
    shapes = [{name: tuple(each.shape) for name, each in tensors.items()} for tensors in (saved, current)]
    if shapes[0] != shapes[1]:
        described = [", ".join(f"{name} {shape}" for name, shape in each.items()) or "none" for each in shapes]
        raise ValueError(
            f"{folder} is of an objective with other parameters or buffers: {described[0]}, but this run has "
            f"{described[1]}; resume with the same objective, or choose another output_dir"
        )
    for name, own in current.items():
        own.data.copy_(saved[name])


def _without_common_prefix(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    heads = zip(*(name.split(".")[:-1] for name in tensors), strict=False)
    shared = len(list(itertools.takewhile(lambda names: len(set(names)) == 1, heads)))
    return {".".join(name.split(".")[shared:]): each for name, each in tensors.items()}


def _is_trained(module: nn.Module, trained: set[int]) -> bool:
    """Return whether a module has trained parameters, or none at all."""
    parameters = list(module.parameters())
    return not parameters or any(id(each) in trained for each in parameters)


def _buffers(module: nn.Module, trained: set[int]) -> Iterator[tuple[str, Tensor]]:
    persistent = module.state_dict(keep_vars=True)
    for name, value in module.named_buffers(recurse=False):
        if name in persistent:
            yield name, value
    for name, child in module.named_children():
        if _is_trained(child, trained):
            for below, value in _buffers(child, trained):
                yield _join(name, below), value


def _walk(value: Any, name: str, depth: int, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield the modules, tensors and teachers in a value, with the names of the attributes that lead there."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, nn.Module | Tensor | OnlineTeacher):
        yield name, value
    if depth and not isinstance(value, Tensor | OnlineTeacher):
        for below, inner in _inside(value):
            yield from _walk(inner, _join(name, below), depth - 1, seen)


def _inside(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, functools.partial):
        return [("func", value.func), ("args", value.args), *value.keywords.items()]
    if isinstance(value, types.MethodType):
        return [("", value.__self__)]
    if isinstance(value, types.FunctionType):
        names, cells = value.__code__.co_freevars, value.__closure__ or ()
        closed = [(name, cell.cell_contents) for name, cell in zip(names, cells, strict=True) if _is_filled(cell)]
        # As in a notebook. Whole models are not looked for there: a teacher is global too, and rarely frozen.
        used = [(name, value.__globals__.get(name)) for name in value.__code__.co_names]
        return closed + [(name, each) for name, each in used if isinstance(each, Tensor)]
    if isinstance(value, list | tuple | dict):
        if len(value) > LONGEST_COLLECTION:
            return []
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return [(str(key), each) for key, each in pairs]
    is_foreign = type(value).__module__.split(".")[0] in LIBRARIES and not isinstance(value, nn.Module)
    if isinstance(value, type | types.ModuleType) or is_foreign or not hasattr(value, "__dict__"):
        return []
    of_torch = ("_modules", "_parameters", "_buffers") if isinstance(value, nn.Module) else ()
    return [(name, each) for name, each in vars(value).items() if name not in of_torch]


def _is_filled(cell: types.CellType) -> bool:
    # A cell is empty until its variable is set.
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _parameters_behind(loss: Tensor) -> Iterator[nn.Parameter]:
    """Yield the parameters at the leaves of a graph."""
    waiting, seen = [loss.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if isinstance(variable, nn.Parameter):
            yield variable
        waiting += [following for following, _ in node.next_functions]


def _join(*names: str) -> str:
    return ".".join(filter(None, names))


__all__ = ["ObjectiveParts"]
