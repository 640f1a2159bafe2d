# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Arguments from flags and YAML recipes, their sources, and the way back into a recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from depth_anything_hf.losses.loss_weights import RelativeLoss
from depth_anything_hf.recipes import metric, student, teacher
from depth_anything_hf.recipes.arguments import DataArguments, ModelArguments
from depth_anything_hf.recipes.catalog import list_recipes
from depth_anything_hf.recipes.parser import RecipeParser, parse_recipe
from depth_anything_hf.training.trainer import TrainingArguments


TYPES = (ModelArguments, DataArguments, RelativeLoss, TrainingArguments)
SCRATCH: dict[str, Any] = {
    "encoder_config": {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2},
    "decoder_config": {"neck_hidden_sizes": [8, 8, 16, 16], "fusion_hidden_size": 8, "head_hidden_size": 8},
    "input_size": 56,
}
NEEDED: dict[str, Any] = {**SCRATCH, "train_data": ["somewhere"], "output_dir": "out"}


def recipe(folder: Path, text: str | None = None, **values: Any) -> str:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(values) if text is None else text)
    return str(path)


def parse(*argv: str) -> tuple[Any, ...]:
    return parse_recipe(*TYPES, description="A test.", argv=list(argv))


def message(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """What the user reads when the arguments are refused."""
    with pytest.raises(SystemExit) as stopped:
        parse(*argv)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_flags_alone():
    flags = "--encoder_name_or_path facebook/dinov2-small --train_data a b --output_dir out --max_steps 7 --haze"
    model, data, loss, training = parse(*flags.split(), "--anchor_weight", "0.5", "--encoder_learning_rate=1e-6")
    assert model.encoder_name_or_path == "facebook/dinov2-small" and model.input_size == 518
    assert data.train_data == ["a", "b"] and data.haze is True
    assert loss.anchor_weight == 0.5
    assert (training.output_dir, training.max_steps, training.encoder_learning_rate) == ("out", 7, 1e-6)


def test_a_recipe_alone(tmp_path):
    model, data, loss, training = parse("--recipe", recipe(tmp_path, **NEEDED, haze=True, gradient_weight=1))
    assert model.encoder_config == SCRATCH["encoder_config"] and model.input_size == 56
    assert data.train_data == ["somewhere"] and data.haze is True
    assert loss.gradient_weight == 1.0
    assert training == TrainingArguments("out")


@pytest.mark.parametrize("order", ["before", "after", "equals"])
def test_flags_win_over_the_recipe(tmp_path, order):
    path = recipe(tmp_path, **NEEDED, max_steps=100, seed=4, haze=True)
    flags = ["--max_steps", "3", "--train_data", "x", "y", "--haze", "false"]
    argv = {
        "before": ["--recipe", path, *flags],
        "after": [*flags, "--recipe", path],
        "equals": [f"--recipe={path}", *flags],
    }
    _, data, _, training = parse(*argv[order])
    assert (training.max_steps, training.seed) == (3, 4)
    assert data.train_data == ["x", "y"] and data.haze is False


def test_numbers_that_yaml_takes_for_text_become_numbers(tmp_path):
    text = yaml.safe_dump(NEEDED) + "encoder_learning_rate: 5e-6\nema_decay: 0.99\n"
    assert yaml.safe_load("5e-6") == "5e-6"
    training = parse("--recipe", recipe(tmp_path, text=text))[3]
    assert training.encoder_learning_rate == 5e-6 and training.ema_decay == 0.99


def test_text_that_yaml_takes_for_numbers_stays_text(tmp_path):
    text = yaml.safe_dump(NEEDED) + "revision: 1234567\n"
    assert parse("--recipe", recipe(tmp_path, text=text))[0].revision == "1234567"


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("max_steps", 2.5, "a whole number"),
        ("max_steps", "many", "a whole number"),
        ("blur", "often", "a number"),
        ("weight_decay", float("nan"), "a number"),
    ],
)
def test_a_value_of_the_wrong_kind_names_its_key(tmp_path, capsys, key, value, kind):
    text = message(capsys, "--recipe", recipe(tmp_path, **NEEDED, **{key: value}))
    assert f"{key} must be {kind}, got {value!r}" in text


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("max_steps: true", "max_steps must be a whole number, got True"),
        ("max_steps:", "max_steps must be a whole number, got None; leave it out for the default"),
        ("max_steps: [1, 2]", "max_steps must be a whole number, got [1, 2]"),
        ("seed: 2024-01-01", "seed must be a whole number, got datetime.date(2024, 1, 1)"),
        ("haze:", "haze must be true or false, got None"),
        ("haze: {a: b}", "haze must be true or false, got {'a': 'b'}"),
        ("output_dir: [a]", "output_dir must be text, got ['a']"),
        ("output_dir: {a: b}", "output_dir must be text, got {'a': 'b'}"),
        ("output_dir: true", "output_dir must be text, got True; in YAML, write it in quotes"),
        ("output_dir: ''", "output_dir is empty text"),
        ("train_data:", "train_data must be a list of texts, got None"),
        ("train_data: []", "train_data is an empty list"),
        ("train_data: [a, true]", "train_data must be text, got True"),
        ("train_data: ['']", "train_data is empty text"),
        ("encoder_config: [1]", "encoder_config must be text or a mapping, got [1]"),
    ],
)
def test_a_value_of_another_kind_in_a_recipe_is_refused(tmp_path, capsys, line, fault):
    first = recipe(tmp_path, **NEEDED)
    (tmp_path / "second.yaml").write_text(line)
    assert fault in message(capsys, "--recipe", first, "--recipe", str(tmp_path / "second.yaml"))


def test_sources_and_configurations_of_a_recipe_may_be_mappings(tmp_path):
    given = {**NEEDED, "train_data": [{"path": "a", "scale": 0.01}, "b"], "eval_data": {"path": "c"}}
    _, data, *_ = parse("--recipe", recipe(tmp_path, **given))
    assert (data.train_data, data.eval_data) == (given["train_data"], given["eval_data"])


def test_an_unquoted_no_is_a_precision(tmp_path):
    text = yaml.safe_dump(NEEDED) + "mixed_precision: no\n"
    assert parse("--recipe", recipe(tmp_path, text=text))[3].mixed_precision == "no"


def test_whole_numbers_may_be_written_with_an_exponent(tmp_path, capsys):
    text = yaml.safe_dump(NEEDED) + "max_steps: 1e3\nsave_steps: 20.0\n"
    training = parse("--recipe", recipe(tmp_path, text=text), "--warmup_steps", "2e1")[3]
    values = (training.max_steps, training.save_steps, training.warmup_steps)
    assert values == (1000, 20, 20) and {type(value) for value in values} == {int}
    assert "expected a whole number, got 'inf'" in message(capsys, "--max_steps", "inf")


def test_negative_numbers_are_no_flags(tmp_path, capsys):
    path = recipe(tmp_path, **NEEDED)
    assert parse("--recipe", path, "--max_steps", "-1")[3].max_steps == -1
    assert "weight_decay is -0.001, expected at least 0" in message(
        capsys, "--recipe", path, "--weight_decay", "-1e-3"
    )
    assert "follows an equals sign" in message(capsys, "--recipe", path, "--output_dir", "-x")
    assert parse("--recipe", path, "--output_dir=-x")[3].output_dir == "-x"


def test_a_list_that_is_given_twice_is_refused(tmp_path, capsys):
    text = message(capsys, "--train_data", "a", "--train-data=b", "--output_dir", "o")
    assert "--train_data is given twice, and only the last would count; write --train_data A B" in text
    assert parse("--recipe", recipe(tmp_path, **NEEDED), "--train_data", "b")[1].train_data == ["b"]


def test_a_word_without_its_flag_is_named(capsys):
    assert "'b' stands alone" in message(capsys, "--train_data=a", "b", "--output_dir", "o")
    assert "'max_steps' stands alone" in message(capsys, "--train_data=a", "--output_dir", "o", "max_steps", "5")


def test_the_home_folder_is_meant_behind_an_equals_sign_and_in_a_recipe_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    recipe(tmp_path, **{**NEEDED, "train_data": [{"path": "~/a"}, "~/b", "c~/d"]})
    _, data, _, training = parse("--recipe=~/recipe.yaml", "--output_dir=~/runs", "--eval_data", "~other")
    home = str(tmp_path)
    assert data.train_data == [{"path": f"{home}/a"}, f"{home}/b", "c~/d"]
    assert (training.output_dir, data.eval_data) == (f"{home}/runs", "~other")


def test_what_is_no_part_of_a_recipe_is_told_its_place(tmp_path, capsys):
    path = recipe(tmp_path, **NEEDED, recipe="teacher")
    assert "recipe is no part of a recipe; give it on the command line" in message(capsys, "--recipe", path)


@pytest.mark.parametrize(("text", "meant"), [("true", "latest"), ("latest", "latest"), ("false", None), ("'x'", "x")])
def test_a_resume_may_be_true_in_a_recipe(tmp_path, text, meant):
    path = recipe(tmp_path, yaml.safe_dump(NEEDED) + f"resume_from_checkpoint: {text}\n")
    assert parse("--recipe", path)[-1].resume_from_checkpoint == meant


def test_permissions_may_be_repeated_and_are_no_part_of_the_recipe_of_a_run(tmp_path):
    argv = ["--recipe", recipe(tmp_path, **NEEDED, allow_changed="seed"), "--allow_changed", "data", "loss.ssi_weight"]
    parsed = RecipeParser(TYPES).parse([*argv, "--allow_changed=weight_decay"])
    assert parsed.parts[-1].allow_changed == ["seed", "data", "loss.ssi_weight", "weight_decay"]
    assert parsed.sources["allow_changed"] == "flag"
    assert "allow_changed" not in parsed.as_recipe()
    assert parse("--recipe", recipe(tmp_path, **NEEDED))[-1].allow_changed == []


def test_null_in_a_recipe_is_none(tmp_path):
    training = parse("--recipe", recipe(tmp_path, **NEEDED, encoder_learning_rate=None))[3]
    assert training.encoder_learning_rate is None


def test_configurations_as_flags_are_json():
    flags = ["--train_data", "a", "--output_dir", "o", "--encoder_config", json.dumps(SCRATCH["encoder_config"])]
    assert parse(*flags)[0].encoder_config == SCRATCH["encoder_config"]


@pytest.mark.parametrize("wrong", ["[1, 2]", "{hidden_size: 3", "small"])
def test_a_configuration_that_is_no_mapping_says_so(wrong, capsys):
    text = message(capsys, "--train_data", "a", "--output_dir", "o", "--encoder_config", wrong)
    assert "encoder_config must be a mapping" in text


def test_an_unknown_flag_names_the_nearest(capsys):
    text = message(capsys, "--encoder_name_or_path", "e", "--train_data", "a", "--output_dir", "o", "--max_step", "3")
    assert "unknown argument '--max_step'; did you mean 'max_steps'?" in text
    # Not that the right one is missing.
    text = message(capsys, "--encoder_name_or_pth", "e", "--trian_data", "a")
    assert "unknown argument '--encoder_name_or_pth'; did you mean 'encoder_name_or_path'?" in text
    assert message(capsys, "--zzzzzz").splitlines()[0].endswith("unknown argument '--zzzzzz'")


def test_an_unknown_key_names_the_file_and_the_nearest(tmp_path, capsys):
    path = recipe(tmp_path, **NEEDED, gradient_wieght=1.0)
    text = message(capsys, "--recipe", path)
    assert f"{path}: unknown key 'gradient_wieght'; did you mean 'gradient_weight'?" in text


def test_an_unknown_key_far_from_all_others_lists_what_there_is(tmp_path, capsys):
    text = message(capsys, "--recipe", recipe(tmp_path, **NEEDED, zzzzzz=1))
    assert "unknown key 'zzzzzz'; known: " in text and "anchor_weight" in text


def test_what_is_required_is_named(tmp_path, capsys):
    text = message(capsys, "--recipe", recipe(tmp_path, **SCRATCH))
    required = text.split("arguments are required:")[1]
    assert "--train_data" in required and "--output_dir" in required and "encoder" not in required


def test_a_missing_recipe_is_named(tmp_path, capsys):
    path = str(tmp_path / "none.yaml")
    assert f"cannot read the recipe {path!r}: it is neither a file" in message(capsys, "--recipe", path)
    assert "--recipe needs a file or the name of a recipe" in message(capsys, "--recipe=")
    assert "argument --recipe: expected one argument" in message(capsys, "--recipe", "--train_data", "a")


def test_the_folder_of_a_run_is_told_its_recipe(tmp_path, capsys):
    path = recipe(tmp_path, **NEEDED)
    assert f"{str(tmp_path)!r} is a folder; did you mean {path!r}?" in message(capsys, "--recipe", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "found"), [("- a\n- b\n", "found a list"), ("just words", "found 'just words'"), ("", "found nothing")]
)
def test_a_recipe_that_is_no_mapping_says_what_it_found(tmp_path, capsys, text, found):
    assert found in message(capsys, "--recipe", recipe(tmp_path, text=text))


def test_a_recipe_that_is_no_yaml_says_so(tmp_path, capsys):
    assert "is not valid YAML" in message(capsys, "--recipe", recipe(tmp_path, text="a: [1, 2"))


def test_yaml_cannot_make_objects(tmp_path, capsys):
    text = "output_dir: !!python/object/apply:os.getcwd []\n"
    assert "is not valid YAML" in message(capsys, "--recipe", recipe(tmp_path, text=text))


@pytest.mark.parametrize(
    ("recipe", "verb"),
    [(recipe, verb) for recipe in list_recipes() for verb in recipe.verbs],
    ids=lambda part: getattr(part, "name", part),
)
def test_every_recipe_of_the_package_parses(recipe, verb):
    given = yaml.safe_load(recipe.path.read_text())
    assert given.pop("verb") in (verb, list(recipe.verbs))
    starts = {"encoder_config", "encoder_name_or_path", "model_name_or_path"}
    start = [] if starts & set(given) else ["--encoder_name_or_path", "e"]
    program = {"train": teacher, "distill": student, "finetune": metric}[verb]
    cap = ["--max_depth", "20"] if verb == "finetune" else []
    argv = ["--recipe", recipe.name, *start, *cap, "--train_data", "a", "--output_dir", "o"]
    parsed = RecipeParser(program.TYPES, verb=verb).parse(argv)
    values = {name: value for part in parsed.parts for name, value in vars(part).items()}
    for name, value in given.items():
        assert values[name] == value or values[name] == float(value), name
        assert parsed.sources[name] == f"recipe {recipe.name}"


# Verbs, names and sources


def verb_message(capsys: pytest.CaptureFixture[str], verb: str, *argv: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        RecipeParser(TYPES, verb=verb, prog=f"depth-anything-hf {verb}").parse(argv)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_a_recipe_of_another_verb_is_refused(tmp_path, capsys):
    text = verb_message(capsys, "distill", "--recipe", "teacher")
    assert "the recipe 'teacher' is for `depth-anything-hf train`, not for `distill`" in text
    path = recipe(tmp_path, **NEEDED, verb="train")
    assert "for `depth-anything-hf train`" in verb_message(capsys, "finetune", "--recipe", path)
    assert parse("--recipe", path)[1].train_data == ["somewhere"]


def test_a_recipe_may_be_for_several_verbs(tmp_path, capsys):
    path = recipe(tmp_path, **NEEDED, verb=["train", "finetune"])
    for verb in ("train", "finetune"):
        assert RecipeParser(TYPES, verb=verb).parse(["--recipe", path]).parts[1].train_data == ["somewhere"]
    text = verb_message(capsys, "distill", "--recipe", path)
    assert "is for `depth-anything-hf train` and `depth-anything-hf finetune`, not for `distill`" in text


def test_a_misspelt_name_of_a_recipe_is_told_the_nearest(capsys):
    text = verb_message(capsys, "train", "--recipe", "teachr")
    assert "cannot read the recipe 'teachr'" in text and "did you mean 'teacher'?" in text
    assert "the recipes are adapt, metric, quickstart-student" in verb_message(capsys, "train", "--recipe", "xyz")


def test_a_later_recipe_wins_over_an_earlier_one(tmp_path):
    (tmp_path / "a").mkdir()
    first, second = recipe(tmp_path, **NEEDED, seed=1, blur=0.5), recipe(tmp_path / "a", seed=2)
    _, data, _, training = parse("--recipe", first, "--recipe", second)
    assert (training.seed, data.blur) == (2, 0.5)
    _, data, _, training = parse(f"--recipe={second}", "--recipe", first)
    assert training.seed == 1


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("max_steps: 3\nseed: 1\nmax_steps: 4\n", "'max_steps' is given twice, in lines 1 and 3"),
        ("encoder_config:\n  hidden_size: 3\n  hidden_size: 4\n", "'hidden_size' is given twice, in lines 2 and 3"),
    ],
)
def test_a_key_that_is_given_twice_is_named(tmp_path, capsys, text, key):
    assert key in message(capsys, "--recipe", recipe(tmp_path, text=text))


def test_yaml_may_merge_mappings(tmp_path):
    text = "encoder_config: &small {hidden_size: 8}\ndecoder_config:\n  <<: *small\n  fusion_hidden_size: 4\n"
    text += "train_data: [a]\noutput_dir: o\n"
    assert parse("--recipe", recipe(tmp_path, text=text))[0].decoder_config == {
        "hidden_size": 8,
        "fusion_hidden_size": 4,
    }


def test_flags_may_be_written_with_dashes():
    flags = ["--encoder-name-or-path", "e", "--train-data", "a", "b", "--output-dir=o", "--max-steps", "3"]
    model, data, _, training = parse(*flags)
    assert (model.encoder_name_or_path, data.train_data) == ("e", ["a", "b"])
    assert (training.output_dir, training.max_steps) == ("o", 3)


def test_an_error_is_one_line_and_where_help_is(capsys):
    text = message(capsys, "--max_steps", "many")
    assert len(text.splitlines()) == 2 and text.splitlines()[1].endswith("--help")


def test_a_start_of_another_kind_replaces_that_of_a_recipe(tmp_path, capsys):
    first = recipe(tmp_path, encoder_name_or_path="a", train_data=["x"], output_dir="o")
    parsed = RecipeParser(TYPES).parse(["--recipe", first, "--encoder_config", '{"hidden_size": 32}'])
    model = parsed.parts[0]
    assert (model.encoder_name_or_path, model.encoder_config) == (None, {"hidden_size": 32})
    assert (parsed.sources["encoder_name_or_path"], parsed.sources["encoder_config"]) == ("default", "flag")
    later = tmp_path / "later.yaml"
    later.write_text("model_name_or_path: b\n")
    model = RecipeParser(TYPES).parse(["--recipe", first, "--recipe", str(later)]).parts[0]
    assert (model.encoder_name_or_path, model.model_name_or_path) == (None, "b")
    text = message(capsys, "--recipe", first, "--model_name_or_path", "b", "--encoder_name_or_path", "c")
    assert "encoder_name_or_path is c; model_name_or_path is b" in text


def test_help_shows_lists_as_they_are_typed(capsys):
    with pytest.raises(SystemExit):
        RecipeParser(TYPES).parse(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "trackio. [none]" in text and "[[" not in text


def test_every_value_has_its_source(tmp_path, monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    path = recipe(tmp_path, **NEEDED, seed=1, blur=0.5)
    argv = ["--recipe", "quickstart-teacher", "--recipe", path, "--seed", "3", "--haze=false"]
    parsed = RecipeParser(TYPES, environment=True).parse(argv)
    sources = parsed.sources
    assert (sources["seed"], sources["haze"]) == ("flag", "flag")
    assert (sources["blur"], sources["hue"]) == (f"recipe {path}", "recipe quickstart-teacher")
    assert (sources["max_steps"], sources["mixed_precision"]) == ("default", "recipe quickstart-teacher")
    parsed = RecipeParser(TYPES, environment=True).parse(["--recipe", path])
    assert parsed.sources["mixed_precision"] == "environment ACCELERATE_MIXED_PRECISION"
    assert parsed.parts[-1].mixed_precision == "bf16"
    # As the recipe.yaml of a run that was told nothing.
    (tmp_path / "null.yaml").write_text("mixed_precision: null\n")
    parsed = RecipeParser(TYPES, environment=True).parse(["--recipe", path, "--recipe", str(tmp_path / "null.yaml")])
    assert parsed.sources["mixed_precision"] == "environment ACCELERATE_MIXED_PRECISION"
    assert parsed.parts[-1].mixed_precision == "bf16"
    # Scripts under a launcher leave it to accelerate.
    assert RecipeParser(TYPES).parse(["--recipe", path]).parts[-1].mixed_precision is None


AS_RECIPES = [
    NEEDED,
    {**NEEDED, "train_data": [{"path": "a b", "scale": 3, "weight": 0.5}, "owner/data"], "revision": "1234567"},
    {**NEEDED, "mixed_precision": "no", "encoder_learning_rate": 5e-6, "adam_beta2": 0.1 + 0.2, "max_grad_norm": 0},
    {**NEEDED, "haze": True, "ema_decay": 0.5, "output_dir": "a: b # c", "hub_model_id": "yes", "eval_data": "1e3"},
    {"encoder_name_or_path": "e", "train_data": "a", "output_dir": "é", "max_output": float("inf"), "verb": "train"},
]


@pytest.mark.parametrize("values", AS_RECIPES)
def test_the_effective_configuration_reads_back_as_the_same_run(tmp_path, values):
    parsed = RecipeParser(TYPES, verb="train").parse(["--recipe", recipe(tmp_path, **values), "--warmup_steps", "7"])
    text = parsed.as_recipe()
    lines = text.splitlines()
    assert "warmup_steps: 7  # flag" in lines and "verb: train" in lines
    assert all(line.endswith("recipe.yaml") for line in lines if line.startswith("output_dir"))
    again = RecipeParser(TYPES, verb="train").parse(["--recipe", recipe(tmp_path, text=text)])
    assert again.parts == parsed.parts
