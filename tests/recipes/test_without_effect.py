# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Flags that have no effect beside the other arguments are refused; recipes may hold them ready."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from depth_anything_hf.recipes import metric, student, teacher
from depth_anything_hf.recipes.parser import RecipeParser


NEEDED = {"train_data": ["somewhere"], "output_dir": "out", "model_name_or_path": "model"}
BOTH_RATES = "--encoder_learning_rate 1 --decoder_learning_rate 1"


def parse(folder: Path, flags: str, verb: Any = teacher, **values: Any) -> dict[str, Any]:
    path = folder / "recipe.yaml"
    needed = {**NEEDED, **({"max_depth": 20.0} if verb is metric else {})}
    path.write_text(yaml.safe_dump({**needed, **values}))
    parsed = RecipeParser(verb.TYPES).parse(["--recipe", str(path), *flags.split()])
    return {name: value for part in parsed.parts for name, value in vars(part).items()}


@pytest.mark.parametrize(
    ("verb", "flags", "reason"),
    [
        (teacher, "--rehearsal_share 0.3", "without rehearsal, which is None"),
        (teacher, "--eval_root b", "without eval_protocol, which is None"),
        (teacher, "--hue 0.1", "without colour_jitter, which is 0.0"),
        (teacher, "--eval_steps 5", "without eval_data or eval_protocol, of which none is given"),
        (teacher, "--metric_for_best_model abs_rel", "without eval_data or eval_protocol"),
        (teacher, "--eval_max_depth 10 --eval_protocol nyu --eval_root b", "without eval_data or forgetting_data"),
        (teacher, "--forgetting_weight 1", "without forgetting_data or forgetting_protocol"),
        (teacher, "--hub_model_id a/b", "without push_to_hub, which is False"),
        (teacher, "--gradient_checkpointing_every 2", "without gradient_checkpointing, which is False"),
        (teacher, "--dataloader_multiprocessing_context spawn", "without dataloader_num_workers, which is 0"),
        (teacher, "--lr_scheduler_type constant --lr_decay_share 0.5", "with lr_scheduler_type constant"),
        (teacher, "--optimizer adafactor --adam_beta1 0.5", "with optimizer adafactor"),
        (teacher, f"--optimizer sgd --adam_beta2 0.5 {BOTH_RATES}", "with optimizer sgd"),
        (teacher, "--gradient_ramp 0.5 --gradient_weight 0", "without gradient_weight, which is 0.0"),
        (student, "--feature_weight 2", "without feature_encoder, which is None"),
        (metric, "--max_output 5", "on a metric model, whose output ends at max_depth"),
    ],
)
def test_a_flag_without_effect_is_refused(tmp_path, capsys, verb, flags, reason):
    with pytest.raises(SystemExit):
        parse(tmp_path, flags, verb)
    assert f", but it has no effect {reason}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verb", "flags", "recipe"),
    [
        (
            teacher,
            "",
            {"rehearsal_share": 0.3, "eval_steps": 5, "optimizer": "adafactor", "adam_beta1": 0.5},
        ),
        (teacher, "--rehearsal old --rehearsal_share 0.3", {}),
        (teacher, "--eval_steps 5 --eval_max_depth 9", {"eval_data": "held-out"}),
        (teacher, "--eval_min_depth 1", {"forgetting_data": "old"}),
        (teacher, "--hub_model_id a/b --push_to_hub false", {}),
        (
            teacher,
            "--gradient_checkpointing false",
            {"gradient_checkpointing": True, "gradient_checkpointing_every": 2},
        ),
        (teacher, f"--optimizer sgd --adam_beta1 0.5 {BOTH_RATES}", {}),
        (student, "--feature_encoder none", {"feature_encoder": "start", "feature_weight": 2.0}),
        (metric, "--keep_decoder", {}),
    ],
)
def test_what_has_an_effect_or_stands_ready_is_taken(tmp_path, verb, flags, recipe):
    parse(tmp_path, flags, verb, **recipe)


def test_epochs_count_only_without_a_number_of_steps(tmp_path, capsys):
    with pytest.raises(SystemExit):
        parse(tmp_path, "--num_train_epochs 3", max_steps=2000)
    assert "no effect beside max_steps, which is 2000 in the recipe; give --max_steps -1" in capsys.readouterr().err
    assert parse(tmp_path, "--num_train_epochs 3 --max_steps -1", max_steps=2000)["num_train_epochs"] == 3
    # As in transformers, a script's number of epochs may be cut short.
    assert parse(tmp_path, "--num_train_epochs 3 --max_steps 10")["max_steps"] == 10


def test_a_revision_or_a_decoder_to_keep_needs_something_on_the_hub_or_disk(tmp_path, capsys):
    scratch = {"model_name_or_path": None, "encoder_config": {"hidden_size": 32}}
    for verb, flags in ((teacher, "--revision main"), (metric, "--keep_decoder")):
        with pytest.raises(SystemExit):
            parse(tmp_path, flags, verb, **scratch)
        name = flags.split()[0].removeprefix("--")
        assert f"{name} is" in (said := capsys.readouterr().err) and "model_name_or_path" in said
