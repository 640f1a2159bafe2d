# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The study of encoder strategies: its trials are commands, its intervals are right, and it goes on where it was."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import command_line
import numpy as np
import program
import pytest
import study
import torch
from comparison import Difference, Recovery, choose_rate, compare, mean_and_spread
from domains import (
    RENDERED,
    SETS,
    add_smoke,
    copy_domain,
    darken,
    draw_images,
    haze_old_images,
    scenes_of,
    see_infrared,
)
from forked_scripts import FORKING, run_python
from smaller_students import STUDENTS, StudentsFrame, distil_students
from study_plan import (
    BY_NAME,
    EIGHT_BIT,
    FIRST_TUNING_SEED,
    METRIC_DOMAIN,
    PRESETS,
    REFERENCE,
    STRATEGIES,
    Preset,
    Trial,
    main_trials,
    time_trials,
    tuning_trials,
)
from study_report import Row, at_a_glance
from trials import Setting, command_of, mix_models

from depth_anything_hf import DepthAnythingForDepthEstimation
from depth_anything_hf.data import DepthFolder
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.recipes import metric, teacher
from depth_anything_hf.recipes.parser import RecipeParser
from depth_anything_hf.training.encoder_strategy import EncoderStrategy


SMALL = replace(PRESETS["smoke"], domains=("given",), images=(2,), pool_images=4, tuning_images=2, test_images=3)


@pytest.fixture
def domain(labelled_folder: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "domains" / "given"
    copy_domain(folder, str(labelled_folder), None, replace(SMALL, test_images=2))
    return folder


def setting_of(folder: Path, **fields: Any) -> Setting:
    recipes = {
        name: str(study.HERE / file) for name, file in (("train", "relative.yaml"), ("finetune", "metric.yaml"))
    }
    start = ("--model_name_or_path", "teacher")
    return Setting(
        folder, start, "teacher", 4, ("--encoder_config", "{}"), "old", "labels", "test", recipes, (0.1, 30), **fields
    )


# -- what is compared -----------------------------------------------------------------------------------------------


def every_rate(preset: Preset) -> dict[tuple[str, str], float]:
    return {(domain, name): preset.rates[0] for domain in preset.domains for name in BY_NAME}


@pytest.mark.parametrize("name", [name for name in PRESETS if PRESETS[name].domains])
def test_trials_have_names_of_their_own_and_the_reference_is_always_among_them(name: str) -> None:
    preset = PRESETS[name]
    seconds = dict.fromkeys(BY_NAME, 0.05) | {REFERENCE: 0.1}
    tuning, main = list(tuning_trials(preset)), list(main_trials(preset, every_rate(preset)))
    longer = list(time_trials(preset, every_rate(preset), seconds))
    assert all(each.steps == 2 * preset.steps for each in longer) and longer
    trials = [*tuning, *main, *longer]
    assert len({each.name for each in trials}) == len(trials)
    for group in preset.groups():
        seeds = [t.seed for t in main if (t.domain, t.images) == group and t.strategy == REFERENCE]
        assert seeds == list(range(preset.seeds))
    steps = {each.strategy: each.steps for each in main}
    for strategy in (BY_NAME[each] for each in steps if BY_NAME[each].longer):
        assert steps[strategy.name] * (1 - strategy.rehearsal) == pytest.approx(steps[REFERENCE], abs=0.5)
    # Rates are chosen with other seeds, and a remedy takes over the reference's.
    assert min(each.seed for each in tuning) == FIRST_TUNING_SEED > max(each.seed for each in main)
    assert {each.images for each in tuning} == {preset.central}
    tuned = {(each.domain, each.strategy) for each in tuning}
    assert {(each.domain, BY_NAME[each.strategy].tuned_as or each.strategy) for each in main} == tuned


def test_the_core_takes_all_strategies_and_the_full_study_a_metric_target() -> None:
    core = {each.strategy for each in main_trials(PRESETS["core"], every_rate(PRESETS["core"]))}
    assert core >= {each.name for each in STRATEGIES} and PRESETS["core"].seeds >= 3
    kinds = {EncoderStrategy.parse(each.encoder_strategy(12, 100)).kind for each in STRATEGIES}
    assert kinds == {"full", "frozen", "last", "layerwise", "lora", "norms", "bias", "warmup"}
    full = PRESETS["full"]
    assert [images for domain, images in full.groups() if domain == METRIC_DOMAIN] == [64]
    assert METRIC_DOMAIN in full.domains and full.images == (16, 64, 256)
    assert full.seeds >= 5 and full.tuning_seeds >= 3 and len(set(full.domains) - {METRIC_DOMAIN}) >= 2
    at_64 = {each.strategy for each in main_trials(full, every_rate(full)) if each.images == 64}
    assert at_64 == {name for name, each in BY_NAME.items() if not each.way_back}
    left_out = replace(full, left_out=(EIGHT_BIT,))
    assert EIGHT_BIT not in {each.strategy for each in main_trials(left_out, every_rate(full))}


@pytest.mark.parametrize("domain_name", ["given", METRIC_DOMAIN])
@pytest.mark.parametrize("name", [name for name in BY_NAME if not BY_NAME[name].way_back])
def test_every_trial_is_a_command(domain: Path, tmp_path: Path, name: str, domain_name: str) -> None:
    if domain_name == METRIC_DOMAIN:
        domain.rename(domain.with_name("smoke"))
    trial = Trial(domain_name, 2, name, 1e-3, 0, 10, "main")
    (tmp_path / "running").mkdir()
    words = command_of(setting_of(tmp_path), trial, tmp_path / "running" / "run")
    program = metric if words[0] == "finetune" else teacher
    if BY_NAME[name].from_scratch:
        words[words.index("--encoder_config") + 1] = '{"hidden_size": 32}'
    arguments = RecipeParser(program.TYPES, verb=words[0]).parse(words[1:]).parts[-1]
    strategy = BY_NAME[name]
    assert arguments.decoder_learning_rate == pytest.approx(1e-3 * strategy.decoder_share)
    assert arguments.encoder_learning_rate == pytest.approx(1e-3 * strategy.encoder_share)
    assert (arguments.max_steps, arguments.seed) == (10, 0)
    if strategy.rehearsal and strategy.rehearsal_labels == "true":
        data_arguments = RecipeParser(program.TYPES, verb=words[0]).parse(words[1:]).parts[1]
        assert (data_arguments.rehearsal, data_arguments.rehearsal_share) == ("old", strategy.rehearsal)
    elif strategy.rehearsal:
        data = json.loads(Path(words[-1]).read_text())["train_data"]
        assert [each["weight"] for each in data] == pytest.approx([1 - strategy.rehearsal, strategy.rehearsal])
        assert data[1]["path"] == "labels"


def test_a_strategy_brings_along_the_one_whose_rate_it_takes() -> None:
    preset = replace(PRESETS["full"], strategies=("frozen decoder, rehearsal 30 %, longer, labels of the start",))
    rates = dict.fromkeys(((each.domain, each.strategy) for each in tuning_trials(preset)), 1e-3)
    compared = {each.strategy for each in main_trials(preset, rates)}
    assert compared == {REFERENCE, "frozen decoder", *preset.strategies}


# -- domains --------------------------------------------------------------------------------------------------------


def test_sets_of_a_domain_share_no_image_and_draws_repeat(domain: Path) -> None:
    images = {name: {path.read_bytes() for path in (domain / name / "images").iterdir()} for name in SETS}
    assert {name: len(found) for name, found in images.items()} == {"pool": 4, "tuning": 2, "test": 2}
    assert len(set.union(*images.values())) == 8
    assert len(scenes_of(domain / "test")) == 2
    first, tuned = DepthFolder(draw_images(domain, 2, 0)), DepthFolder(draw_images(domain, 2, FIRST_TUNING_SEED))
    assert len(first) == len(tuned) == 2
    drawn = [{sample["image"].tobytes() for sample in (each[0], each[1])} for each in (first, tuned)]
    assert not drawn[0] & drawn[1], "rates are chosen on images of their own"
    before = (domain / "draws" / "2-0" / "metadata.jsonl").read_text()
    draw_images(domain, 2, 0)
    assert (domain / "draws" / "2-0" / "metadata.jsonl").read_text() == before
    assert (draw_images(domain, 3, 0) / "metadata.jsonl").read_text() != before


@pytest.mark.parametrize("name", RENDERED)
def test_what_is_rendered_is_a_command(name: str) -> None:
    flags = [*RENDERED[name].flags, "--height", "112", "--width", "112", "--count", "4", "--views_per_scene", "2"]
    # Its own check of the values comes after all options are known.
    assert "count must be" in command_line.run("render", "somewhere", *flags, "--count", "0").output


def test_too_few_images_are_refused(labelled_folder: Path, tmp_path: Path) -> None:
    message = r"has 8 images, expected at least 13 \(8 to train on, 2 to choose rates on, 3 to test\)"
    with pytest.raises(ValueError, match=message):
        copy_domain(tmp_path, str(labelled_folder), None, replace(SMALL, images=(2, 8)))
    copy_domain(tmp_path, str(labelled_folder), str(labelled_folder), replace(SMALL, images=(6,)))
    assert len(scenes_of(tmp_path / "test")) == 3


def test_conditions_differ_between_images_and_hide_what_is_far() -> None:
    image, depth = np.full((8, 8, 3), 128, np.uint8), np.full((8, 8), 1.0, np.float32)
    depth[:, 4:] = 20.0
    looks = [add_smoke(image, depth, np.random.default_rng(seed)) for seed in range(20)]
    near, far = (np.array([each[0, column].astype(float) for each in looks]) for column in (0, 7))
    assert (np.abs(far - 128).sum(axis=1) > np.abs(near - 128).sum(axis=1)).all()
    assert np.ptp(far, axis=1).mean() > 50, "the smoke is strongly coloured"
    assert len({each.tobytes() for each in looks}) == 20
    dark = darken(image, depth, np.random.default_rng(0))
    assert 0 < dark.mean() < 15 and dark.std() > 0.5
    bright = np.clip(image.astype(int) + 60, 0, 255).astype(np.uint8)
    seen = [see_infrared(each, depth, np.random.default_rng(0)) for each in (image, bright)]
    assert (seen[0] == seen[0][..., :1]).all(), "one channel"
    assert seen[1][:, :4].mean() < seen[0][:, :4].mean() - 20, "bright and dark are exchanged"


def test_old_images_are_hazy_as_the_teacher_saw_them(labelled_folder: Path, tmp_path: Path) -> None:
    hazy, clean = DepthFolder(haze_old_images(tmp_path / "old", str(labelled_folder))), DepthFolder(labelled_folder)
    assert len(hazy) == len(clean)
    for index in range(len(clean)):
        np.testing.assert_array_equal(hazy[index]["depth"], clean[index]["depth"])
        assert (hazy[index]["image"] != clean[index]["image"]).mean() > 0.5


# -- differences ----------------------------------------------------------------------------------------------------


def noisy(mean: float, seeds: int = 4, images: int = 60, seed: int = 0) -> list[list[float | None]]:
    random = np.random.default_rng(seed)
    scene = np.repeat(random.normal(0, 0.1, images // 2), 2)
    return [(mean + scene + random.normal(0, 0.02, images)).tolist() for _ in range(seeds)]


SCENES = np.repeat(np.arange(30), 2).tolist()


def test_a_paired_difference_is_seen_through_scenes_that_differ_more() -> None:
    # Both strategies see the same scenes, whose spread (10 points) hides 2 points if it is not paired.
    found = compare(noisy(0.52), noisy(0.50), SCENES)
    assert found.mean == pytest.approx(2.0, abs=1e-6) and found.holds
    assert found.low == pytest.approx(2.0, abs=1e-6)
    ours, theirs = noisy(0.52, seed=0), noisy(0.50, seed=1)
    unpaired = compare(ours, theirs, SCENES)
    assert unpaired.low < unpaired.mean < unpaired.high and unpaired.high - unpaired.low > 4


def test_the_interval_is_that_of_scenes_and_seeds() -> None:
    random = np.random.default_rng(0)
    gaps = random.normal(0.01, 0.03, 400)
    found = compare([gaps.tolist()], [[0.0] * 400], list(range(400)))
    error = 100 * gaps.std() / math.sqrt(400)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    # Two views of a scene are one sample: repeating every image narrows nothing.
    twice = compare([np.repeat(gaps, 2).tolist()], [[0.0] * 800], np.repeat(np.arange(400), 2).tolist())
    assert twice.high - twice.low == pytest.approx(found.high - found.low, rel=1e-6)
    assert not found.holds, "one seed proves nothing"


def test_seeds_that_disagree_or_are_missing_count() -> None:
    assert not Difference(1.0, 0.2, 1.8, (2.0, 2.0, -0.1)).holds and Difference(1.0, 0.2, 1.8, (2.0, 0.1)).holds
    assert not Difference(1.0, -0.2, 1.8, (2.0, 0.1)).holds and not Difference(0.0, 0.0, 0.0, (0.0, 0.0)).holds
    found = compare([[0.6, None, 0.6, 0.6]], [[0.5, 0.1, 0.5, None]], [0, 1, 2, 2])
    assert found.mean == pytest.approx(10.0)
    with pytest.raises(ValueError, match="no scene is scored by both"):
        compare([[None, 0.5]], [[0.5, None]], [0, 1])
    with pytest.raises(ValueError, match="expected the same seeds of both, got 2 and 1"):
        compare([[0.5], [0.5]], [[0.5]], [0])
    assert mean_and_spread([[0.4, 0.6], [0.6, 0.8]], [0, 1]) == pytest.approx((60.0, math.sqrt(200)))


def test_no_difference_has_no_sign() -> None:
    assert Difference(-0.04, -1.26, 0.04, (0.0, 0.0)).text() == "0.0 [-1.3, 0.0]"
    assert Difference(0.06, -0.3, 2.0, (0.0, 0.0)).text() == "+0.1 [-0.3, +2.0]"


def test_rates_at_the_end_of_the_range_are_told() -> None:
    scores = {1e-3: [[0.5, None], [0.7, 0.7]], 1e-2: [[0.4], [0.9]], 1e-1: [[0.1], [0.1]]}
    assert choose_rate(scores) == (1e-2, False)
    assert choose_rate({**scores, 1e-2: [[None], [None]]}) == (1e-3, True)
    assert choose_rate({1e-3: [[0.5]]}) == (1e-3, False)


def test_a_remedy_has_to_bring_back_half_at_a_point() -> None:
    def verdict(back: tuple[float, float], cost: tuple[float, float], lost: float = 10.0) -> str:
        gain, price = (Difference(mean, low, mean + 1, (mean, mean)) for mean, low in (back, cost))
        return Recovery(lost, gain, price).verdict()

    assert verdict((6.0, 5.1), (-0.5, -0.9)) == "yes, by the whole intervals"
    assert (
        verdict((6.0, 4.0), (-0.5, -0.9))
        == verdict((6.0, 5.1), (-0.5, -2.0))
        == "yes by the means, not by the intervals"
    )
    assert verdict((4.0, 3.0), (0.5, 0.1)) == verdict((8.0, 7.0), (-1.5, -2.0)) == "no"
    assert verdict((0.1, 0.0), (0.0, 0.0), lost=0.5) == "nothing to bring back"


def test_at_a_glance_each_difference_stands_under_its_domain_and_size() -> None:
    def row(domain: str, images: int, name: str, found: Difference | None, role: str = "main") -> Row:
        trial = Trial(domain, images, name, 1e-3, 0, 150, role)
        return Row([trial], [{"new": {"delta1": [0.5, 0.6]}}], [0, 1], [], False, {}, found)

    holds, does_not = Difference(-5.0, -6.0, -4.0, (-5.0, -5.0)), Difference(0.2, -1.0, 1.0, (0.5, -0.1))
    groups = [("smoke", 16), ("smoke", 64), ("infrared", 64)]
    rows = [row(domain, images, REFERENCE, None) for domain, images in groups]
    rows += [row("smoke", 64, "frozen", holds), row("infrared", 64, "frozen", does_not)]
    rows += [row("smoke", 64, "frozen", holds, "time")]
    headings, cells = at_a_glance(rows, groups)
    assert headings == ["strategy", "smoke 16", "smoke 64", "infrared 64"]
    assert cells == [
        [REFERENCE, "55.0", "55.0", "55.0"],
        ["frozen", "\N{EN DASH}", "-5.0*", "+0.2"],
        ["frozen, equal time", "\N{EN DASH}", "-5.0*", "\N{EN DASH}"],
    ]


# -- the study as a whole -------------------------------------------------------------------------------------------


@pytest.fixture
def start(make_tiny_model: Any, tmp_path: Path) -> Path:
    make_tiny_model().save_pretrained(tmp_path / "start")
    DepthAnythingImageProcessor.for_input_size(56).save_pretrained(tmp_path / "start")
    return tmp_path / "start"


def test_a_mixture_lies_between_both_models(start: Path, make_tiny_model: Any, tmp_path: Path) -> None:
    other = make_tiny_model(seed=1)
    other.save_pretrained(tmp_path / "other")
    DepthAnythingImageProcessor.for_input_size(56).save_pretrained(tmp_path / "other")
    mix_models(str(start), tmp_path / "other", tmp_path / "mixed", 0.25)
    mixed, first = (DepthAnythingForDepthEstimation.from_pretrained(tmp_path / each) for each in ("mixed", "start"))
    for name, value in mixed.state_dict().items():
        torch.testing.assert_close(value, 0.75 * other.state_dict()[name] + 0.25 * first.state_dict()[name])


def run_study(*flags: object) -> str:
    return run_python(study.__file__, "--preset", "smoke", *flags, forks=True)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--data", "rooms", "--test_data", "rooms"], "--test_data must be other images"),
        (["--data", "rooms", "--domains", "smoke"], "--data leaves no choice of rendered --domains"),
        (["--test_data", "rooms"], "--test_data belongs to --data"),
        (["--seeds", "0"], "seeds: expected numbers above 0"),
        (["--rates", "0.1", "0"], "expected numbers above 0"),
        (["--model", "a", "--encoder", "b"], "give one of --model and --encoder"),
        (["--encoder", "b", "--old_data", "c", "--old_test", "d"], "and --model, the depth model"),
        (["--old_data", "c"], "give --old_data and --old_test together"),
    ],
)
def test_wrong_settings_are_refused_before_any_work(flags: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=message):
        study.main(["--output_dir", str(tmp_path / "study"), *flags])
    assert not (tmp_path / "study").exists()


def test_a_folder_of_the_user_s_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SystemExit, match="has files and is no study"):
        study.main(["--output_dir", str(tmp_path)])


@pytest.mark.slow
def test_the_smallest_study_goes_through_and_goes_on_where_it_was(
    start: Path, labelled_folder: Path, tmp_path: Path
) -> None:
    folder, data = tmp_path / "study", ["--data", labelled_folder]
    old = ["--old_data", labelled_folder, "--old_test", labelled_folder]
    sizes = ["--images", 2, "--tuning_images", 2, "--pool_images", 4, "--test_images", 3, "--input_size", 56]
    flags = ["--output_dir", folder, "--model", start, *data, *old, *sizes, "--workers", 1]
    printed = run_study(*flags)
    report, table = (folder / "report.html"), (folder / "results.csv")
    assert report.exists(), printed
    text = report.read_text(encoding="utf-8")
    for name in (REFERENCE, "frozen", "rehearsal 30 %, longer, labels of the start", "half of the way back"):
        assert name in text and name in printed
    assert "δ1 minus the reference" in text and "Forgetting" in text and list(folder.glob("rates-*.png"))
    first, trials = table.read_text(), sorted((folder / "trials").iterdir())
    times = {path: path.stat().st_mtime_ns for path in trials}
    scores = {path: json.loads(path.read_text())["new"] for path in trials if "main-" in path.name}
    lost = next(path for path in scores if "-0.001-1-" in path.name)
    lost.unlink()
    assert report.exists() and run_study(*flags)
    assert json.loads(lost.read_text())["new"] == scores[lost], "a trial depends on its own fields alone"
    changed = [path for path in trials if path.stat().st_mtime_ns != times[path]]
    assert lost in changed and len(changed) <= 2, "the reference also writes its mixture"
    rows = [line.split(",")[:14] for line in first.splitlines()]
    assert rows == [line.split(",")[:14] for line in table.read_text().splitlines()]
    with pytest.raises(RuntimeError, match="holds a study with other settings"):
        run_study(*flags, "--seeds", 3)


@pytest.mark.slow
def test_students_have_the_layers_that_they_are_named_by(
    labelled_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "subprocess", FORKING)
    quickstart = tmp_path / "quickstart"
    for name in ("renders", "renders-held-out"):
        shutil.copytree(labelled_folder, quickstart / name)
    shutil.copytree(labelled_folder / "images", quickstart / "renders-unlabelled")
    setting = setting_of(tmp_path / "study")
    frame = StudentsFrame(quickstart, 1, 1, 1, 1, (STUDENTS[1], STUDENTS[4]))
    rows = distil_students(setting, frame)
    assert [row["name"] for row in rows] == ["teacher", STUDENTS[1].name, STUDENTS[4].name]
    for number, layers in ((0, 6), (1, 4)):
        config = json.loads((tmp_path / "study" / "students" / f"{number}-0" / "config.json").read_text())
        assert config["backbone_config"]["num_hidden_layers"] == layers
        assert config["lineage"].get("layers") == ("2, 4, 6, 8, 10, 12 of 12" if number == 0 else None)
    assert rows[0]["parameters"] > rows[1]["parameters"] > rows[2]["parameters"] > 0
    assert all(row["seconds_per_image"] > 0 and len(row["delta1"][0]) == 8 for row in rows)
    assert distil_students(setting, frame) == rows
