# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Compare ways to adapt a depth model to another domain: what of the encoder is trained, its cost, what is forgotten.

    python examples/strategies/study.py                          # the core table, on two CPU cores
    python examples/strategies/study.py --preset full            # more domains, sizes, seeds and rates: hours
    python examples/strategies/study.py --encoder facebook/dinov2-small --data rooms/ --test_data other-rooms/ \\
        --input_size 518 --steps 2000 --device gpu               # a real encoder and your own data

Every trial is a file; a study that was stopped goes on where it was when the same command is run again.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from comparison import choose_rate, mean_points
from cost import measure_costs
from domains import OLD_IMAGES, RENDERED, copy_domain, data_of, haze_old_images, render_domain
from program import run_command
from smaller_students import StudentsFrame, distil_students
from study_plan import (
    BY_NAME,
    EIGHT_BIT,
    METRIC_DOMAIN,
    PRESETS,
    Preset,
    main_trials,
    start_trials,
    time_trials,
    tuning_trials,
)
from study_report import Row, collect_rows, write_results
from trials import HERE, Setting, read_result, run_trials, way_back_trials

from depth_anything_hf.utils.files import atomic_write
from depth_anything_hf.utils.messages import counted
from depth_anything_hf.utils.quiet import quiet_libraries


QUICKSTART = HERE.parent / "quickstart" / "run.py"
NEEDED, FOR_STUDENTS = ("render", "render held-out scenes", "train teacher"), ("render without labels",)
GIVEN = "given"
SETTINGS_FILE = "study.json"
# Each takes most of a gigabyte.
MOST_WORKERS = 8
# Of the encoder: what has a part in its shape.
SHAPE = (
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "mlp_ratio", "image_size", "patch_size"),
    *("use_swiglu_ffn", "num_register_tokens"),
)


def main(argv: list[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="core", help="how much is compared")
    parser.add_argument("--output_dir", type=Path, help="folder of the study; default: runs/strategies-PRESET")
    parser.add_argument(
        "--quickstart",
        type=Path,
        default=Path("runs/quickstart-quick"),
        help="run of the quickstart "
        "whose teacher is adapted; what it lacks is rendered and trained first, by its own commands",
    )
    parser.add_argument("--model", help="depth model to adapt instead: folder or Hub id")
    parser.add_argument("--encoder", help="DINOv2 encoder to adapt with a fresh decoder instead: folder or Hub id")
    parser.add_argument("--data", help="images with depth to adapt to, instead of rendered domains")
    parser.add_argument("--test_data", help="other images of that kind, from other scenes; default: some of --data")
    parser.add_argument("--old_data", help="images with depth of the domain that the model comes from, for rehearsal")
    parser.add_argument("--old_test", help="other images of that domain, to score what is forgotten")
    parser.add_argument("--recipe", type=Path, help="recipe of `train`, instead of the study's own relative.yaml")
    parser.add_argument("--input_size", type=int, help="side of the training crops; default: the recipe's")
    parser.add_argument("--batch_size", type=int, help="images per step; default: the recipe's")
    parser.add_argument("--mixed_precision", choices=("no", "bf16", "fp16"), help="default: the recipe's")
    parser.add_argument("--min_depth", type=float, default=0.1, help="metres; nearer pixels do not count in scores")
    parser.add_argument("--max_depth", type=float, default=30.0, help="metres; farther pixels do not count in scores")
    for name, kind in (("steps", int), ("seeds", int), ("tuning_seeds", int), ("test_images", int)):
        parser.add_argument(f"--{name}", type=kind, help="instead of the preset's")
    for name, kind in (("tuning_images", int), ("pool_images", int)):
        parser.add_argument(f"--{name}", type=kind, help="instead of the preset's")
    parser.add_argument("--images", type=int, nargs="+", help="sizes of the training sets, instead of the preset's")
    parser.add_argument("--rates", type=float, nargs="+", help="decoder rates to choose from")
    parser.add_argument("--domains", nargs="+", choices=(*RENDERED, METRIC_DOMAIN), help="rendered domains")
    parser.add_argument(
        "--strategies",
        nargs="+",
        choices=tuple(BY_NAME),
        metavar="NAME",
        help=f"only these, and the reference: {'; '.join(BY_NAME)}",
    )
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="gpu: one trial at a time")
    parser.add_argument("--workers", type=int, help="trials at a time; default: one for each core, on a GPU one")
    parser.add_argument("--threads", type=int, default=1, help="of each trial")
    arguments = parser.parse_args(argv)
    try:
        study(arguments)
    except (ValueError, RuntimeError, FileNotFoundError) as error:
        raise SystemExit(f"error: {error}") from error


def study(arguments: Namespace) -> None:
    """Do all stages that are missing, and write the report."""
    check_start(arguments)
    preset = preset_of(arguments)
    folder = (arguments.output_dir or Path("runs") / f"strategies-{arguments.preset}").resolve()
    use_cpu = arguments.device == "cpu"
    workers = arguments.workers or (min(MOST_WORKERS, os.cpu_count() or 1) if use_cpu else 1)
    claim_folder(folder, arguments, preset)
    quiet_libraries()
    setting = prepare(arguments, preset, folder, workers)
    if setting.old_test is None:
        preset = replace(preset, remedies=False)
    if EIGHT_BIT not in preset.left_out and importlib.util.find_spec("bitsandbytes") is None:
        print(f"left out: {EIGHT_BIT}; it needs bitsandbytes: pip install depth_anything_hf[bitsandbytes]")
        preset = replace(preset, left_out=(*preset.left_out, EIGHT_BIT))
    rows, tuning = compare_strategies(setting, preset, workers) if preset.domains else ([], {})
    students: list[dict[str, Any]] = []
    if preset.students is not None and setting.start_model == str(arguments.quickstart.resolve() / "teacher"):
        print("== smaller students", flush=True)
        teacher_steps, student_steps, seeds = preset.students
        frame = StudentsFrame(arguments.quickstart.resolve(), teacher_steps, student_steps, seeds, workers)
        students = distil_students(setting, frame)
    path = write_results(setting, preset, rows, tuning, students, describe(setting, preset, workers))
    print((folder / "results.md").read_text(encoding="utf-8"))
    print(f"report: {path}")


def compare_strategies(
    setting: Setting, preset: Preset, workers: int
) -> tuple[list[Row], dict[tuple[str, str], dict[float, float]]]:
    """Run all trials; return the rows of the comparison, and delta1 by rate by (domain, strategy)."""
    print("== scores before any training", flush=True)
    run_trials(setting, start_trials(preset), workers)
    print("== what each strategy costs", flush=True)
    costs = measure_costs(setting, preset, workers)
    print("== choice of the rates", flush=True)
    run_trials(setting, tuning_trials(preset), workers)
    rates, edges, tuning = chosen_rates(setting, preset)
    print("== comparison", flush=True)
    seconds = {name: float(cost["seconds_per_step"]) for name, cost in costs.items()}
    trials = [*main_trials(preset, rates), *time_trials(preset, rates, seconds)]
    run_trials(setting, trials, workers)
    trials += [mixture for each in trials for mixture in way_back_trials(setting, each)]
    return collect_rows(setting, trials, edges, costs), tuning


def check_start(arguments: Namespace) -> None:
    """Raise ValueError where the flags name two starts, or data of an old domain without the model that knows it."""
    if arguments.encoder is not None and arguments.model is not None:
        raise ValueError("give one of --model and --encoder")
    old = (arguments.old_data, arguments.old_test)
    if (old[0] is None) != (old[1] is None) or (old[0] is not None and arguments.model is None):
        raise ValueError("give --old_data and --old_test together, and --model, the depth model that they belong to")


def preset_of(arguments: Namespace) -> Preset:
    """Return the preset with what the flags change of it."""
    preset = PRESETS[arguments.preset]
    names = ("steps", "seeds", "tuning_seeds", "test_images", "tuning_images", "pool_images")
    changes = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    for name in ("images", "rates", "domains", "strategies"):
        if getattr(arguments, name) is not None:
            changes[name] = tuple(getattr(arguments, name))
    if arguments.data is not None:
        if arguments.domains is not None or arguments.test_data == arguments.data:
            raise ValueError("--data leaves no choice of rendered --domains, and --test_data must be other images")
        changes["domains"] = (GIVEN,)
    elif arguments.test_data is not None:
        raise ValueError("--test_data belongs to --data; rendered domains have test images of their own")
    wrong = [name for name, value in changes.items() if isinstance(value, int) and value < 1]
    if wrong or min(changes.get("images", (1,))) < 1 or min(changes.get("rates", (1.0,))) <= 0:
        raise ValueError(f"{', '.join(wrong) or 'images and rates'}: expected numbers above 0")
    return replace(preset, **changes)


def claim_folder(folder: Path, arguments: Namespace, preset: Preset) -> None:
    """Write what is compared into the study's folder, or check that it is what the folder was begun with.

    Raises:
        ValueError: the folder has another study, or anything else.
    """
    own = {"output_dir", "workers", "threads", "preset"}
    given = {name: value for name, value in vars(arguments).items() if name not in own | set(asdict(preset))}
    wanted = json.loads(json.dumps({"preset": asdict(preset), "flags": given}, default=str))
    path = folder / SETTINGS_FILE
    if path.exists():
        if json.loads(path.read_text(encoding="utf-8")) != wanted:
            raise ValueError(f"{folder} holds a study with other settings; give another --output_dir, or remove it")
        return
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} has files and is no study; give another --output_dir")
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(wanted, indent=2) + "\n")


def prepare(arguments: Namespace, preset: Preset, folder: Path, workers: int) -> Setting:
    """Make the start and the images that the trials take."""
    old_data, old_test = arguments.old_data, arguments.old_test
    model = arguments.model
    if arguments.encoder is None and model is None:
        train_quickstart(arguments.quickstart, [*NEEDED, *(FOR_STUDENTS if preset.students else ())])
        quickstart = arguments.quickstart.resolve()
        model = str(quickstart / "teacher")
        old_test = str(quickstart / "renders-held-out")
        old_data = haze_old_images(folder / "domains" / "old", str(quickstart / "renders"))
    start = ("--model_name_or_path", model) if model else ("--encoder_name_or_path", arguments.encoder)
    layers, from_scratch = shape_of(model, arguments.encoder)
    overrides = {name: getattr(arguments, name) for name in ("input_size", "mixed_precision")}
    overrides["per_device_train_batch_size"] = arguments.batch_size
    relative = arguments.recipe or HERE / "relative.yaml"
    recipes = {"train": write_recipe(relative, overrides, folder / "recipe-train.yaml")}
    recipes["finetune"] = write_recipe(HERE / "metric.yaml", overrides, folder / "recipe-finetune.yaml")
    for domain in dict.fromkeys(map(data_of, preset.domains)):
        print(f"== images: {domain}", flush=True)
        if domain == GIVEN:
            copy_domain(folder / "domains" / domain, arguments.data, arguments.test_data, preset)
        else:
            render_domain(folder / "domains" / domain, domain, preset, workers)
    everything = [each for group in preset.groups() for each in preset.chosen(*group)]
    needs_labels = (
        any(each.rehearsal_labels == "start" for each in everything) and old_data is not None and model is not None
    )
    return Setting(
        folder=folder,
        start=start,
        start_model=model,
        layers=layers,
        from_scratch=from_scratch,
        old_data=old_data,
        old_labels=label_old_images(folder, model, old_data, arguments) if needs_labels else None,
        old_test=old_test,
        recipes=recipes,
        depth_range=(arguments.min_depth, arguments.max_depth),
        way_back=tuple(dict.fromkeys(each.name for each in everything if each.way_back)),
        threads=arguments.threads,
        use_cpu=arguments.device == "cpu",
    )


def train_quickstart(quickstart: Path, stages: list[str]) -> None:
    """Render the quickstart's rooms and train its teacher, unless that is done; `make quickstart` goes on from there.

    Raises:
        RuntimeError: a stage failed, or the folder holds a quickstart of other settings.
    """
    print(f"== teacher: that of {quickstart}", flush=True)
    record = quickstart / "stages.json"
    if record.exists() and set(stages) <= set(json.loads(record.read_text(encoding="utf-8"))):
        return
    words = [sys.executable, str(QUICKSTART), "--output_dir", str(quickstart), "--only", *stages]
    if subprocess.run(words).returncode:
        raise RuntimeError("the quickstart's teacher could not be trained; see above")


def shape_of(model: str | None, encoder: str | None) -> tuple[int, tuple[str, ...]]:
    """Return how many layers the decoder sees, and the flags of a model of that shape with random weights."""
    from transformers import AutoConfig

    from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig

    if model is None:
        found = DepthAnythingConfig.from_encoder_config(AutoConfig.from_pretrained(str(encoder)))
    else:
        found = DepthAnythingConfig.from_dict(AutoConfig.from_pretrained(model).to_dict())
    encoder_config = found.backbone_config
    fields = {name: getattr(encoder_config, name) for name in SHAPE if hasattr(encoder_config, name)}
    decoder = {name: getattr(found, name) for name in ("fusion_hidden_size", "head_hidden_size")}
    decoder |= {"neck_hidden_sizes": list(found.neck_hidden_sizes), "out_indices": list(encoder_config.out_indices)}
    flags = ("--encoder_config", json.dumps(fields), "--decoder_config", json.dumps(decoder))
    return int(encoder_config.out_indices[-1]), flags


def write_recipe(source: Path, overrides: Mapping[str, Any], path: Path) -> str:
    """Write a recipe with what the flags change of it."""
    import yaml

    values = yaml.safe_load(source.read_text(encoding="utf-8"))
    values |= {name: value for name, value in overrides.items() if value is not None}
    atomic_write(path, yaml.safe_dump(values, sort_keys=False))
    return str(path)


def label_old_images(folder: Path, model: str, old_data: str, arguments: Namespace) -> str:
    """Let the start label images of the old domain, for a rehearsal that needs no true labels."""
    images = Path(old_data) / "images"
    output = folder / "labels-of-the-start"
    words = ["pseudo-label", str(images if images.is_dir() else old_data), "--teacher", model]
    words += ["--output_dir", str(output), "--limit", str(OLD_IMAGES)]
    words += ["--device", "cpu"] if arguments.device == "cpu" else []
    done_before = folder / "labels-of-the-start.json"
    if not done_before.exists():
        print("== labels of the start", flush=True)
        run_command(
            words, folder / "labels-of-the-start.txt", threads=arguments.threads, use_cpu=arguments.device == "cpu"
        )
        atomic_write(done_before, json.dumps({"command": words}) + "\n")
    return str(output)


def chosen_rates(
    setting: Setting, preset: Preset
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], bool], dict[tuple[str, str], dict[float, float]]]:
    """Return by (domain, strategy): the best rate, whether it is the first or last, and delta1 by rate."""
    found: dict[tuple[str, str], dict[float, list[list[float | None]]]] = {}
    for trial in tuning_trials(preset):
        result = read_result(setting, trial) or {}
        by_rate = found.setdefault((trial.domain, trial.strategy), {})
        by_rate.setdefault(trial.rate, []).append(result["new"]["delta1"])
    best = {key: choose_rate(scores) for key, scores in found.items()}
    means = {key: {rate: mean_points(rows) for rate, rows in scores.items()} for key, scores in found.items()}
    return {key: rate for key, (rate, _) in best.items()}, {key: edge for key, (_, edge) in best.items()}, means


def describe(setting: Setting, preset: Preset, workers: int) -> str:
    """Return what was run, in a few words."""
    what = f"{Path(setting.start[1]).name} adapted to {', '.join(preset.domains) or 'nothing'}"
    where = platform.processor() or platform.machine()
    how = f"{counted(workers, 'process', 'processes')} of {counted(setting.threads, 'thread')}"
    return f"{what}; {where}, {how}."


if __name__ == "__main__":
    main()
