# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Models of the demo: the ones it was started with alone, weights once for all sizes."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from tiny_predictors import random_image

from depth_anything_hf import DepthPredictor
from depth_anything_hf.demo.models import DemoModels
from depth_anything_hf.utils.option_errors import OptionError


def test_another_size_shares_the_weights_and_predicts_as_the_predictor_of_that_size(settings, model_folders):
    name, image = model_folders["relative"], random_image((60, 80))
    models = DemoModels(settings)
    own, larger = models.open(name), models.open(name, 252)
    assert models.open(name) is own and larger.model is own.model
    assert (own.input_size, larger.input_size) == (70, 252)
    expected = DepthPredictor.from_pretrained(name, input_size=252).predict(image)
    assert np.array_equal(larger.predict(image), expected)
    assert np.array_equal(own.predict(image), DepthPredictor.from_pretrained(name).predict(image))


def test_users_cannot_name_other_models_or_sizes(models, model_folders):
    with pytest.raises(OptionError, match="model must be one of"):
        models.open("/etc")
    with pytest.raises(OptionError, match="input_size must be one of"):
        models.open(model_folders["relative"], 14 * 1000)


def test_a_folder_that_has_vanished_is_told_and_taken_for_no_id_on_the_hub(settings, model_folders, tmp_path):
    name = shutil.copytree(model_folders["relative"], tmp_path / "student")
    models = DemoModels(replace(settings, models=(str(name), model_folders["metric"])))
    open_before = models.open(str(name))
    shutil.rmtree(name)
    assert models.open(str(name)) is open_before
    with pytest.raises(FileNotFoundError, match="folder of the model student is not there any more"):
        models.open(str(name), 252)
    shutil.copytree(model_folders["relative"], name)
    assert models.open(str(name), 252).input_size == 252
