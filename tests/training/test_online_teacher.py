# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The online teacher: its normalization, size, kind and precision, and its faster way."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from training_runs import predict

from depth_anything_hf.data.transforms import IMAGENET_MEAN, IMAGENET_STD
from depth_anything_hf.training.objectives import Distillation
from depth_anything_hf.training.online_teacher import OnlineTeacher


class HalfSizeTeacher(nn.Module):
    """Depth in metres at half the size: the mean of the channels it is given, plus one, times a trained gain."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(2.0))
        self.seen: Tensor | None = None

    def forward(self, pixel_values: Tensor) -> SimpleNamespace:
        self.seen = pixel_values
        return SimpleNamespace(predicted_depth=F.avg_pool2d(pixel_values, 2).mean(1) * self.gain + 1.0)


def test_online_teacher_with_its_own_normalization_size_and_kind():
    network = HalfSizeTeacher()
    mean, std = [0.5, 0.4, 0.3], [0.5, 0.25, 0.2]
    teacher = OnlineTeacher(network, "depth", mean, std)
    colours = torch.rand(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    imagenet = torch.from_numpy(IMAGENET_MEAN).view(3, 1, 1), torch.from_numpy(IMAGENET_STD).view(3, 1, 1)
    disparity = teacher((colours - imagenet[0]) / imagenet[1])

    own = (colours - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    torch.testing.assert_close(network.seen, own, rtol=1e-5, atol=1e-5)
    depth = F.avg_pool2d(own, 2).mean(1) * 2.0 + 1.0
    depth = F.interpolate(depth[:, None], size=(28, 28), mode="bilinear", align_corners=True)[:, 0]
    torch.testing.assert_close(disparity, 1 / depth, rtol=1e-4, atol=1e-5)
    assert not disparity.requires_grad
    assert not network.training and not network.gain.requires_grad


def test_a_teacher_in_millimetres_gives_disparity_of_metres(make_tiny_model, batch):
    metric = {"depth_estimation_type": "metric"}
    metres = make_tiny_model(**metric, max_depth=2)
    millimetres = make_tiny_model(**metric, max_depth=2000, depth_unit="mm")
    given, expected = (
        OnlineTeacher(each, "depth", IMAGENET_MEAN, IMAGENET_STD)(batch["pixel_values"])
        for each in (millimetres, metres)
    )
    assert expected.min() > 0.5
    torch.testing.assert_close(given, expected)


def test_depth_that_is_not_positive_is_no_label():
    teacher = OnlineTeacher(HalfSizeTeacher(), "depth", IMAGENET_MEAN, IMAGENET_STD)
    assert teacher(torch.full((1, 3, 28, 28), -3.0)).isnan().all()


def test_online_teacher_of_disparity_is_passed_through(make_tiny_model, batch):
    network = make_tiny_model(seed=1)
    teacher = OnlineTeacher(network, "disparity", IMAGENET_MEAN, IMAGENET_STD)
    torch.testing.assert_close(teacher(batch["pixel_values"]), predict(network, batch))


def test_the_teachers_labels_are_float32_in_its_own_precision(make_tiny_model, model, batch):
    exact = OnlineTeacher(make_tiny_model(seed=1), "disparity", IMAGENET_MEAN, IMAGENET_STD)(batch["pixel_values"])
    for dtype in ("bfloat16", torch.bfloat16):
        network = make_tiny_model(seed=1)
        teacher = OnlineTeacher(network, "disparity", IMAGENET_MEAN, IMAGENET_STD, dtype=dtype)
        assert {parameter.dtype for parameter in network.parameters()} == {torch.bfloat16}
        labels = teacher.to(torch.device("cpu"))(batch["pixel_values"])
        assert labels.dtype == torch.float32 and not labels.requires_grad
        assert 0 < (labels - exact).abs().max() < 0.02 * exact.max()
        terms = Distillation(teacher=teacher)(model, batch, 0.0)
        terms["loss"].backward()
        assert all(parameter.grad is None and not parameter.requires_grad for parameter in network.parameters())
        model.zero_grad()


def test_a_run_in_mixed_precision_leaves_a_teacher_with_one_of_its_own_alone(make_tiny_model, batch):
    def labels(dtype: str | None, mixed: bool) -> Tensor:
        teacher = OnlineTeacher(make_tiny_model(seed=1), "disparity", IMAGENET_MEAN, IMAGENET_STD, dtype=dtype)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            return teacher(batch["pixel_values"])

    exact = labels(None, mixed=False)
    assert torch.equal(labels("float32", mixed=True), exact)
    assert torch.equal(labels("bfloat16", mixed=True), labels("bfloat16", mixed=False))
    assert not torch.equal(labels(None, mixed=True), exact)


@pytest.mark.parametrize("dtype", [None, "bfloat16"])
@pytest.mark.parametrize("prediction_kind", ["disparity", "depth"])
def test_labels_in_bfloat16_have_as_many_values_as_in_float32(make_tiny_model, dtype, prediction_kind):
    images = torch.randn(1, 3, 112, 112, generator=torch.Generator().manual_seed(0))

    def labels(mixed: bool, dtype: str | None) -> Tensor:
        teacher = OnlineTeacher(make_tiny_model(seed=1), prediction_kind, IMAGENET_MEAN, IMAGENET_STD, dtype=dtype)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            return teacher(images)

    exact, made = labels(False, None), labels(True, dtype)
    assert made.unique().numel() > 0.9 * exact.unique().numel() > 5000
    error, rounding = (made - exact).abs().mean(), (made - made.bfloat16().float()).abs().mean()
    assert 0 < error < 0.01 * exact.mean()
    # Steps between neighbours, which gradient matching sees, are those of the scene and not of the rounding.
    steps = [(each.diff(dim=-1) - exact.diff(dim=-1)).abs().mean() for each in (made, made.bfloat16().float())]
    assert rounding > 0 and steps[0] < 0.8 * steps[1]


def test_weights_stored_in_bfloat16_label_as_they_are(make_tiny_model, batch):
    networks = make_tiny_model(seed=1).to(torch.bfloat16), make_tiny_model(seed=1)
    stored = OnlineTeacher(networks[0], "disparity", IMAGENET_MEAN, IMAGENET_STD)
    converted = OnlineTeacher(networks[1], "disparity", IMAGENET_MEAN, IMAGENET_STD, dtype="bfloat16")
    assert torch.equal(stored(batch["pixel_values"]), converted(batch["pixel_values"]))


def test_an_unknown_precision_of_the_teacher_is_refused(make_tiny_model):
    with pytest.raises(ValueError, match="unknown precision 'half'"):
        OnlineTeacher(make_tiny_model(), "disparity", IMAGENET_MEAN, IMAGENET_STD, dtype="half")


def test_a_teacher_computes_in_its_own_precision_whatever_was_chosen_for_predictions(make_tiny_model, batch):
    networks = make_tiny_model(seed=1), make_tiny_model(seed=1).optimize_for_inference(dtype=torch.bfloat16)
    teachers = [OnlineTeacher(network, "disparity", IMAGENET_MEAN, IMAGENET_STD) for network in networks]
    assert torch.equal(*(teacher(batch["pixel_values"]) for teacher in teachers))


def test_a_teacher_with_adapters_labels_with_them(make_tiny_model, batch):
    peft = pytest.importorskip("peft")
    network = make_tiny_model(seed=1)
    names = [name for name, part in network.named_modules() if name.endswith(("q_proj", "attention.query"))]
    adapted = peft.inject_adapter_in_model(peft.LoraConfig(target_modules=names), network)
    teacher = OnlineTeacher(adapted, "disparity", IMAGENET_MEAN, IMAGENET_STD)
    torch.testing.assert_close(teacher(batch["pixel_values"]), predict(make_tiny_model(seed=1), batch))


@pytest.mark.long
@pytest.mark.skipif(shutil.which("g++") is None, reason="on a CPU torch.compile needs a C++ compiler")
@pytest.mark.parametrize("dtype", [None, "bfloat16"])
def test_a_compiled_teacher_labels_the_same(make_tiny_model, batch, dtype):
    # It takes seconds to import.
    from torch._dynamo.utils import counters

    torch.compiler.reset()
    counters.clear()
    made = []
    for compiled in (False, True):
        # As a predictor that compiles leaves it.
        network = make_tiny_model(seed=1).optimize_for_inference(compile=True)
        names = list(network.state_dict())
        options = {"dtype": dtype, "compile": compiled}
        made.append(OnlineTeacher(network, "disparity", IMAGENET_MEAN, IMAGENET_STD, **options)(batch["pixel_values"]))
        assert list(network.state_dict()) == names
    assert counters["stats"]["unique_graphs"] == 1, "of all layers"
    tolerance = 1e-5 if dtype is None else 0.02 * float(made[0].max())
    torch.testing.assert_close(made[1], made[0], rtol=0, atol=tolerance)
