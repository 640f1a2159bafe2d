# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Facts about the command line, through typer and through a real process."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from sample_files import write_moge
from transformers import Dinov2Config
from typer.testing import CliRunner

import depth_anything_hf
from depth_anything_hf.cli.evaluate import evaluate
from depth_anything_hf.cli.main import app
from depth_anything_hf.cli.pseudo_label import pseudo_label
from depth_anything_hf.data.sources import open_source
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.configuration_depth_anything import DepthAnythingConfig
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.models.modeling_depth_anything import DepthAnythingForDepthEstimation


SIDE = 42


def save_tiny_model(folder: Path, **options: Any) -> Path:
    torch.manual_seed(0)
    encoder = Dinov2Config(hidden_size=48, num_hidden_layers=4, num_attention_heads=4, image_size=70)
    config = DepthAnythingConfig.from_encoder_config(encoder, **options)
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(SIDE).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("relative"))


@pytest.fixture(scope="module")
def metric_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("metric"), depth_estimation_type="metric", max_depth=20)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number, name in enumerate(["a.png", "sub/b.jpg"]):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random_image((30, 40 + number), number)).save(path)
    return tmp_path / "photos"


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Three images with depth in metres, 1 to 5."""
    for folder in ("images", "depth"):
        (tmp_path / "labelled" / folder).mkdir(parents=True)
    for number in range(3):
        depth = np.linspace(1, 5, 30 * 40, dtype=np.float32).reshape(30, 40)
        Image.fromarray(random_image((30, 40), number)).save(tmp_path / "labelled" / "images" / f"{number}.png")
        np.save(tmp_path / "labelled" / "depth" / f"{number}.npy", depth)
    return tmp_path / "labelled"


def random_image(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def run(*arguments: str | Path, **environment: str) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment or None)


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# predict


def test_predict_writes_pictures_and_numbers(model: Path, photos: Path, tmp_path: Path) -> None:
    result = run("predict", photos, "--output", tmp_path / "out", "--model", model, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "2 of 2 pictures" in result.output and "larger is nearer" in result.output
    stems = ["a", "sub/b"]
    assert files_below(tmp_path / "out") == sorted(
        f"{stem}{suffix}" for stem in stems for suffix in (".npz", "_16bit.png", "_depth.png")
    )
    stored = np.load(tmp_path / "out" / "a.npz")
    expected = DepthPredictor.from_pretrained(model, device="cpu").predict(photos / "a.png")
    assert stored["disparity"].dtype == np.float32 and str(stored["kind"]) == "disparity"
    np.testing.assert_allclose(stored["disparity"], expected, atol=1e-6)
    grey = cv2.imread(str(tmp_path / "out" / "a_16bit.png"), cv2.IMREAD_UNCHANGED)
    assert grey is not None and grey.dtype == np.uint16 and (grey.min(), grey.max()) == (0, 65535)
    assert grey.argmax() == expected.argmax() and grey.shape == expected.shape
    assert Image.open(tmp_path / "out" / "a_depth.png").size == (40, 30)


def test_a_metric_model_writes_metres_and_colours_what_is_near(
    metric_model: Path, photos: Path, tmp_path: Path
) -> None:
    result = run("predict", photos / "a.png", "-o", tmp_path / "out", "-m", metric_model, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "metres" in result.output
    stored = np.load(tmp_path / "out" / "a.npz")
    assert sorted(stored) == ["depth", "kind"]
    brightness = np.asarray(Image.open(tmp_path / "out" / "a_depth.png")).astype(int).sum(axis=2)
    nearest, farthest = stored["depth"].argmin(), stored["depth"].argmax()
    assert brightness.flat[nearest] > brightness.flat[farthest]


def test_raw_writes_numbers_only(model: Path, photos: Path, tmp_path: Path) -> None:
    assert run("predict", photos, "-o", tmp_path / "out", "-m", model, "--raw").exit_code == 0
    assert files_below(tmp_path / "out") == ["a.npz", "sub/b.npz"]


def test_pictures_of_one_name_do_not_overwrite_each_other(model: Path, tmp_path: Path) -> None:
    inputs = []
    for number, name in enumerate(["one/x.png", "one/x.jpg", "two/x.png"]):
        inputs.append(tmp_path / name)
        inputs[-1].parent.mkdir(exist_ok=True)
        Image.fromarray(random_image((20, 20 + number), number)).save(inputs[-1])
    assert run("predict", *inputs, "-o", tmp_path / "out", "-m", model, "--raw").exit_code == 0
    assert files_below(tmp_path / "out") == ["x_jpg.npz", "x_png.npz", "x_png_2.npz"]
    assert np.load(tmp_path / "out" / "x_png_2.npz")["disparity"].shape == (20, 22)


def test_broken_pictures_are_named_and_fail_the_command_only_alone(model: Path, photos: Path, tmp_path: Path) -> None:
    broken = photos / "broken.jpg"
    broken.write_bytes(b"no picture")
    result = run("predict", photos, "-o", tmp_path / "out", "-m", model, "--raw")
    assert result.exit_code == 0 and "2 of 3 pictures" in result.output
    assert "1 of 3 images were left out" in result.output and str(broken) in result.output
    alone = run("predict", broken, tmp_path / "absent.jpg", "-o", tmp_path / "out", "-m", model)
    assert alone.exit_code == 1 and "absent.jpg: no such file" in alone.output


# pseudo-label


def test_pseudo_label_writes_shards_that_open(model: Path, photos: Path, tmp_path: Path) -> None:
    arguments = (
        "pseudo-label",
        photos,
        "-m",
        model,
        "-o",
        tmp_path / "labels",
        "--device",
        "cpu",
        "--shard-size",
        "1",
    )
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "2 images labelled in 2 shards" in result.output
    samples = open_source(str(tmp_path / "labels"))
    assert [samples[index]["name"] for index in range(2)] == ["a.png", "sub/b.jpg"]
    provenance = json.loads((tmp_path / "labels" / "provenance.json").read_text())
    assert provenance["data"] == "photos" and provenance["teacher"] == model.name
    other = run(*arguments, "--input-size", "56")
    assert other.exit_code == 1 and "error:" in other.output and "input_size: 42 there, 56 now" in other.output


def test_a_launched_process_takes_its_share(model: Path, photos: Path, tmp_path: Path) -> None:
    arguments = (
        "pseudo-label",
        photos,
        "-m",
        model,
        "-o",
        tmp_path / "labels",
        "--device",
        "cpu",
        "--shard-size",
        "1",
    )
    assert run(*arguments, RANK="1", WORLD_SIZE="2").exit_code == 0
    assert files_below(tmp_path / "labels") == [
        "labels-00001-of-00002.parquet",
        "manifest/labels-00001-of-00002.entry",
        "provenance.json",
    ]


# evaluate


def test_evaluate_prints_and_saves_the_scores(model: Path, labelled: Path, tmp_path: Path) -> None:
    result = run("evaluate", model, "--data", labelled, "--output", tmp_path / "results", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "abs_rel" in result.output and "alignment: disparity" in result.output
    record = json.loads((tmp_path / "results" / "results.json").read_text())
    assert record["images"] == 3 and record["prediction_kind"] == "disparity"
    assert record["made_with"]["model"] == model.name and f"made with: model {model.name}, " in result.output
    (entry,) = json.loads((tmp_path / "results" / "card_entries.json").read_text()).values()
    assert entry["metrics"]["abs_rel"] == record["mean"]["abs_rel"]


def test_a_metric_model_is_scored_in_metres(metric_model: Path, labelled: Path) -> None:
    result = run("evaluate", metric_model, "--data", labelled, "--device", "cpu", "--max-depth", "20", "--limit", "2")
    assert result.exit_code == 0, result.output
    assert "2 images scored" in result.output and "alignment: none" in result.output


def test_the_commands_are_functions(model: Path, labelled: Path, photos: Path, tmp_path: Path) -> None:
    scores = evaluate(str(model), str(labelled), device="cpu")
    assert len(scores.rows) == 3 and 0 <= scores.mean["abs_rel"]
    report = pseudo_label(str(photos), str(model), tmp_path / "labels", device="cpu")
    assert report.labelled == 2


def test_pictures_without_labels_cannot_be_scored(model: Path, photos: Path) -> None:
    result = run("evaluate", model, "--data", photos)
    assert result.exit_code == 1 and "no depth or disparity labels" in result.output


def test_a_protocol_signs_the_result(model: Path, tmp_path: Path) -> None:
    # Virtual KITTI 2 as it is downloaded: depth in centimetres, 65535 is the sky.
    frame = "Scene01/clone/frames/{}/Camera_0/{}_00000"
    for folder, name in (("rgb", "rgb"), ("depth", "depth")):
        (tmp_path / frame.format(folder, name)).parent.mkdir(parents=True)
    Image.fromarray(random_image((30, 40), 0)).save(tmp_path / (frame.format("rgb", "rgb") + ".jpg"))
    depth = np.linspace(200, 5000, 30 * 40).reshape(30, 40).astype(np.uint16)
    depth[0] = 65535
    cv2.imwrite(str(tmp_path / (frame.format("depth", "depth") + ".png")), depth)
    protocol = ("--protocol", "vkitti2", "--root", tmp_path)
    result = run("evaluate", model, *protocol, "-o", tmp_path / "results", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "vkitti2@1" in result.output
    record = json.loads((tmp_path / "results" / "results.json").read_text())
    assert record["settings"]["protocol"] == "vkitti2@1" and record["images"] == 1
    assert {"errors.jpg", "per_image.parquet"} <= set(files_below(tmp_path / "results"))
    # A root without the files: one error that says what was expected.
    missing = run("evaluate", model, "--protocol", "nyu", "--root", tmp_path / "results")
    assert missing.exit_code == 1 and "nyu_depth_v2_labeled.mat" in missing.output
    assert run("evaluate", model, "--protocol", "nyu").exit_code == 1
    assert "known" in run("evaluate", model, "--protocol", "nyuu", "--root", tmp_path).output


@pytest.mark.parametrize(
    "option", [("--min-depth", 0), ("--image-column", "image"), ("--scale", 0), ("--alignment", "")]
)
def test_what_a_protocol_fixes_cannot_be_given(option: tuple[str, Any], model: Path, tmp_path: Path) -> None:
    result = run("evaluate", model, "--protocol", "vkitti2", "--root", tmp_path, *map(str, option))
    assert result.exit_code == 1 and f"the protocol fixes what {option[0]} would say" in result.output


def evaluation_example() -> Any:
    path = Path(__file__).parents[2] / "examples" / "evaluate.py"
    specification = importlib.util.spec_from_file_location("example_evaluate", path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    # Its dataclass looks its module up.
    sys.modules["example_evaluate"] = module
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("is_example", [False, True])
def test_a_group_scores_every_set_that_is_there(
    is_example: bool, model: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    for subset in ("NYUv2", "HAMMER"):
        write_moge(tmp_path / "bundle", subset, 2)
    group = ("--protocol", "moge-bundle", "--root", str(tmp_path / "bundle"), "--limit", "1")
    if is_example:
        arguments = ["evaluate.py", "--model", str(model), *group, "--output_dir", str(tmp_path / "out")]
        monkeypatch.setattr(sys, "argv", arguments)
        evaluation_example().main()
        printed = capsys.readouterr().out
    else:
        result = run("evaluate", model, *group, "-o", tmp_path / "out", "--device", "cpu")
        assert result.exit_code == 0, result.output
        printed = result.output
    assert "protocol: moge-nyu@1, modified, first 1" in printed and "protocol: moge-hammer@1" in printed
    assert "mean over 2 of 10 sets: abs_rel" in printed and "not in it: moge-kitti: no folder KITTI" in printed
    names = ("card_entries.json", "errors.jpg", "per_image.parquet", "results.json")
    assert files_below(tmp_path / "out") == sorted(
        f"{p}/{name}" for p in ("moge-hammer", "moge-nyu") for name in names
    )
    record = json.loads((tmp_path / "out" / "moge-nyu" / "results.json").read_text())
    assert record["protocol"] == "moge-nyu@1, modified"
    assert record["made_with"]["model"] == model.name and record["made_with"]["split"] == "NYUv2"


def test_the_example_refuses_what_the_protocol_fixes_and_fails_without_scores(
    model: Path, labelled: Path, monkeypatch: Any
) -> None:
    example = evaluation_example()
    for name, value in (("max_depth", 10.0), ("min_depth", 0.0), ("alignment", "none"), ("scale", 1.0), ("label", "")):
        with pytest.raises(ValueError, match=f"the protocol fixes what --{name} would say"):
            example.EvaluationArguments(model="m", protocol="nyu", root="r", **{name: value})
    # No label is that near.
    arguments = ["evaluate.py", "--model", str(model), "--data", str(labelled), "--max_depth", "0.5"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        example.main()
    assert ended.value.code == 1


def test_datasets_are_listed_with_their_licences() -> None:
    overview = run("datasets").output
    assert "hypersim" in overview and "CC BY-SA 3.0" in overview and "da-2k" in overview
    assert "moge-bundle" in overview and "all of moge-nyu, moge-kitti" in overview
    one = run("datasets", "hypersim").output
    assert "depth_meters.hdf5" in one and "hypersim-val@1" in one
    assert "known: " in run("datasets", "imaginary").output


# calibrate


def test_calibration_gives_metres(model: Path, photos: Path, tmp_path: Path) -> None:
    disparity = DepthPredictor.from_pretrained(model, device="cpu").predict(photos / "a.png").astype(np.float64)
    points = [(0, 0), (39, 29), (20, 10), (5, 25)]
    lines = [f"{x},{y},{1 / (0.5 * disparity[y, x] + 0.1)}" for x, y in points]
    (tmp_path / "points.csv").write_text("\n".join(["x,y,depth", *lines]))
    camera = tmp_path / "camera.json"
    fitted = run("calibrate", photos / "a.png", "--points", tmp_path / "points.csv", "-m", model, "-o", camera)
    assert fitted.exit_code == 0, fitted.output
    assert "4 points: scale 0.5" in fitted.output
    shown = run("predict", photos / "a.png", "-o", tmp_path / "out", "-m", model, "--metric", camera)
    assert shown.exit_code == 0, shown.output
    depth = np.load(tmp_path / "out" / "a.npz")["depth"]
    np.testing.assert_allclose(depth, 1 / (0.5 * disparity + 0.1), rtol=1e-4)
    # Points of another picture are not mixed in; with a folder each picture has its own.
    other = DepthPredictor.from_pretrained(model, device="cpu").predict(photos / "sub" / "b.jpg").astype(np.float64)
    named = [f"photos/a.png,{line}" for line in lines]
    named += [f"photos/sub/b.jpg,{x},{y},{1 / (0.5 * other[y, x] + 0.1)}" for x, y in points]
    (tmp_path / "both.csv").write_text("\n".join(["image,x,y,depth", *named]))
    both = ("--points", tmp_path / "both.csv", "-m", model, "-o", tmp_path / "both.json")
    assert "a point of" in run("calibrate", photos / "a.png", *both).output
    assert "differ by a factor of 1.00" in run("calibrate", photos, *both).output
    other_size = ("--metric", camera, "--input-size", "56")
    assert "warning" in run("predict", photos / "a.png", "-o", tmp_path / "out", "-m", model, *other_size).output


def test_several_images_tell_how_far_a_calibration_carries(model: Path, labelled: Path, tmp_path: Path) -> None:
    # Depth that follows each image's own disparity with another scale: no common fit is right.
    predictor = DepthPredictor.from_pretrained(model, device="cpu")
    for number in range(3):
        disparity = predictor.predict(labelled / "images" / f"{number}.png")
        np.save(labelled / "depth" / f"{number}.npy", 1 / ((1 + number) * disparity + 0.1))
    result = run("calibrate", labelled, "-m", model, "-o", tmp_path / "camera.json")
    assert result.exit_code == 0, result.output
    assert "differ by a factor of 3.00" in result.output and "0.0000 with its own" in result.output


def test_a_metric_model_needs_no_calibration(metric_model: Path, model: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("x,y,depth\n0,0,1\n5,5,2\n")
    points = ("--points", tmp_path / "points.csv", "-o", tmp_path / "camera.json")
    assert "predicts metres itself" in run("calibrate", photos / "a.png", *points, "-m", metric_model).output
    absent = run("predict", photos, "-o", tmp_path / "out", "-m", model, "--metric", tmp_path / "absent.json")
    assert absent.exit_code == 1 and "calibrate" in absent.output


# convert


def test_convert_there_and_back(tmp_path: Path) -> None:
    encoder = Dinov2Config(hidden_size=64, num_hidden_layers=4, num_attention_heads=1, image_size=70)
    torch.manual_seed(0)
    DepthAnythingForDepthEstimation(DepthAnythingConfig.from_encoder_config(encoder)).save_pretrained(tmp_path / "a")
    refused = run("convert", tmp_path / "a", tmp_path / "a.pth", "--to-original", "--taps", "v1")
    assert refused.exit_code == 1 and "takes no other option" in refused.output
    there = run("convert", tmp_path / "a", tmp_path / "a.pth", "--to-original")
    assert there.exit_code == 0 and "strict=True" in there.output, there.output
    back = run("convert", tmp_path / "a.pth", tmp_path / "b", "--num-attention-heads", "1")
    assert back.exit_code == 0 and "README.md" in back.output, back.output
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("a", "b"))
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
    wrong = run("convert", tmp_path / "a.pth", tmp_path / "c", "--size", "small")
    assert wrong.exit_code == 1 and "error: " in wrong.output
    assert "--max-depth" in run("convert", tmp_path / "a.pth", tmp_path / "c", "--metric").output


# verify


def test_verify_names_a_damaged_shard_and_a_repeat_makes_it_again(model: Path, photos: Path, tmp_path: Path) -> None:
    label = ("pseudo-label", photos, "-m", model, "-o", tmp_path / "labels", "--device", "cpu", "--shard-size", "1")
    assert run(*label).exit_code == 0
    sound = run("verify", tmp_path / "labels")
    assert sound.exit_code == 0 and "2 labels in 2 shards" in sound.output
    shard = tmp_path / "labels" / "labels-00001-of-00002.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    damaged = run("verify", tmp_path / "labels", "--remove-damaged")
    assert damaged.exit_code == 1 and shard.name in damaged.output and not shard.exists()
    # What is not complete is not pushed.
    push = run("push-labels", tmp_path / "labels", "owner/labels")
    assert push.exit_code == 1 and "shards are missing" in push.output
    assert run(*label).exit_code == 0
    assert run("verify", tmp_path / "labels", "--quick").exit_code == 0


# render


def test_render_passes_its_arguments_on(tmp_path: Path) -> None:
    pytest.importorskip("mitsuba")
    size = ("--height", "28", "--width", "42", "--samples-per-pixel", "1", "--denoise", "no")
    result = run("render", tmp_path / "scenes", "--count", "1", *size, "--family", "hazy-rooms", "--no-depth")
    assert result.exit_code == 0, result.output
    (image,) = (tmp_path / "scenes").rglob("*.png")
    assert Image.open(image).size == (42, 28)


def test_a_wrong_choice_is_told(tmp_path: Path) -> None:
    result = run("render", tmp_path / "scenes", "--count", "1", "--denoise", "maybe")
    assert result.exit_code == 1 and "auto, yes, no" in result.output


# The top


def test_errors_are_one_line_and_debug_shows_the_traceback(tmp_path: Path) -> None:
    arguments = ("evaluate", tmp_path / "absent", "--data", tmp_path / "nothing")
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith("error: ") and "nothing" in result.output and "Traceback" not in result.output
    assert isinstance(run("--debug", *arguments).exception, FileNotFoundError)
    assert isinstance(run(*arguments, DEPTH_ANYTHING_HF_DEBUG="1").exception, FileNotFoundError)


def test_version() -> None:
    result = run("--version")
    assert result.exit_code == 0 and depth_anything_hf.__version__ in result.output


@pytest.mark.parametrize(
    "command",
    ["predict", "calibrate", "convert", "pseudo-label", "verify", "push-labels", "evaluate", "datasets", "render"],
)
def test_every_command_explains_itself_with_examples(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0 and f"depth-anything-hf {command}" in result.output


def test_help_of_a_real_process_does_not_import_torch() -> None:
    script = "import sys; from depth_anything_hf.cli import main; print('torch' in sys.modules)"
    assert run_process("-c", script).stdout.strip() == "False"
    shown = run_process("-m", "depth_anything_hf.cli", "--help")
    assert shown.returncode == 0 and "pseudo-label" in shown.stdout


def test_predict_in_a_real_process(model: Path, photos: Path, tmp_path: Path) -> None:
    arguments = ["predict", str(photos), "-o", str(tmp_path / "out"), "-m", str(model), "--batch-size", "2"]
    ran = run_process("-m", "depth_anything_hf.cli", *arguments)
    assert ran.returncode == 0, ran.stderr
    assert len(files_below(tmp_path / "out")) == 6


def run_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, timeout=300)
