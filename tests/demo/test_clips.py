# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A clip of the demo: the files of `predict clip.mp4`, the limits, and messages without folders."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.demo.clips import predict_clip


av = pytest.importorskip("av")


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "walk.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(6):
            image = np.full((64, 96, 3), 40, np.uint8)
            image[16:48, 8 * number : 8 * number + 24] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def options(demo, **changed):
    chosen = {"colormap": "cividis", "temporal": "align", "smooth": False, "max_frames": 100, "max_pixels": 100_000}
    return {"root": demo.folder, **chosen, **changed}


def test_a_clip_becomes_files(demo, models, clip, model_folders):
    steps: list[tuple[int, int | None]] = []
    told = options(demo, tell=lambda done, total: steps.append((done, total)))
    found = predict_clip(models, clip, model_folders["relative"], None, **told)
    assert sorted(path.name for path in found.files)[:3] == [
        "walk_16bit.mkv",
        "walk_depth.mp4",
        "walk_side_by_side.mp4",
    ]
    assert found.text.startswith("6 frames by relative") and "left out" not in found.text
    assert steps[-1] == (6, 6)
    with av.open(str(found.shown)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 6 and frames[0].shape[1] > 2 * 96
    assert [path for path in found.shown.parent.iterdir() if path.name.startswith(".")] == []


def test_frames_beyond_the_limit_are_left_out_and_told(demo, models, clip, model_folders):
    found = predict_clip(models, clip, model_folders["metric"], None, **options(demo, max_frames=2))
    assert found.text.startswith("2 frames by metric, **later ones are left out here**") and "Metres" in found.text


@pytest.mark.parametrize("fault", ["text", "size"])
def test_a_bad_clip_is_told_without_its_folder(demo, models, clip, model_folders, fault):
    changed = {"max_pixels": 96 * 64 - 1} if fault == "size" else {}
    if fault == "text":
        clip.write_text("no clip", encoding="utf-8")
    with pytest.raises(ValueError, match=r"^walk\.mp4") as caught:
        predict_clip(models, clip, model_folders["relative"], None, **options(demo, **changed))
    assert str(clip.parent) not in str(caught.value)
