# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Several processes: sharding by torch's own `fully_shard`, and losses that do not depend on their number.

Accelerate enters FSDP on accelerators only, so the sharded steps are taken here by hand, on two gloo processes, with
the functions that the training loop uses for saving, resuming and exporting, and the units that Accelerate wraps.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from kill_and_resume import differences, log_entries, run_processes, tiny_model, training_outcome
from safetensors.torch import load_file
from torch import nn
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor
from training_runs import ANCHORED, CARD, Interrupted
from transformers import AutoModelForDepthEstimation

from depth_anything_hf import DepthAnythingForDepthEstimation, DepthAnythingImageProcessor
from depth_anything_hf.data.datasets import DepthFolder
from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.transforms import TrainingTransform
from depth_anything_hf.evaluation.settings import EvaluationSettings
from depth_anything_hf.training import processes
from depth_anything_hf.training.distributed import (
    consolidated_state_dict,
    gathered_copy,
    is_sharded,
    load_engine_state,
    save_engine_state,
    shard_model,
    units_to_shard,
)
from depth_anything_hf.training.objectives import Distillation, SupervisedRelative
from depth_anything_hf.training.trainer import Evaluation, TrainingArguments, fit
from depth_anything_hf.training.weight_precision import require_same_weight_precision


STEPS, SAVED_AT = 4, 2


# Sharding, in two processes


def fresh_model(seed: int) -> DepthAnythingForDepthEstimation:
    """Weights in the memory order that the training loop gives them, and some that are not trained."""
    model = tiny_model(seed)
    nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.backbone.encoder.layer[0].requires_grad_(False)
    return model


def optimizer_of(model: nn.Module) -> torch.optim.Optimizer:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [{"params": trained[:20], "lr": 1e-3, "name": "first"}, {"params": trained[20:], "lr": 2e-3}]
    return torch.optim.AdamW(groups, fused=True)


def train_steps(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range, rank: int) -> list[float]:
    """Each process has images of its own; returns the mean loss of all."""
    losses = []
    for step in steps:
        random = torch.Generator().manual_seed(2 * step + rank)
        images, labels = torch.randn(2, 3, 28, 28, generator=random), torch.rand(2, 28, 28, generator=random)
        loss = model(pixel_values=images, labels=labels).loss
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        mean = loss.detach().clone()
        torch.distributed.all_reduce(mean)
        losses.append(mean.item() / torch.distributed.get_world_size())
    return losses


def autocast_gradients(model: nn.Module, rank: int) -> list[torch.Tensor]:
    """Gradients of one step in bfloat16, each process with images of its own, summed over both in float32."""
    random = torch.Generator().manual_seed(rank)
    images, labels = torch.randn(2, 3, 28, 28, generator=random), torch.rand(2, 28, 28, generator=random)
    with torch.autocast("cpu", torch.bfloat16):
        model(pixel_values=images, labels=labels).loss.backward()
    found = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    return [each.full_tensor() if isinstance(each, DTensor) else each.clone() for each in found]


def local_state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """What this process holds of weights and optimizer."""

    def local(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: local(each) for key, each in value.items()}
        if isinstance(value, list):
            return [local(each) for each in value]
        return value.to_local().clone() if isinstance(value, DTensor) else value

    return {"model": local(dict(model.state_dict())), "optimizer": local(optimizer.state_dict())}


def train_replicated_and_sharded(rank: int, folder: Path) -> None:
    """Runs in each of two processes and leaves its findings in files."""
    accelerator = Accelerator()
    found: dict[str, Any] = {}

    replicated = fresh_model(seed=0)
    optimizer = optimizer_of(replicated)
    replicated, optimizer = accelerator.prepare(replicated, optimizer)
    found["replicated_losses"] = train_steps(replicated, optimizer, range(STEPS), rank)
    found["replicated_weights"] = consolidated_state_dict(replicated)
    found["replicated_is_sharded"] = is_sharded(replicated)
    found["replicated_copies"] = gathered_copy(replicated) is not accelerator.unwrap_model(replicated)
    save_engine_state(accelerator, replicated, optimizer, folder / "replicated")

    found["replicated_gradients"] = autocast_gradients(accelerator.prepare(fresh_model(seed=0)), rank)
    found["sharded_gradients"] = autocast_gradients(shard_model(fresh_model(seed=0)), rank)

    for name, prepare in (("replicated", accelerator.prepare), ("sharded", shard_model)):
        student = fresh_model(seed=0)
        # As at a student's own start; the frozen copy stays whole on each process.
        objective = Distillation(feature_encoder=fresh_model(seed=1).backbone, student_width=32)
        random = torch.Generator().manual_seed(rank)
        images, labels = torch.randn(2, 3, 28, 28, generator=random), torch.rand(2, 28, 28, generator=random)
        terms = objective(prepare(student), {"pixel_values": images, "labels": labels}, 0.0)
        terms["loss"].backward()
        found[f"{name}_feature"] = (terms["feature"].item(), terms["loss"].item())

    sharded = shard_model(fresh_model(seed=0))
    optimizer = optimizer_of(sharded)
    found["sharded_units"] = [type(each).__name__ for each in sharded.modules() if isinstance(each, FSDPModule)]
    found["all_sharded"] = all(isinstance(parameter, DTensor) for parameter in sharded.parameters())
    losses = train_steps(sharded, optimizer, range(SAVED_AT), rank)
    save_engine_state(accelerator, sharded, optimizer, folder / "sharded")
    found["saved_weights"] = consolidated_state_dict(sharded)
    losses += train_steps(sharded, optimizer, range(SAVED_AT, STEPS), rank)
    found["sharded_losses"], found["sharded_state"] = losses, local_state(sharded, optimizer)

    resumed = shard_model(fresh_model(seed=5))
    optimizer = optimizer_of(resumed)
    for group in optimizer.param_groups:
        group["lr"] = 7.0
    load_engine_state(accelerator, resumed, optimizer, folder / "sharded")
    found["resumed_losses"] = train_steps(resumed, optimizer, range(SAVED_AT, STEPS), rank)
    found["resumed_state"] = local_state(resumed, optimizer)
    try:
        load_engine_state(accelerator, resumed, optimizer, folder / "replicated")
    except ValueError as error:
        found["refusal"] = str(error)

    weights = consolidated_state_dict(sharded)
    found["exported_names"] = list(weights)
    if accelerator.is_main_process:
        sharded.save_pretrained(folder / "exported", state_dict=weights)
    copy = gathered_copy(sharded)
    images = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(9))
    # One process runs it more often than the other, as uneven shares of held-out images do.
    found["copy_output"] = [copy(pixel_values=images).predicted_depth for _ in range(1 + rank)][-1]
    found["copy_class"] = type(copy).__name__
    with torch.no_grad():
        found["sharded_output"] = sharded(pixel_values=images).predicted_depth
    torch.save(found, folder / f"found-{rank}.pt")
    accelerator.end_training()


@pytest.fixture(scope="module")
def sharding(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("sharding")
    run_processes(train_replicated_and_sharded, (folder,), folder / "output.txt")
    return folder, [torch.load(folder / f"found-{rank}.pt", weights_only=True) for rank in (0, 1)]


def test_layers_neck_and_head_are_units_of_their_own(sharding):
    _, found = sharding
    names = [name.removeprefix("FSDP") for name in found[0]["sharded_units"]]
    root, units = "DepthAnythingForDepthEstimation", ["Dinov2Layer"] * 4 + ["DepthAnythingNeck", "DepthAnythingHead"]
    assert names == [root, *units] and [type(unit).__name__ for unit in units_to_shard(tiny_model())] == units
    assert found[0]["all_sharded"] and not found[0]["replicated_is_sharded"]


def test_sharded_losses_are_those_of_replicated_training(sharding):
    for found in sharding[1]:
        assert found["sharded_losses"] == pytest.approx(found["replicated_losses"], abs=1e-4)
        assert len(set(found["sharded_losses"])) == STEPS


def test_sharded_gradients_in_bfloat16_are_those_of_replicated_training(sharding):
    for found in sharding[1]:
        replicated, sharded = found["replicated_gradients"], found["sharded_gradients"]
        assert len(replicated) == len(sharded) > 50 and {each.dtype for each in sharded} == {torch.float32}
        for one, other in zip(replicated, sharded, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
        # Not because nothing was rounded on the way.
        assert any(not torch.equal(each, each.bfloat16().float()) for each in sharded)


def test_features_are_aligned_under_sharding_as_under_replication(sharding):
    for found in sharding[1]:
        assert found["sharded_feature"] == pytest.approx(found["replicated_feature"], abs=1e-4)
        assert found["sharded_feature"][0] > 0.1


def test_each_process_writes_its_own_part_and_nothing_that_is_unpickled(sharding):
    folder, _ = sharding
    parts = sorted((folder / "sharded" / "shards").iterdir())
    assert len(parts) == 2 and {part.suffix for part in parts} == {".safetensors"}
    name = "model.neck.convs.0.weight"
    whole = tiny_model().neck.convs[0].weight
    assert sum(load_file(part)[name].numel() for part in parts) == whole.numel()
    others = {path.name for path in (folder / "sharded").iterdir()} - {"shards"}
    assert others == {"optimizer_common.pt"}
    torch.load(folder / "sharded" / "optimizer_common.pt", weights_only=True)


def test_a_sharded_run_goes_on_bit_for_bit(sharding):
    for found in sharding[1]:
        assert found["resumed_losses"] == found["sharded_losses"][SAVED_AT:]
        assert list(differences(found["sharded_state"], found["resumed_state"])) == []


def test_a_sharded_state_opens_in_another_number_of_processes(sharding, fresh_accelerate):
    folder, found = sharding
    model = fresh_model(seed=5)
    optimizer = optimizer_of(model)
    load_engine_state(Accelerator(), model, optimizer, folder / "sharded")
    assert list(differences(found[0]["saved_weights"], dict(model.state_dict()))) == []
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3, 2e-3]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    used = [optimizer.state[parameter] for parameter in parameters]
    assert [state["exp_avg"].shape for state in used] == [parameter.shape for parameter in parameters]
    assert {int(state["step"]) for state in used} == {SAVED_AT}
    assert sum(state["exp_avg"].abs().sum() > 0 for state in used) > 0.9 * len(used)


def test_a_state_of_other_trained_parameters_is_an_error(sharding, fresh_accelerate):
    model = tiny_model()
    with pytest.raises(ValueError, match="the checkpoint is of another model or other trained parameters"):
        load_engine_state(Accelerator(), model, optimizer_of(model), sharding[0] / "sharded")


def test_the_precision_of_a_sharded_state_is_compared(sharding):
    model = fresh_model(seed=5)
    require_same_weight_precision(model, sharding[0] / "sharded")
    with pytest.raises(ValueError, match="in float32, this run would train them in bfloat16"):
        require_same_weight_precision(model.to(torch.bfloat16), sharding[0] / "sharded")


def test_a_replicated_state_is_refused_by_a_sharded_model(sharding):
    assert "saved without sharding" in sharding[1][1]["refusal"]


def test_the_consolidated_export_opens_in_stock_transformers(sharding):
    folder, found = sharding
    assert found[0]["exported_names"] == list(tiny_model().state_dict()) and found[1]["exported_names"] == []
    assert json.loads((folder / "exported" / "config.json").read_text())["architectures"] == [
        "DepthAnythingForDepthEstimation"
    ]
    stock, notes = AutoModelForDepthEstimation.from_pretrained(folder / "exported", output_loading_info=True)
    assert type(stock).__module__.startswith("transformers.") and not any(notes.values())
    images = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        torch.testing.assert_close(
            stock(pixel_values=images).predicted_depth, found[0]["sharded_output"], rtol=1e-4, atol=1e-5
        )


def test_weights_of_replicated_training_come_without_the_wrapper(sharding):
    _, found = sharding
    assert list(found[0]["replicated_weights"]) == list(tiny_model().state_dict())
    assert found[1]["replicated_weights"] == {} and not found[0]["replicated_copies"]


def test_each_process_can_run_a_gathered_copy_by_itself(sharding):
    for found in sharding[1]:
        assert found["copy_class"] == "DepthAnythingForDepthEstimation"
        torch.testing.assert_close(found["copy_output"], found["sharded_output"], rtol=1e-5, atol=1e-6)
        assert not found["copy_output"].requires_grad


def test_a_compiled_model_gives_its_weights_without_the_wrapper():
    model = tiny_model()
    assert list(differences(dict(model.state_dict()), consolidated_state_dict(torch.compile(model)))) == []


# The training loop, sharded


class ShardingAccelerator(Accelerator):
    """Does on a CPU what Accelerate does for FSDP2 elsewhere: shards the model, hands the optimizer its parts."""

    is_fsdp2 = True

    @property
    def distributed_type(self) -> DistributedType:
        return DistributedType.FSDP

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[nn.Module, Any]:
        names = {parameter: name for name, parameter in model.named_parameters()}
        groups = [[names[parameter] for parameter in group["params"]] for group in optimizer.param_groups]
        parts = dict(shard_model(model).named_parameters())
        for group, members in zip(optimizer.param_groups, groups, strict=True):
            group["params"] = [parts[name] for name in members]
        return model, self.prepare_optimizer(optimizer, device_placement=False)

    def clip_grad_norm_(self, parameters: Any, max_norm: float, norm_type: float = 2) -> Any:
        return nn.utils.clip_grad_norm_(parameters, max_norm, norm_type)


def train_by_the_loop(rank: int, pictures: Path, folder: Path, sharded: bool, calls: int) -> None:
    if sharded:
        processes.make_accelerator = ShardingAccelerator
    resumed = list(folder.glob("checkpoint-*"))
    try:
        fit(
            tiny_model(seed=7 if resumed else 0),
            # With -1 never.
            Interrupted(SupervisedRelative(ANCHORED), calls),
            TrainingArguments(
                output_dir=str(folder),
                max_steps=6,
                per_device_train_batch_size=2,
                gradient_accumulation_steps=2,
                logging_steps=1,
                save_steps=2,
                eval_steps=3,
                max_zero_share=1.0,
                resume_from_checkpoint="latest",
            ),
            Mixture([DepthFolder(pictures)], TrainingTransform(28)),
            processor=DepthAnythingImageProcessor.for_input_size(28),
            pretrained=False,
            # Three images: one process runs the model twice, the other once.
            evaluation=Evaluation(DepthFolder(pictures, limit=3), EvaluationSettings(max_depth=20.0)),
            card=CARD,
        )
    except KeyboardInterrupt:
        # The other process does the same at the same call; without this the two would wait for each other.
        os._exit(0)


@pytest.mark.slow
def test_the_training_loop_shards_evaluates_saves_and_resumes(tmp_path, labelled_folder):
    def run(name: str, sharded: bool, calls: int = -1) -> Path:
        run_processes(train_by_the_loop, (labelled_folder, tmp_path / name, sharded, calls), tmp_path / "output.txt")
        return tmp_path / name

    replicated, straight = run("replicated", sharded=False), run("straight", sharded=True)
    run("stopped", sharded=True, calls=9)
    assert not (tmp_path / "stopped" / "model.safetensors").exists()
    resumed = run("stopped", sharded=True)
    assert len(list((straight / "checkpoint-6" / "state" / "shards").iterdir())) == 2
    assert list(differences(training_outcome(straight), training_outcome(resumed))) == []
    logs = [log_entries(folder) for folder in (replicated, straight)]
    for name in ("loss", "eval_abs_rel"):
        values = [[entry[name] for entry in log if name in entry] for log in logs]
        assert len(values[0]) == (6 if name == "loss" else 2) and values[1] == pytest.approx(values[0], abs=1e-4)
    assert type(AutoModelForDepthEstimation.from_pretrained(straight)).__module__.startswith("transformers.")


# One process that cannot read its data any more


class Unplugged:
    """An objective during whose fourth step the pictures of the second process go away."""

    def __init__(self, pictures: Path) -> None:
        self.objective, self.pictures = SupervisedRelative(ANCHORED), pictures

    def __call__(self, model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        if progress == 0.5 and self.pictures.exists():
            self.pictures.rename(self.pictures.with_name("away"))
        return self.objective(model, batch, progress)


def train_until_unplugged(rank: int, pictures: Path, folder: Path, own_pictures: Path | None) -> None:
    objective: Any = SupervisedRelative(ANCHORED)
    if own_pictures is not None and rank == 1:
        objective, pictures = Unplugged(own_pictures / "images"), own_pictures
    resumed = list(folder.glob("checkpoint-*"))
    try:
        fit(
            tiny_model(seed=7 if resumed else 0),
            objective,
            TrainingArguments(
                output_dir=str(folder),
                max_steps=6,
                per_device_train_batch_size=2,
                logging_steps=100,
                save_steps=6,
                ema_decay=0.5,
                max_zero_share=1.0,
                resume_from_checkpoint="latest",
            ),
            Mixture([DepthFolder(pictures)], TrainingTransform(28)),
            processor=DepthAnythingImageProcessor.for_input_size(28),
            pretrained=False,
            card=CARD,
        )
    except ValueError as error:
        # Each process says what it knows; an exit code would count as a failure of the test's processes.
        sys.stdout.write(f"process {rank}: {error}\n")
        sys.stdout.flush()


@pytest.mark.slow
def test_data_that_one_process_cannot_read_ends_the_run_on_all_as_it_was(tmp_path, labelled_folder):
    output, own = tmp_path / "output.txt", tmp_path / "own"
    shutil.copytree(labelled_folder, own)
    for name, pictures in (("straight", None), ("unplugged", own), ("unplugged", None)):
        run_processes(train_until_unplugged, (labelled_folder, tmp_path / name, pictures), output)
        if pictures:
            said = output.read_text()
            assert "process 0: data loading failed on another rank" in said
            assert "process 1: 10 samples in a row cannot be used" in said
            assert [path.name for path in (tmp_path / name).glob("checkpoint-*")] == ["checkpoint-4"]
    # Which the straight run has not.
    shutil.rmtree(tmp_path / "unplugged" / "checkpoint-4")
    straight, resumed = (training_outcome(tmp_path / name) for name in ("straight", "unplugged"))
    assert list(differences(straight, resumed)) == []


# The same run, whichever way a batch is divided


class Watched:
    """The objective, and what it was shown: the images' names and sums, in order."""

    def __init__(self, path: Path) -> None:
        self.objective, self.path = SupervisedRelative(ANCHORED), path

    def __call__(self, model: nn.Module, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
        names = [Path(name).name for name in batch["name"]]
        sums = batch["pixel_values"].double().sum(dim=(1, 2, 3)).tolist()
        with self.path.open("a") as file:
            file.write(json.dumps(list(zip(names, sums, strict=True))) + "\n")
        return self.objective(model, batch, progress)


def train_twenty_steps(rank: int, pictures: Path, folder: Path, batch_size: int, accumulation: int) -> None:
    folder.mkdir(exist_ok=True)
    fit(
        tiny_model(),
        Watched(folder / f"seen-{rank}.jsonl"),
        TrainingArguments(
            output_dir=str(folder / "run"),
            max_steps=20,
            per_device_train_batch_size=batch_size,
            gradient_accumulation_steps=accumulation,
            logging_steps=1,
            max_zero_share=1.0,
        ),
        Mixture([DepthFolder(pictures)], TrainingTransform(28, colour_jitter=0.5, blur=0.5)),
        processor=DepthAnythingImageProcessor.for_input_size(28),
        pretrained=False,
        card=CARD,
    )


def seen_in_order(folder: Path, processes: int) -> list[Any]:
    """Micro-batch after micro-batch, in each the share of the first process before that of the second."""
    shares = [(folder / f"seen-{rank}.jsonl").read_text().splitlines() for rank in range(processes)]
    return [image for micro_batch in zip(*shares, strict=True) for share in micro_batch for image in json.loads(share)]


@pytest.mark.slow
def test_losses_and_samples_do_not_depend_on_how_a_batch_is_divided(tmp_path, labelled_folder):
    # Processes, images in a micro-batch, micro-batches in a step: always eight images.
    divisions = {"1 x 8": (1, 8, 1), "2 x 4": (2, 4, 1), "4 x 2": (1, 2, 4), "2 x 2 x 2": (2, 2, 2)}
    losses, seen = {}, {}
    for name, (count, batch_size, accumulation) in divisions.items():
        folder = tmp_path / name.replace(" ", "")
        arguments = (labelled_folder, folder, batch_size, accumulation)
        run_processes(train_twenty_steps, arguments, tmp_path / "output.txt", processes=count)
        log = (folder / "run" / "log.jsonl").read_text().splitlines()
        losses[name] = [json.loads(line)["loss"] for line in log]
        seen[name] = seen_in_order(folder, count)
    assert len(losses["1 x 8"]) == 20 and len(seen["1 x 8"]) == 160
    assert losses["1 x 8"][-1] < losses["1 x 8"][0]
    for name in divisions:
        assert seen[name] == seen["1 x 8"], name
        assert losses[name] == pytest.approx(losses["1 x 8"], abs=1e-5), name
