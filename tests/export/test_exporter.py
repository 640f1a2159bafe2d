# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Exported files against their models, by engine; what is refused; what lies beside a file."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Collection, Iterable
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import run_process
from tiny_exports import EXPORTED_ONCE, METRIC_OFFSET, export_once, save_tiny

from depth_anything_hf import DepthAnythingForDepthEstimation, DepthPredictor
from depth_anything_hf.export import export_model, exporter, open_exported
from depth_anything_hf.export.exporter import LOCK_FILE
from depth_anything_hf.export.formats import FORMATS
from depth_anything_hf.export.report_files import add_to_card, is_own_export, report_paths
from depth_anything_hf.utils.files import sha256_of_file
from depth_anything_hf.utils.locks import FolderLock
from depth_anything_hf.utils.machine_traces import traces_in_file


VARIANTS: dict[str, dict[str, Any]] = {
    "relative": {},
    "relative_offset": {"interpolate_offset": 0.1},
    "metric": {"depth_estimation_type": "metric", "max_depth": 20},
    "metric_offset": METRIC_OFFSET,
    "last_layers": {"out_indices": [2, 3, 4, 5]},
    "registers": {"registers": True},
    "registers_metric_offset": {"registers": True, **METRIC_OFFSET},
}


def all_but_long(cases: Iterable[tuple[Any, ...]], shortened: Collection[tuple[Any, ...]]) -> list[Any]:
    """Mark those as long, which take minutes together, that are not of the shorter list."""
    return [pytest.param(*case, marks=() if case in shortened else pytest.mark.long) for case in cases]


def need_engine(format: str) -> None:
    missing = [package for package in FORMATS[format].packages if find_spec(package) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    if not hasattr(torch.compiler, "is_exporting"):
        pytest.skip("models are exported by PyTorch 2.7 or later")


def soft_images(batch: int, height: int, width: int) -> np.ndarray:
    coarse = torch.rand(batch, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")
    images: np.ndarray = (255 * smooth).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return images


def report_of(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.with_name(path.name + ".parity.json").read_text(encoding="utf-8"))
    return content


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "variant"),
    all_but_long(
        product(FORMATS, VARIANTS),
        [("torch", "registers_metric_offset"), ("onnx", "metric_offset"), ("openvino", "metric_offset")],
    ),
)
def test_the_file_gives_the_maps_of_the_model_at_sizes_not_seen(
    format: str, variant: str, save_model: Any, shared_place: Path, tmp_path: Path
) -> None:
    need_engine(format)
    if VARIANTS[variant] == EXPORTED_ONCE[format]:
        folder, path = export_once(shared_place / "exports", format)
    else:
        folder = save_model(**VARIANTS[variant])
        path = export_model(folder, tmp_path / "out", format=format)
    content = report_of(path)
    assert content["accepted"] and content["largest"] <= 2e-5
    assert [each["name"] for each in content["sizes"]] == ["square", "portrait", "landscape", "batch of 3", "native"]
    model = DepthAnythingForDepthEstimation.from_pretrained(folder).eval()
    images = torch.randn(2, 3, 42, 126, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model(images).predicted_depth.numpy()
    assert np.ptp(expected) > 0
    opened = open_exported(path, threads=1)
    assert np.abs(opened(images.numpy()) - expected).max() <= 2e-5 * np.ptp(expected)
    assert opened.metadata["prediction_kind"] == ("depth" if "metric" in variant else "disparity")
    assert opened.metadata["unit"] == {"metric": "m", "metric_offset": "mm", "registers_metric_offset": "mm"}.get(
        variant
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "precision", "variant"),
    all_but_long(
        (
            (name, precision, variant)
            for name, each in FORMATS.items()
            for precision in each.precisions[1:]
            for variant in ("relative", "metric_offset", "registers")
        ),
        [("openvino", "bfloat16", "relative")],
    ),
)
def test_other_precisions_make_smaller_files_of_nearly_the_same_map(
    format: str, precision: str, variant: str, save_model: Any, tmp_path: Path
) -> None:
    need_engine(format)
    path = export_model(save_model(**VARIANTS[variant]), tmp_path / "out", format=format, precision=precision)
    assert path.stem.endswith(precision)
    content = report_of(path)
    assert content["accepted"] and 0 < content["mean"] < 0.05
    assert content["metadata"]["precision"] == precision


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "interpolation", "size"),
    all_but_long(
        product(FORMATS, ["pillow", "opencv"], [None, (42, 70)]),
        [("onnx", "opencv", (42, 70))],
    ),
)
def test_preprocessing_is_a_part_of_the_file(
    format: str, interpolation: str, size: tuple[int, int] | None, save_model: Any, tmp_path: Path
) -> None:
    need_engine(format)
    upsampling = "bicubic" if interpolation == "opencv" else None
    folder = save_model(processor={"interpolation": interpolation, "upsampling": upsampling}, interpolate_offset=0.1)
    path = export_model(folder, tmp_path / "out", format=format, size=size, include_preprocessing=True)
    content = report_of(path)
    assert content["accepted"] and content["largest"] <= (2e-5 if interpolation == "opencv" else 2e-3)
    landscape = [1, 53, 98, 3] if size is None else [1, 39, 122, 3]
    assert content["metadata"]["preprocessing"] and content["sizes"][2]["shape"] == landscape
    assert not list(traces_in_file(path))
    if size is not None:
        return
    with pytest.raises(ValueError, match="prepares images itself"):
        DepthPredictor.from_pretrained(path)
    predictor, opened = DepthPredictor.from_pretrained(folder, engine="torch"), open_exported(path, threads=1)
    for height, width in ((64, 150), (90, 41), (300, 400)):
        images = soft_images(1, height, width)
        expected = predictor.predict(images[0])
        assert opened(images).shape == (1, height, width)
        assert np.abs(opened(images)[0] - expected).max() <= 2e-3 * np.ptp(expected)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of OpenVINO in the folder of its model, which has a card."""
    need_engine("openvino")
    folder = save_tiny(tmp_path_factory.mktemp("exported"), interpolate_offset=0.1)
    kept = "<!-- keep -->\nKept.\n<!-- /keep -->\n"
    (folder / "README.md").write_text(f"---\nlicense: apache-2.0\n---\n\nMine.\n\n{kept}", encoding="utf-8")
    return export_model(folder, folder, format="openvino")


def test_openvino_gives_the_maps_of_the_model(exported: Path, tmp_path: Path) -> None:
    model, opened = DepthAnythingForDepthEstimation.from_pretrained(exported.parent).eval(), open_exported(exported)
    metadata = {**report_of(exported)["metadata"], "weights_sha256": sha256_of_file(exported.with_suffix(".bin"))}
    assert metadata["format"] == "openvino" and opened.metadata == metadata
    for shape in ((1, 3, 56, 56), (3, 3, 42, 84)):
        images = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            expected = model(images).predicted_depth.numpy()
        assert np.abs(opened(images.numpy()) - expected).max() <= 2e-5 * np.ptp(expected)
    with pytest.raises(ValueError, match="60x56, but the file takes multiples of 14 from 42 on"):
        opened(np.zeros((1, 3, 60, 56), np.float32))
    # Weights of another fine-tune are as long.
    path = Path(shutil.copy(exported, tmp_path))
    weights = bytearray(exported.with_suffix(".bin").read_bytes())
    weights[len(weights) // 2] ^= 1
    path.with_suffix(".bin").write_bytes(weights)
    with pytest.raises(
        ValueError, match=r"openvino_model\.bin: damaged, or the weights of another file than openvino_model\.xml"
    ):
        open_exported(path)


def test_report_and_card_lie_beside_the_file(exported: Path) -> None:
    folder, card = exported.parent, exported.parent / "README.md"
    files = {"README.md", "config.json", "model.safetensors", "preprocessor_config.json"}
    reports = {f"openvino_model.xml.parity.{suffix}" for suffix in ("json", "md")}
    assert {each.name for each in folder.iterdir()} == {*files, "openvino_model.xml", "openvino_model.bin", *reports}
    for each in (folder / name for name in (exported.name, "openvino_model.bin", *reports, "README.md")):
        assert not list(traces_in_file(each)) and str(folder.parent) not in each.read_text(errors="replace")

    text = card.read_text(encoding="utf-8")
    assert text.index("Mine.") < text.index("| `openvino_model.xml`") < text.index("<!-- keep -->")
    add_to_card(folder, report_of(exported))
    add_to_card(folder, {**report_of(exported), "file": "model_other.onnx"})
    text = card.read_text(encoding="utf-8")
    assert (
        text.count("## Exported files")
        == text.count("| `openvino_model.xml`")
        == text.count("| `model_other.onnx`")
        == 1
    )

    metadata = report_of(exported)["metadata"]
    assert metadata["license"] == "apache-2.0" and metadata["size"] is None and not metadata["preprocessing"]
    assert open_exported(exported).metadata == metadata


def test_files_of_others_stay(exported: Path, tmp_path: Path) -> None:
    path = tmp_path / "openvino_model.xml"
    for each in (exported, report_paths(exported)[0]):
        shutil.copy(each, tmp_path)
    # Its own file may be replaced, which is known by the checksum in the report.
    assert is_own_export(path)
    path.write_text("mine")
    assert not is_own_export(path)
    with pytest.raises(FileExistsError, match=r"openvino_model\.xml.*--overwrite"):
        export_model(exported.parent, path, format="openvino")
    assert path.read_text() == "mine"


@pytest.mark.slow
def test_a_fixed_size_leaves_the_batch_free(save_model: Any, tmp_path: Path) -> None:
    need_engine("torch")
    opened = open_exported(export_model(save_model(), tmp_path / "fixed.pt2", format="torch", size=(42, 70)))
    assert opened.metadata["size"] == [42, 70]
    assert opened(np.zeros((5, 3, 42, 70), np.float32)).shape == (5, 42, 70)
    with pytest.raises(ValueError, match="56x56, but the file was exported for 42x70 only"):
        opened(np.zeros((1, 3, 56, 56), np.float32))


@pytest.mark.long
@pytest.mark.slow
def test_own_files_are_replaced_and_those_of_others_on_request(save_model: Any, tmp_path: Path) -> None:
    need_engine("torch")
    folder, path = save_model(), tmp_path / "out.pt2"
    path.write_text("mine")
    export_model(folder, path, format="torch", overwrite=True)
    first = report_of(path)["sha256"]
    export_model(folder, path, format="torch", size=(28, 28))
    assert report_of(path)["sha256"] != first
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".")]


@pytest.mark.slow
def test_adapters_are_merged(save_model: Any, tmp_path: Path) -> None:
    need_engine("torch")
    pytest.importorskip("peft")
    from depth_anything_hf.training.adapters import adapters_of
    from depth_anything_hf.training.lora import add_lora

    base = save_model()
    model = DepthAnythingForDepthEstimation.from_pretrained(base)
    add_lora(model, 3, ["attention"], seed=0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    adapters = adapters_of(model)
    assert adapters is not None
    adapters.save(tmp_path / "kept", is_published=False)
    merged = adapters.merged_model().eval()
    path = export_model(tmp_path / "kept", tmp_path / "out", format="torch", size=(56, 56))
    images = torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = merged(images).predicted_depth.numpy()
        before = DepthAnythingForDepthEstimation.from_pretrained(base).eval()(images).predicted_depth.numpy()
    predicted = open_exported(path)(images.numpy())
    assert np.abs(predicted - expected).max() <= 2e-5 * np.ptp(expected) < np.abs(predicted - before).max()


def test_what_cannot_be_exported_is_refused_by_name(save_model: Any, tmp_path: Path) -> None:
    need_engine("torch")
    folder, out = save_model(), tmp_path / "out"
    with pytest.raises(ValueError, match=r"format must be one of .*did you mean 'onnx'"):
        export_model(folder, out, format="onx")
    with pytest.raises(ValueError, match=r"'openvino'\], got 'tensorrt': TensorRT's own tools"):
        export_model(folder, out, format="tensorrt")
    with pytest.raises(ValueError, match=r"precision must be one of .*'float32'.*'int3'"):
        export_model(folder, out, format="torch", precision="int3")
    with pytest.raises(ValueError, match=r"multiples of 14.*the nearest: 56 70"):
        export_model(folder, out, format="torch", size=(60, 70))
    with pytest.raises(ValueError, match="size must be height and width in whole pixels, got 56"):
        export_model(folder, out, format="torch", size=56)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"format 'onnx'.*ends in \.pt2"):
        export_model(folder, tmp_path / "a.onnx", format="torch")
    with pytest.raises(ValueError, match=r"calibration is for precisions of 8 bits.*'bfloat16'; leave it out"):
        export_model(folder, out, format="torch", precision="bfloat16", calibration="photos")
    with pytest.raises(ValueError, match=r"precision must be one of .*'torch', got 'int8'"):
        export_model(folder, out, format="torch", precision="int8")
    with pytest.raises(ValueError, match=r"a\.tflite is no name of a file of the format 'torch'.*ends in \.pt2"):
        export_model(folder, tmp_path / "a.tflite", format="torch")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="expected a folder"):
        export_model(folder, tmp_path / "file", format="torch")
    with pytest.raises(ValueError, match="is a file, expected a model folder"):
        export_model(folder / "model.safetensors", out, format="torch")
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_resize": False}))
    with pytest.raises(ValueError, match="does not resize images"):
        export_model(folder, out, format="torch", include_preprocessing=True)
    (folder / "config.json").write_text('{"model_type": "dpt"}')
    with pytest.raises(ValueError, match="'dpt' model, expected a Depth Anything model"):
        export_model(folder, out, format="torch")
    assert not out.exists()


def test_what_exporters_raise_becomes_one_line(
    save_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a guard failed\nand the whole graph")

    monkeypatch.setattr(exporter, "trace", fail)
    with pytest.raises(ValueError, match=r"cannot be written in the format 'torch'.*: a guard failed; try") as raised:
        export_model(save_model(), tmp_path / "out", format="torch")
    assert "graph" not in str(raised.value) and not (tmp_path / "out").exists()


def test_one_export_at_a_time_works_in_a_folder(save_model: Any, tmp_path: Path) -> None:
    need_engine("torch")
    folder = save_model()
    # What a killed export leaves, the next one removes.
    (tmp_path / ".b.onnx.unfinished").mkdir()
    with pytest.raises(ValueError, match="multiples of 14"):
        export_model(folder, tmp_path / "a.pt2", format="torch", size=(15, 15))
    with FolderLock(tmp_path, name=LOCK_FILE) as lock:
        lock.acquire()
        with pytest.raises(ValueError, match=r"is exporting a model in .*\.export\.lock: wait for its end"):
            export_model(folder, tmp_path / "a.pt2", format="torch")
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the limit of file sizes is one of POSIX")
def test_a_full_disk_leaves_nothing(save_model: Any, tmp_path: Path) -> None:
    need_engine("torch")
    folder, out = save_model(), tmp_path / "out"
    code = (
        "import resource, sys; from depth_anything_hf.export import export_model; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
        "export_model(sys.argv[1], sys.argv[2], format='torch')"
    )
    done = run_process("-c", code, folder, out)
    assert done.returncode == 1 and "model.pt2" in done.stderr.splitlines()[-1], done.stderr
    assert not out.exists()
