# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Resume: bit for bit as without a stop, from what is whole, by the same run alone, and without running code."""

from __future__ import annotations

import pickle
import shutil
import threading
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from training_runs import (
    ANCHORED,
    CHECKPOINTING,
    Interrupted,
    assert_equal_bits,
    assert_same_checkpoint,
    log_of,
    moved_names,
    noisy,
    weights,
)
from transformers import Dinov2Config, Dinov2Model, TrainerCallback

from depth_anything_hf import DepthAnythingForDepthEstimation
from depth_anything_hf.cpu.autotune import adopt_kernel_choices, kernel_choices
from depth_anything_hf.training.objectives import Distillation, SupervisedMetric, SupervisedRelative
from depth_anything_hf.training.resume import require_same_arguments
from depth_anything_hf.training.trainer import TrainingArguments
from depth_anything_hf.utils.manifest import find_damage, write_manifest


pytestmark = pytest.mark.usefixtures("fresh_accelerate")


RESUMES: dict[str, dict[str, Any]] = {
    "plain": {"lr_scheduler_type": "constant"},
    "decaying": {"lr_scheduler_type": "cosine", "warmup_steps": 1},
    "accumulation": {"gradient_accumulation_steps": 2, "per_device_train_batch_size": 1},
    "average": {"ema_decay": 0.8, "lr_decay_share": 0.5},
    "cutmix": {"cutmix_probability": 1.0, "lr_scheduler_type": "poly"},
}


@pytest.mark.parametrize("case", RESUMES)
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(tmp_path, train, make_tiny_model, evaluation, case):
    options = {"max_steps": 4, "save_steps": 2, "eval_steps": 2, "evaluation": evaluation, **RESUMES[case]}
    calls_per_step = options.get("gradient_accumulation_steps", 1)
    straight = train(tmp_path / "straight", make_tiny_model(), **options)

    # Killed in the third step, after its first micro-batch where there are two.
    killed = Interrupted(SupervisedRelative(ANCHORED), after_calls=3 * calls_per_step - 1)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", make_tiny_model(), objective=killed, **options)
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    # The model that the second run starts with is another one: all of it must come from the checkpoint.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resumed = train(tmp_path / "killed", make_tiny_model(seed=7), resume_from_checkpoint="latest", **options)

    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-4", tmp_path / "killed" / "checkpoint-4")
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "killed"), "final model")
    assert_equal_bits(weights(tmp_path / "straight" / "best"), weights(tmp_path / "killed" / "best"), "best model")
    assert log_of(tmp_path / "straight") == log_of(tmp_path / "killed")
    assert (resumed.steps, resumed.metrics, resumed.best_metrics) == (4, straight.metrics, straight.best_metrics)


@pytest.mark.parametrize("workers", [0, 1])
def test_random_numbers_and_the_open_log_entry_are_resumed(tmp_path, train, make_tiny_model, workers):
    # Entries average steps 1-3 and 4-5; the checkpoint lies within the first, the kill within the second.
    options = {"max_steps": 5, "save_steps": 2, "logging_steps": 3, "dataloader_num_workers": workers}
    train(tmp_path / "straight", make_tiny_model(), objective=noisy, **options)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", make_tiny_model(), objective=Interrupted(noisy, 3), **options)
    # As a kill in the middle of a line would leave it.
    with open(tmp_path / "killed" / "log.jsonl", "a") as log:
        log.write('{"step": 3, "lo')
    train(tmp_path / "killed", make_tiny_model(), objective=noisy, resume_from_checkpoint="latest", **options)
    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-4", tmp_path / "killed" / "checkpoint-4")
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "killed"))
    assert [entry["step"] for entry in log_of(tmp_path / "straight")] == [3, 5]
    assert log_of(tmp_path / "straight") == log_of(tmp_path / "killed")


def test_a_run_that_is_resumed_at_its_end_leaves_the_same_behind(tmp_path, train, make_tiny_model, evaluation):
    options = {"max_steps": 2, "save_steps": 2, "evaluation": evaluation}
    first = train(tmp_path, make_tiny_model(), **options)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for name in ("model.safetensors", "README.md", "results.json"):
        (tmp_path / name).unlink()
    again = train(tmp_path, make_tiny_model(seed=5), resume_from_checkpoint="latest", **options)
    assert_equal_bits(asdict(again), asdict(first))
    for path, content in files.items():
        if path.name not in ("training_arguments.json", "per_image.parquet"):
            assert path.read_bytes() == content, path


def test_the_parts_of_a_batch_may_change_on_resume_but_not_the_batch(tmp_path, train, make_tiny_model):
    options = {"max_steps": 4, "save_steps": 2, "logging_steps": 3, "max_grad_norm": 0.0}
    train(tmp_path / "straight", make_tiny_model(), per_device_train_batch_size=4, **options)
    shutil.copytree(tmp_path / "straight" / "checkpoint-2", tmp_path / "other" / "checkpoint-2")
    shutil.copy(tmp_path / "straight" / "training_arguments.json", tmp_path / "other")
    options |= {"resume_from_checkpoint": "latest"}
    with pytest.raises(ValueError, match=r"takes 4 images .* would take 6; .* their product is 4 again"):
        train(tmp_path / "other", make_tiny_model(), per_device_train_batch_size=6, **options)
    parts = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}
    train(tmp_path / "other", make_tiny_model(seed=3), **parts, **options)
    for one, other in zip(log_of(tmp_path / "straight")[-1:], log_of(tmp_path / "other")[-1:], strict=True):
        assert one["step"] == other["step"] == 4
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-6)


def test_a_resumed_run_computes_with_the_kernels_that_the_checkpoint_names(tmp_path, train, make_tiny_model):
    name = "a processor | a kernel | a size"
    adopt_kernel_choices({name: True})
    train(tmp_path, make_tiny_model(), save_steps=1)
    state = tmp_path / "checkpoint-2" / "state"
    assert torch.load(state / "process-0.pt")["cpu_kernels"] == kernel_choices()
    # As another process may have measured.
    adopt_kernel_choices({name: False})
    train(tmp_path, make_tiny_model(), save_steps=1, resume_from_checkpoint="latest")
    assert kernel_choices()[name] is True
    # As earlier versions wrote it: for all processes, with kinds that are no more, or not at all.
    own, common = (torch.load(state / file) for file in ("process-0.pt", "trainer_state.pt"))
    del own["cpu_kernels"]
    torch.save(own, state / "process-0.pt")
    earlier = {
        name: False,
        "a processor | 2 threads | convolution's gradient | float32 | training | 8x16x16 to 8": True,
    }
    for further in ({"cpu_kernels": earlier}, {}):
        torch.save({**common, **further}, state / "trainer_state.pt")
        write_manifest(tmp_path / "checkpoint-2")
        train(tmp_path, make_tiny_model(), save_steps=1, resume_from_checkpoint="latest")
        assert kernel_choices()[name] is False


def test_a_checkpoint_of_the_first_versions_is_still_read(tmp_path, train, make_tiny_model):
    options = {"max_steps": 3, "save_steps": 2}
    train(tmp_path / "straight", make_tiny_model(), **options)
    shutil.copytree(tmp_path / "straight" / "checkpoint-2", tmp_path / "old" / "checkpoint-2")
    path = tmp_path / "old" / "checkpoint-2" / "state" / "trainer_state.pt"
    state = torch.load(path)
    state["footing"] = state.pop("run_geometry")
    torch.save(state, path)
    write_manifest(tmp_path / "old" / "checkpoint-2")
    train(tmp_path / "old", make_tiny_model(seed=7), resume_from_checkpoint="latest", **options)
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "old"))


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "deleted": (lambda folder: (folder / "state" / "optimizer.bin").unlink(), "state/optimizer.bin is missing"),
    "bit flipped": (lambda folder: flip_a_bit(folder / "state" / "model.safetensors"), "state/model.* has changed"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(tmp_path, train, make_tiny_model, damage):
    options = {"max_steps": 3, "save_steps": 1}
    train(tmp_path, make_tiny_model(), **options)
    final, log = weights(tmp_path), log_of(tmp_path)
    spoil, reason = DAMAGES[damage]
    spoil(tmp_path / "checkpoint-3")
    with pytest.warns(UserWarning, match=f"checkpoint-3 is damaged, skipping it: .*{reason}"):
        train(tmp_path, make_tiny_model(seed=3), resume_from_checkpoint="latest", **options)
    assert find_damage(tmp_path / "checkpoint-3") is None
    assert_equal_bits(final, weights(tmp_path))
    assert log == log_of(tmp_path)


def test_the_projector_of_feature_alignment_is_resumed_too(tmp_path, train, make_tiny_model):
    def objective() -> Distillation:
        torch.manual_seed(3)
        sizes = {
            "hidden_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 56,
            "patch_size": 14,
        }
        return Distillation(ANCHORED, feature_encoder=Dinov2Model(Dinov2Config(**sizes)), student_width=32)

    options = {"max_steps": 4, "save_steps": 2}
    train(tmp_path / "straight", make_tiny_model(), objective=objective(), **options)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", make_tiny_model(), objective=Interrupted(objective(), 3), **options)
    train(tmp_path / "killed", make_tiny_model(), objective=objective(), resume_from_checkpoint="latest", **options)
    assert (tmp_path / "straight" / "checkpoint-4" / "state" / "model_1.safetensors").exists()
    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-4", tmp_path / "killed" / "checkpoint-4")
    two, four = (
        load_file(tmp_path / "straight" / f"checkpoint-{step}" / "state" / "model_1.safetensors") for step in (2, 4)
    )
    assert moved_names(two, four) == {"weight", "bias"}


def test_a_run_killed_before_its_first_checkpoint_starts_again(tmp_path, train, make_tiny_model):
    options = {"max_steps": 3, "save_steps": 2}
    train(tmp_path / "straight", make_tiny_model(), **options)
    killed = Interrupted(SupervisedRelative(ANCHORED), after_calls=1)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", make_tiny_model(), objective=killed, **options)
    assert len(log_of(tmp_path / "killed")) == 1
    train(tmp_path / "killed", make_tiny_model(), resume_from_checkpoint="latest", **options)
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "killed"))
    assert log_of(tmp_path / "straight") == log_of(tmp_path / "killed")


def test_resume_from_a_named_checkpoint(tmp_path, train, make_tiny_model):
    options = {"max_steps": 4, "save_steps": 1}
    train(tmp_path, make_tiny_model(), **options)
    final, log = weights(tmp_path), log_of(tmp_path)
    # Killed before it has saved anything: from then on "latest" is where it went on.
    killed = Interrupted(SupervisedRelative(ANCHORED), after_calls=0)
    options["objective"] = killed
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, make_tiny_model(), resume_from_checkpoint=str(tmp_path / "checkpoint-2"), **options)
    checkpoints = ["abandoned-checkpoint-3", "abandoned-checkpoint-4", "checkpoint-1", "checkpoint-2"]
    assert sorted(path.name for path in tmp_path.glob("*checkpoint*")) == checkpoints
    options["objective"] = None
    train(tmp_path, make_tiny_model(seed=5), resume_from_checkpoint="latest", **options)
    assert_equal_bits(final, weights(tmp_path))
    assert log == log_of(tmp_path)


def test_a_named_checkpoint_that_is_none_is_an_error(tmp_path, train, make_tiny_model):
    before = set(threading.enumerate())
    with pytest.raises(FileNotFoundError, match=r"is not a checkpoint: .*manifest\.json is missing"):
        train(
            tmp_path / "run",
            make_tiny_model(),
            resume_from_checkpoint=str(tmp_path / "checkpoint-9"),
            push_to_hub=True,
            hub_model_id="owner/student",
        )
    # A run that fails to start creates no repository.
    assert set(threading.enumerate()) <= before


def test_the_folder_of_another_run_is_an_error_that_names_what_differs(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), max_steps=1)
    with pytest.raises(ValueError, match=r"holds a run with other arguments.*weight_decay: 0.01 -> 0.2"):
        train(tmp_path, make_tiny_model(), max_steps=1, weight_decay=0.2)
    with pytest.raises(ValueError, match="already holds this run; add resume_from_checkpoint latest"):
        train(tmp_path, make_tiny_model(), max_steps=1)


def test_other_data_or_another_precision_is_another_run(tmp_path, train, make_tiny_model):
    recipe = {"data": {"path": Path("renders"), "limit": None}, "losses": {"anchor": 1.0, "sizes": (1, 2)}}
    options = {"save_steps": 1, "max_steps": 1, "resume_from_checkpoint": "latest"}
    train(tmp_path, make_tiny_model(), record=recipe, **options)
    train(tmp_path, make_tiny_model(), record=recipe, **options)
    other = {"data": {"path": "photos", "limit": None}, "losses": {"anchor": 0.5, "sizes": (1, 2)}}
    with pytest.raises(
        ValueError, match=r"other arguments \(recipe.data.path: renders -> photos, recipe.losses.anchor: 1.0 -> 0.5\)"
    ):
        train(tmp_path, make_tiny_model(), record=other, **options)
    path = tmp_path / "training_arguments.json"
    path.write_text(path.read_text().replace('"precision": "no"', '"precision": "bf16"'))
    with pytest.raises(ValueError, match=r"other arguments \(precision: bf16 -> no\)"):
        train(tmp_path, make_tiny_model(), record=recipe, **options)


def test_a_record_without_the_extent_of_silog_is_of_a_run_over_images(tmp_path, train, make_tiny_model):
    options = {"save_steps": 1, "max_steps": 1, "resume_from_checkpoint": "latest"}
    train(tmp_path, make_tiny_model(), record={"loss": {"min_depth": 0.001}}, **options)
    train(tmp_path, make_tiny_model(), record={"loss": {"min_depth": 0.001, "silog_over": "image"}}, **options)
    with pytest.raises(ValueError, match=r"recipe.loss.silog_over: image -> batch"):
        train(tmp_path, make_tiny_model(), record={"loss": {"min_depth": 0.001, "silog_over": "batch"}}, **options)


def test_who_says_the_precision_may_change_on_a_resume_but_not_the_precision(tmp_path, train, make_tiny_model):
    options = {"save_steps": 1, "max_steps": 1, "resume_from_checkpoint": "latest"}
    train(tmp_path, make_tiny_model(), **options)
    train(tmp_path, make_tiny_model(), mixed_precision="no", **options)
    train(tmp_path, make_tiny_model(), **options)
    with pytest.raises(ValueError, match=r"other arguments \(mixed_precision: None -> bf16"):
        require_same_arguments(tmp_path, TrainingArguments(str(tmp_path), mixed_precision="bf16", **options))


def test_a_damaged_record_is_named_with_what_to_do(tmp_path):
    (tmp_path / "training_arguments.json").write_text("")
    with pytest.raises(ValueError, match=r"training_arguments.json is damaged.*Remove this file"):
        require_same_arguments(tmp_path, TrainingArguments(str(tmp_path)))


def squared(model: Any, batch: dict[str, Any], progress: float) -> dict[str, torch.Tensor]:
    return {"loss": model(pixel_values=batch["pixel_values"]).predicted_depth.square().mean()}


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"encoder": {"hidden_size": 48}}, "another encoder: hidden_size is 32, expected 48"),
        (
            {"encoder": {"num_hidden_layers": 5}, "out_indices": [1, 2, 3, 4]},
            "another encoder: num_hidden_layers is 4",
        ),
        (
            {"out_indices": [1, 2, 3, 4], "encoder": {"num_hidden_layers": 4, "mlp_ratio": 4}},
            "another encoder: mlp_ratio",
        ),
        ({"fusion_hidden_size": 16}, "another model: fusion_hidden_size is 8, expected 16"),
        ({"depth_estimation_type": "metric", "max_depth": 20}, "depth_estimation_type is relative, expected metric"),
    ],
)
def test_a_checkpoint_of_another_architecture_is_an_error(tmp_path, train, make_tiny_model, other, difference):
    # An objective of one's own takes any model; the package's own would refuse a metric one.
    options = {"objective": squared, "max_steps": 1, "save_steps": 1}
    train(tmp_path, make_tiny_model(), **options)
    with pytest.raises(ValueError, match=difference):
        train(tmp_path, make_tiny_model(**other), resume_from_checkpoint="latest", **options)


def test_another_depth_cap_is_another_model(tmp_path, train, make_tiny_model):
    options = {"objective": SupervisedMetric(max_depth=20.0), "transform": {"target": "depth"}, "save_steps": 1}
    train(tmp_path, make_tiny_model(depth_estimation_type="metric", max_depth=20), **options)
    model = make_tiny_model(depth_estimation_type="metric", max_depth=80)
    with pytest.raises(ValueError, match="another model: max_depth is 20, expected 80"):
        train(tmp_path, model, resume_from_checkpoint="latest", **options)
    close = make_tiny_model(depth_estimation_type="metric", max_depth=20, depth_unit="mm")
    with pytest.raises(ValueError, match="another model: depth_unit is m, expected mm"):
        train(tmp_path, close, resume_from_checkpoint="latest", **options)


def test_a_run_may_go_on_with_less_memory(tmp_path, train, make_tiny_model):
    options = {"max_steps": 3, "save_steps": 2}
    train(tmp_path / "straight", make_tiny_model(), **options)
    killed = Interrupted(SupervisedRelative(ANCHORED), after_calls=2)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", make_tiny_model(), objective=killed, **options)
    options |= {"resume_from_checkpoint": "latest", **CHECKPOINTING["every second layer"]}
    train(tmp_path / "killed", make_tiny_model(seed=3), **options)
    assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "killed"))


class Malicious:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["trainer_state.pt", "process-0.pt", "optimizer.bin", "random_states_0.pkl"])
@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_a_checkpoint_cannot_run_code(tmp_path, train, make_tiny_model, name, form):
    train(tmp_path / "run", make_tiny_model(), max_steps=2, save_steps=1)
    target, trace = tmp_path / "run" / "checkpoint-2" / "state" / name, tmp_path / "executed"
    assert target.is_file()
    if form == "torch":
        torch.save(Malicious(trace), target)
    else:
        target.write_bytes(pickle.dumps(Malicious(trace), protocol=2))
    # Whoever plants a file can write a manifest too.
    write_manifest(target.parents[1])
    refused = pytest.raises(pickle.UnpicklingError)
    # Accelerate goes on without random states that it refuses; the run has its own.
    with nullcontext() if name == "random_states_0.pkl" else refused:
        train(tmp_path / "run", make_tiny_model(), max_steps=2, save_steps=1, resume_from_checkpoint="latest")
    assert not trace.exists()
    # The file is what it claims to be: it does run code where it is read without care.
    torch.load(target, weights_only=False) if form == "torch" else pickle.loads(target.read_bytes())
    assert trace.exists()


@pytest.mark.parametrize("schedule", ["constant", "linear"])
def test_a_run_that_has_ended_may_become_longer(tmp_path, train, make_tiny_model, capsys, schedule):
    options = {"save_steps": 2, "lr_scheduler_type": schedule}
    train(tmp_path / "straight", make_tiny_model(), max_steps=6, **options)
    train(tmp_path / "run", make_tiny_model(), max_steps=4, **options)
    capsys.readouterr()
    result = train(tmp_path / "run", make_tiny_model(seed=7), max_steps=6, resume_from_checkpoint="latest", **options)
    assert result.steps == 6
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("learning rate at")]
    if schedule == "constant":
        # The same as a run that was to be as long from its beginning.
        assert told == []
        assert_equal_bits(weights(tmp_path / "straight"), weights(tmp_path / "run"))
    else:
        assert told == [
            "learning rate at step 4: 0 (as planned for 4 steps) -> 0.000167 (planned for 6); it had come to its end "
            "and jumps up again"
        ]
        rates = [
            [entry["learning_rate_encoder"] for entry in log_of(tmp_path / name) if "loss" in entry]
            for name in ("run", "straight")
        ]
        assert rates[0][-2:] == rates[1][-2:]


def test_a_run_may_become_shorter_than_planned_but_not_than_it_is(tmp_path, train, make_tiny_model):
    options = {"save_steps": 2, "resume_from_checkpoint": True}
    with pytest.raises(KeyboardInterrupt):
        train(
            tmp_path, make_tiny_model(), max_steps=6, objective=Interrupted(SupervisedRelative(ANCHORED), 4), **options
        )
    with pytest.raises(ValueError, match="has done 4 steps, this one would have 3 in total; set max_steps"):
        train(tmp_path, make_tiny_model(), max_steps=3, **options)
    assert train(tmp_path, make_tiny_model(), max_steps=5, **options).steps == 5


def test_a_complete_run_without_a_checkpoint_is_opened(tmp_path, train, make_tiny_model, evaluation, capsys):
    options = {"ema_decay": 0.5, "eval_steps": 1, "evaluation": evaluation, "resume_from_checkpoint": "latest"}
    first = train(tmp_path, make_tiny_model(), **options)
    final, log = weights(tmp_path), (tmp_path / "log.jsonl").read_bytes()
    capsys.readouterr()
    model = make_tiny_model(seed=1)
    # A container of another start knows nothing of the first one.
    again = train(tmp_path, model, **options)
    assert asdict(again) == asdict(first) and len(again.metrics) > 3 and again.best_metrics
    assert "holds this run, complete after 2 steps" in capsys.readouterr().out
    opened = DepthAnythingForDepthEstimation.from_pretrained(tmp_path)
    assert_equal_bits(dict(opened.state_dict()), dict(model.state_dict()))
    assert_equal_bits(final, weights(tmp_path))
    assert log == (tmp_path / "log.jsonl").read_bytes()


@pytest.mark.parametrize("other", [{"max_steps": 4}, {"allow_changed": ["weight_decay"], "weight_decay": 0.5}])
def test_a_run_that_has_ended_without_a_checkpoint_says_what_to_do(tmp_path, train, make_tiny_model, other):
    train(tmp_path, make_tiny_model(), max_steps=2)
    final = weights(tmp_path)
    with pytest.raises(ValueError, match=r"has ended after 2 steps and has no checkpoint.*model_name_or_path"):
        train(tmp_path, make_tiny_model(), **{"max_steps": 2, "resume_from_checkpoint": "latest", **other})
    assert_equal_bits(final, weights(tmp_path))


class EndsEarly(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        control.should_training_stop = state.global_step == 1


def test_a_run_that_was_ended_early_without_a_checkpoint_is_not_started_anew(tmp_path, train, make_tiny_model):
    train(tmp_path, make_tiny_model(), max_steps=3, callbacks=[EndsEarly()])
    final = weights(tmp_path)
    with pytest.raises(ValueError, match=r"has ended after 1 step and has no checkpoint.*model_name_or_path"):
        train(tmp_path, make_tiny_model(), max_steps=3, resume_from_checkpoint="latest")
    assert_equal_bits(final, weights(tmp_path))


class Failing:
    """An objective that raises in one call."""

    def __init__(self, call: int) -> None:
        self.calls_left = call
        self.__wrapped__ = noisy

    def __call__(self, *inputs: Any) -> Any:
        self.calls_left -= 1
        if self.calls_left == 0:
            raise RuntimeError("the loss is out of order")
        return noisy(*inputs)


def test_an_error_of_the_objective_costs_no_step(tmp_path, train, make_tiny_model):
    # It fails in the second micro-batch of the fourth step.
    options = {"max_steps": 5, "save_steps": 5, "gradient_accumulation_steps": 2, "per_device_train_batch_size": 1}
    train(tmp_path / "straight", make_tiny_model(), objective=noisy, **options)
    with pytest.raises(RuntimeError, match="the loss is out of order"):
        train(tmp_path / "run", make_tiny_model(), objective=Failing(8), **options)
    assert [path.name for path in (tmp_path / "run").glob("checkpoint-*")] == ["checkpoint-3"]
    train(tmp_path / "run", make_tiny_model(seed=7), objective=noisy, resume_from_checkpoint="latest", **options)
    assert_same_checkpoint(tmp_path / "straight" / "checkpoint-5", tmp_path / "run" / "checkpoint-5")
    with pytest.raises(RuntimeError, match="the loss is out of order"):
        train(tmp_path / "first", make_tiny_model(), objective=Failing(1), **options)
    assert not list((tmp_path / "first").glob("checkpoint-*"))
