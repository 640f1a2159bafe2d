# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Predictions in other engines against PyTorch's, which engine is taken, and what is refused."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import run_process
from tiny_predictors import SIDE, random_image, random_images, tiny_dpt, tiny_model, values_of
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

from depth_anything_hf.inference import engine_cache, engine_conversion
from depth_anything_hf.inference.engine_cache import EngineCache
from depth_anything_hf.inference.engine_source import ConversionError, ModelSource, find_source
from depth_anything_hf.inference.engines import OTHER_ENGINES, PREFERRED, is_installed, thread_limit
from depth_anything_hf.inference.predictor import DepthPredictor
from depth_anything_hf.models.image_processing_depth_anything import DepthAnythingImageProcessor
from depth_anything_hf.utils.option_errors import OptionError


# Of the range of a map, in float32.
BOUND = 2e-5
WARM_PREDICTION = """
import sys
from pathlib import Path
from depth_anything_hf.inference import engine_cache
engine_cache.CACHE_FOLDER = Path(sys.argv[1])
from depth_anything_hf import DepthPredictor
predictor = DepthPredictor.from_pretrained(sys.argv[2], engine="auto")
predictor.predict(sys.argv[3])
print(predictor.engine, *({"torch", "transformers"} & sys.modules.keys()))
"""


def need(engine: str) -> None:
    if not is_installed(engine):
        pytest.skip(f"{engine} is not installed")


def assert_near(found: np.ndarray, expected: np.ndarray, bound: float = BOUND) -> None:
    assert found.dtype == np.float32 and found.shape == expected.shape and np.ptp(expected) > 0
    assert np.abs(found - expected).max() <= bound * np.ptp(expected)


def failure_of(folder: Path) -> str | None:
    source = find_source(str(folder), {})
    assert isinstance(source, ModelSource)
    return EngineCache().entry(source, PREFERRED, "float32").failure()


def save_another_model(folder: Path) -> None:
    model = tiny_model()
    with torch.no_grad():
        model.head.conv3.weight.mul_(2)
    model.save_pretrained(folder)


@pytest.fixture(scope="module")
def metric_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metric")
    model = tiny_model(depth_estimation_type="metric", max_depth=2000, depth_unit="mm")
    with torch.no_grad():
        # Depth that differs within a picture by much more than the last bit of 1 m.
        model.head.conv3.weight.mul_(20)
    model.save_pretrained(folder)
    DepthAnythingImageProcessor.for_input_size(SIDE, upsampling="bicubic").save_pretrained(folder)
    return folder


@pytest.mark.parametrize("further", [{}, {"flip_averaging": True}, {"confidence": True}], ids=str)
@pytest.mark.parametrize(
    "engine", [pytest.param(each, marks=() if each == PREFERRED else pytest.mark.slow) for each in OTHER_ENGINES]
)
def test_predictions_are_pytorchs(engine: str, further: dict[str, bool], request: pytest.FixtureRequest) -> None:
    need(engine)
    folder = request.getfixturevalue("checkpoint" if engine == PREFERRED else "metric_checkpoint")
    options: dict[str, Any] = {"batch_size": 3, "window_batches": 2, **further}
    predictor = DepthPredictor.from_pretrained(folder, engine=engine, device="cpu", **options)
    assert (predictor.engine, predictor.precision, predictor.device) == (engine, "float32", torch.device("cpu"))
    expected = DepthPredictor.from_pretrained(folder, device="cpu", **options)
    assert (expected.engine, expected.prediction_kind) == ("torch", predictor.prediction_kind)
    images: list[Any] = [*random_images(), ("broken", b"no picture"), ("thin", random_image((40, 110)))]
    found = predictor(images)
    for one, other in zip(found, expected(images), strict=True):
        assert (one.name, one.image_size) == (other.name, other.image_size)
        if other.values is None:
            assert one.name == "broken" and one.error == other.error
        else:
            assert_near(values_of(one), values_of(other))
            if further.get("confidence"):
                assert one.confidence is not None and other.confidence is not None
                np.testing.assert_allclose(one.confidence, other.confidence, atol=2e-3)
                assert np.ptp(other.confidence) > 0 or other.image_size in ((3, 9), (3, 5))
    assert predictor.confidence_passes == expected.confidence_passes
    assert predictor.input_size == SIDE and predictor.model.config.depth_unit == expected.model.config.depth_unit


@pytest.mark.long
@pytest.mark.slow
def test_bfloat16_is_near_and_named(checkpoint: Path) -> None:
    need("openvino")
    try:
        predictor = DepthPredictor.from_pretrained(checkpoint, engine="openvino", device="cpu", dtype=torch.bfloat16)
    except OptionError as error:
        pytest.skip(str(error))
    assert predictor.precision == "bfloat16"
    image = random_image((60, 80))
    expected = DepthPredictor.from_pretrained(checkpoint, device="cpu").predict(image)
    assert_near(predictor.predict(image), expected, 0.15)
    assert np.abs(predictor.predict(image) - expected).max() > 0


def test_a_new_process_neither_converts_nor_imports_pytorch(checkpoint: Path, tmp_path: Path) -> None:
    need("openvino")
    DepthPredictor.from_pretrained(checkpoint, engine="openvino", device="cpu")
    (tmp_path / "image.bin").write_bytes(_png(random_image((60, 80))))
    done = run_process("-c", WARM_PREDICTION, engine_cache.CACHE_FOLDER, checkpoint, tmp_path / "image.bin")
    assert done.returncode == 0, done.stderr
    has_accelerator = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert done.stdout.split()[0] == ("torch" if has_accelerator else "openvino")
    if torch.version.cuda is None and not has_accelerator:
        assert done.stdout.split() == ["openvino"] and "converting" not in done.stderr


def test_a_damaged_model_in_the_cache_is_removed(
    checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    need("openvino")
    DepthPredictor.from_pretrained(checkpoint, engine="openvino", device="cpu")
    source = find_source(str(checkpoint), {})
    assert isinstance(source, ModelSource)
    kept, cache = EngineCache().entry(source, "openvino", "float32"), EngineCache(tmp_path / "engines")
    entry = cache.entry(source, "openvino", "float32")
    entry.place.mkdir()
    for path in (kept._model, kept._record):
        shutil.copy(path, entry.place)
    assert entry.open(1) is not None and cache.entry(source, "openvino", "bfloat16")._model != entry._model
    content = bytearray(entry._model.read_bytes())
    content[len(content) // 2] ^= 1
    entry._model.write_bytes(content)
    assert entry.open(1) is None and "damaged" in caplog.text
    assert not entry._model.exists() and not entry._record.exists()


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["it computes something else", "its folder is written anew"])
def test_only_what_was_compared_with_its_checkpoint_is_kept(
    fault: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("onnxruntime")
    folder = shutil.copytree(checkpoint, tmp_path / "model")
    monkeypatch.setattr(engine_cache, "CACHE_FOLDER", tmp_path / "engines")
    source = find_source(str(folder), {})
    assert isinstance(source, ModelSource)
    entry = EngineCache().entry(source, "onnxruntime", "float32")
    if fault == "it computes something else":
        monkeypatch.setitem(engine_conversion.LARGEST_DIFFERENCE, "float32", -1.0)
        with pytest.raises(ConversionError, match="differs"):
            engine_conversion.convert_checkpoint(source, "onnxruntime", "float32", 1, entry)
    else:
        # After the name of its place was found, as by a run that trains.
        save_another_model(folder)
        engine_conversion.convert_checkpoint(source, "onnxruntime", "float32", 1, entry)
        assert not entry.is_of(source)
    assert EngineCache().describe() == (0, 0)


@pytest.mark.slow
def test_a_checkpoint_edited_in_place_is_another_one(checkpoint: Path, tmp_path: Path) -> None:
    need("openvino")
    folder = shutil.copytree(checkpoint, tmp_path / "model")
    image = random_image((60, 80))
    before = DepthPredictor.from_pretrained(folder, engine="openvino", device="cpu").predict(image)
    weights = folder / "model.safetensors"
    status = weights.stat()
    save_another_model(folder)
    os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert weights.stat().st_size == status.st_size
    after = DepthPredictor.from_pretrained(folder, engine="openvino", device="cpu").predict(image)
    assert_near(after, DepthPredictor.from_pretrained(folder, device="cpu").predict(image))
    assert np.abs(after - before).max() > BOUND * np.ptp(before)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"compile": True}, "compile"),
        ({"attn_implementation": "sdpa"}, "attn_implementation"),
        ({"dtype": "float16"}, "float32 and bfloat16, not in float16"),
        ({"subfolder": "part"}, "subfolder"),
    ],
)
def test_an_engine_that_cannot_serve_is_refused(options: dict[str, Any], reason: str, checkpoint: Path) -> None:
    need("openvino")
    with pytest.raises(OptionError, match=f"openvino.*{reason}.*torch"):
        DepthPredictor.from_pretrained(checkpoint, engine="openvino", **{"device": "cpu", **options})


def test_a_model_that_is_not_there_is_named_as_elsewhere(tmp_path: Path) -> None:
    need("openvino")
    with pytest.raises(FileNotFoundError, match="no such model folder"):
        DepthPredictor.from_pretrained(str(tmp_path / "nothing"), engine="openvino", device="cpu")


@pytest.mark.slow
def test_auto_leaves_to_pytorch_what_engines_do_not_take(checkpoint: Path, tmp_path: Path) -> None:
    tiny_dpt().save_pretrained(tmp_path)
    DPTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    for folder, options in (
        (tmp_path, {}),
        (checkpoint, {"attn_implementation": "eager"}),
        (checkpoint, {"dtype": torch.float16}),
    ):
        predictor = DepthPredictor.from_pretrained(folder, engine="auto", device="cpu", **options)
        assert predictor.engine == "torch" and isinstance(predictor.model, torch.nn.Module)
    if is_installed(PREFERRED):
        assert DepthPredictor.from_pretrained(checkpoint, engine="auto", device="cpu").engine == PREFERRED


def test_auto_predicts_by_pytorch_where_there_is_no_room_to_convert(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(PREFERRED)
    monkeypatch.setattr(engine_cache, "CACHE_FOLDER", tmp_path / "engines")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert DepthPredictor.from_pretrained(checkpoint, engine="auto", device="cpu").engine == "torch"
    with pytest.raises(FileNotFoundError):
        DepthPredictor.from_pretrained(checkpoint, engine=PREFERRED, device="cpu")
    # There may be room the next time.
    assert failure_of(checkpoint) is None


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes", MemoryError, "can't allocate"),
        (
            "Exception from core.cpp:117:\nException from plugin.cpp:54:\nstd::bad_alloc\n\n",
            MemoryError,
            "std::bad_alloc",
        ),
        ("Exception from plugin.cpp:54:\nResource temporarily unavailable\n", MemoryError, "Resource temporarily"),
        ("Exception from core.cpp:117:\nOperation X is not supported\n", ConversionError, "openvino: Operation X is"),
        ("", ConversionError, "openvino: RuntimeError"),
    ],
)
def test_a_lack_of_memory_is_no_failure_of_the_model(text: str, kind: type[Exception], line: str) -> None:
    failure = engine_conversion.as_failure("openvino", RuntimeError(text))
    assert type(failure) is kind and line in str(failure)


@pytest.mark.long
@pytest.mark.slow
def test_auto_predicts_by_pytorch_where_an_engine_fails(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(PREFERRED)
    monkeypatch.setattr(engine_cache, "CACHE_FOLDER", tmp_path / "engines")
    # The size of the comparison is then one that the engine refuses.
    monkeypatch.setattr(engine_conversion, "SMALLEST_GRID", -1)
    assert DepthPredictor.from_pretrained(checkpoint, engine="auto", device="cpu").engine == "torch"
    assert "multiples of 14" in str(failure_of(checkpoint))


def test_an_engine_that_is_unknown_or_missing_is_named(checkpoint: Path) -> None:
    with pytest.raises(OptionError, match=r"engine must be one of.*'openvino'.*got 'openvin'.*did you mean"):
        DepthPredictor.from_pretrained(checkpoint, engine="openvin")
    for engine, extra in (("openvino", "openvino"), ("onnxruntime", "onnx")):
        if not is_installed(engine):
            with pytest.raises(ImportError, match=rf'{engine}.*depth_anything_hf\[{extra}\]"'):
                DepthPredictor.from_pretrained(checkpoint, engine=engine, device="cpu")


def test_threads_are_limited_as_pytorchs_and_by_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert thread_limit() == 1 == torch.get_num_threads()
    monkeypatch.delitem(__import__("sys").modules, "torch")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1,2")
    assert thread_limit() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1000")
    assert 1 <= thread_limit() <= cores
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= thread_limit() <= cores


def _png(image: np.ndarray) -> bytes:
    import cv2

    return bytes(cv2.imencode(".png", image)[1])
