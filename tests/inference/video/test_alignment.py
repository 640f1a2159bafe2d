# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Alignment over time with known answers: disturbances, moving objects, cuts, drift, resuming, metres."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest
from moving_pictures import World, pan, smooth_noise

from depth_anything_hf.inference.video.alignment import AlignedFrame, TemporalAlignment


def disturbances(frames: int, seed: int = 0) -> list[tuple[float, float]]:
    """Return a scale and a shift for each frame, none for the first."""
    random = np.random.default_rng(seed)
    drawn = [(float(np.exp(random.normal(0, 0.4))), float(random.normal(0, 0.5))) for _ in range(frames)]
    return [(1.0, 0.0), *drawn[1:]]


def disturbed(values: np.ndarray, disturbance: tuple[float, float]) -> np.ndarray:
    return values * np.float32(disturbance[0]) + np.float32(disturbance[1])


@pytest.mark.parametrize("speed", [0.0, 3.0, 12.0])
def test_scale_and_shift_of_each_frame_are_undone(speed):
    world, alignment = World(), TemporalAlignment(half_life=1e9, local=False)
    for x, disturbance in zip(pan(40, speed), disturbances(40), strict=True):
        frame, truth = world.view(x)
        aligned = alignment(frame, disturbed(truth, disturbance))
        assert not aligned.is_cut and aligned.values.dtype == np.float32
        np.testing.assert_allclose(aligned.scale * disturbance[0], 1, atol=0.03)
        assert np.abs(aligned.values - truth).max() < 0.03


def test_what_bends_in_each_frame_is_straightened():
    world, random = World(), np.random.default_rng(0)
    given: dict[bool, list[np.ndarray]] = {True: [], False: []}
    errors: dict[bool, list[float]] = {True: [], False: []}
    bends = [0.2 * (smooth_noise(random, 72, 96, 14) - 0.5) for _ in range(30)]
    for local, results in given.items():
        alignment = TemporalAlignment(local=local)
        for x, bend, disturbance in zip(pan(30), bends, disturbances(30), strict=True):
            frame, truth = world.view(x)
            results.append(alignment(frame, disturbed(truth + bend, disturbance)).values)
            errors[local].append(float(np.abs(results[-1] - truth).mean()))
    # The mean of many frames is straighter than each.
    assert np.mean(errors[True][10:]) < 0.85 * np.mean(errors[False][10:])

    def unsteadiness(results: list[np.ndarray]) -> float:
        columns = pan(30)
        steps = []
        for number in range(10, 30):
            moved = columns[number] - columns[number - 1]
            now, before = results[number][:, 4:-4], np.roll(results[number - 1], -moved, axis=1)[:, 4:-4]
            steps.append(float(np.abs(now - before).mean()))
        return float(np.mean(steps))

    assert unsteadiness(given[True]) < unsteadiness(given[False]) / 3


def test_an_object_that_comes_near_is_followed():
    world = World()
    frame, truth = world.view(100)
    pattern = np.random.default_rng(0).integers(0, 256, (36, 40, 3), dtype=np.uint8)
    frame[20:56, 30:70] = pattern
    alignment = TemporalAlignment()
    for number in range(40):
        predicted = truth.copy()
        predicted[20:56, 30:70] = 0.3 + 0.02 * number
        aligned = alignment(frame, predicted)
        assert np.abs(aligned.values[20:56, 30:70] - predicted[20:56, 30:70]).mean() < 0.01
        assert np.abs(aligned.values - predicted)[:, :20].max() < 0.01


def test_an_object_that_moves_and_changes_does_not_count():
    world, random = World(), np.random.default_rng(0)
    alignment = TemporalAlignment(half_life=1e9)
    pattern = random.integers(0, 256, (40, 30, 3), dtype=np.uint8)
    for number, (x, disturbance) in enumerate(zip(pan(40), disturbances(40), strict=True)):
        frame, truth = world.view(x)
        # A sixth of the picture, twice as near as anything, in another place and at another disparity in each frame.
        left = 2 * number % 60
        frame[20:60, left : left + 30] = pattern
        predicted = truth.copy()
        predicted[20:60, left : left + 30] = 2 + random.uniform(0, 1)
        aligned = alignment(frame, disturbed(predicted, disturbance))
        np.testing.assert_allclose(aligned.scale * disturbance[0], 1, atol=0.1)


def test_a_cut_begins_anew_and_a_flash_does_not():
    first, second = World(0), World(5)
    alignment = TemporalAlignment()
    results = []
    for number, x in enumerate(pan(12)):
        frame, truth = (first if number < 6 else second).view(x)
        frame = frame if number < 6 else frame // 2 + np.array([100, 0, 50], dtype=np.uint8)
        if number == 3:
            frame = np.clip(frame * 1.6 + 60, 0, 255).astype(np.uint8)
        results.append(alignment(frame, disturbed(truth, (1.0 + number, 0.1 * number))))
    assert [number for number, each in enumerate(results) if each.is_cut] == [6]
    assert (results[6].scale, results[6].shift) == (1.0, 0.0)
    np.testing.assert_allclose(results[7].scale, 7 / 8, rtol=0.02)


def test_fits_that_say_nothing_are_refused():
    frame, truth = World().view(100)
    alignment = TemporalAlignment(half_life=1e9)
    alignment(frame, truth)
    doubled = alignment(frame, 2 * truth)
    np.testing.assert_allclose(doubled.scale, 0.5, rtol=1e-3)
    random = np.random.default_rng(0)
    nothing = [
        np.full_like(truth, 0.7),
        -truth,
        smooth_noise(random, *truth.shape, 10),
        np.full_like(truth, np.nan),
        truth * np.float32(1e6),
    ]
    for values in nothing:
        kept = alignment(frame, values)
        assert (kept.scale, kept.shift) == (doubled.scale, doubled.shift)
    # What cannot be compared has not spoiled the running disparity for long.
    for _ in range(60):
        last = alignment(frame, 2 * truth)
    assert 0.4 < last.scale < 0.6


@pytest.mark.parametrize("value", [0.5, 5.0])
def test_one_map_that_says_nothing_does_not_bend_the_next_ones(value):
    world = World()
    alignments = [TemporalAlignment(), TemporalAlignment()]
    for number, x in enumerate(pan(24)):
        frame, truth = world.view(x)
        spoiled, whole = (
            alignment(frame, np.full_like(truth, value) if number == 10 and alignment is alignments[0] else truth)
            for alignment in alignments
        )
        if number != 10:
            assert np.abs(spoiled.values - whole.values).max() < 0.04


def test_an_error_of_the_scale_halves_in_the_half_life():
    frame, truth = World().view(100)
    alignment = TemporalAlignment(half_life=20)
    # The first frame alone is at three times the scale, and one higher.
    results = [alignment(frame, disturbed(truth, (3.0, 1.0) if number == 0 else (1.0, 0.0))) for number in range(61)]
    for halvings in (1, 2, 3):
        each = results[20 * halvings]
        assert np.log(each.scale) == pytest.approx(np.log(3) / 2**halvings, rel=0.03)
    largest = [float(np.abs(each.values - truth).max()) for each in results[1:]]
    assert largest[0] > 2.5 and all(after < before for before, after in pairwise(largest))


def relative_drift(frames: int, half_life: float) -> np.ndarray:
    """Return the scale, relative to the true one, of each frame of a clip whose every map has an error of its own."""
    # Its scale alone is looked at, with which the local correction has nothing to do.
    world, random = World(), np.random.default_rng(0)
    alignment = TemporalAlignment(half_life=half_life, local=False)
    scales = []
    for x, disturbance in zip(pan(frames), disturbances(frames), strict=True):
        frame, truth = world.view(x)
        error = smooth_noise(random, *truth.shape, 6) - 0.5
        scales.append(alignment(frame, disturbed(truth + 0.1 * error, disturbance)).scale * disturbance[0])
    return np.array(scales)


@pytest.mark.slow
def test_errors_do_not_run_away_in_a_long_clip():
    free, bounded = np.log(relative_drift(500, 1e9)), np.log(relative_drift(500, 30))
    assert np.abs(bounded[-200:]).mean() < 0.1
    # Without the pull they go farther.
    assert np.abs(free[-200:]).mean() > np.abs(bounded[-200:]).mean()


@pytest.mark.parametrize("smooth", [False, True])
def test_a_resumed_run_is_the_same_bit_for_bit(smooth):
    world, columns, changes = World(), pan(16), disturbances(16)

    def run(alignment: TemporalAlignment, numbers: range) -> list[AlignedFrame]:
        return [
            alignment(frame, disturbed(truth, changes[number]))
            for number in numbers
            for frame, truth in [world.view(columns[number])]
        ]

    whole = run(TemporalAlignment(smooth=smooth), range(16))
    first = TemporalAlignment(smooth=smooth)
    run(first, range(7))
    state = pickle.loads(pickle.dumps(first.state_dict()))
    # The state is a copy: going on does not change it.
    run(first, range(7, 9))
    second = TemporalAlignment(smooth=smooth)
    second.load_state_dict(state)
    for expected, found in zip(whole[7:], run(second, range(7, 16)), strict=True):
        np.testing.assert_array_equal(found.values, expected.values)
        assert (found.scale, found.shift, found.is_cut) == (expected.scale, expected.shift, expected.is_cut)
    with pytest.raises(ValueError, match=f"smooth={smooth}"):
        TemporalAlignment(smooth=not smooth).load_state_dict(state)
    with pytest.raises(ValueError, match="local=True, this one has False"):
        TemporalAlignment(smooth=smooth, local=False).load_state_dict(state)


def test_metres_are_never_rescaled():
    world = World()
    for smooth in (False, True):
        alignment = TemporalAlignment("depth", smooth=smooth)
        for x, (scale, _) in zip(pan(6), disturbances(6), strict=True):
            frame, truth = world.view(x)
            aligned = alignment(frame, truth * np.float32(scale))
            assert (aligned.scale, aligned.shift) == (1.0, 0.0)
            if not smooth:
                np.testing.assert_array_equal(aligned.values, truth * np.float32(scale))


def test_sizes_and_types_are_checked():
    frame, truth = World().view(100)
    alignment = TemporalAlignment()
    alignment(frame, truth)
    with pytest.raises(ValueError, match="frames before have 72 x 96 pixels, this one 40 x 96"):
        alignment(frame[:40], truth[:40])
    with pytest.raises(ValueError, match=r"expected a frame uint8 \(H, W, 3\)"):
        alignment(frame, truth[:40])
    with pytest.raises(ValueError, match="float64"):
        alignment(frame / 255, truth)
    with pytest.raises(ValueError, match="half_life must be"):
        TemporalAlignment(half_life=0)
    with pytest.raises(ValueError, match="local must be true or false, got 'nearly'"):
        TemporalAlignment(local="nearly")
    alignment.reset()
    small = alignment(frame[:40], truth[:40])
    assert (small.scale, small.shift, small.is_cut) == (1.0, 0.0, False)


def test_the_prediction_is_not_changed_in_place():
    frame, truth = World().view(100)
    for smooth in (False, True):
        alignment = TemporalAlignment(smooth=smooth)
        for _ in range(3):
            given = truth.copy()
            result = alignment(frame, given)
            np.add(result.values, 1, out=result.values)
            np.testing.assert_array_equal(given, truth)
        assert np.abs(alignment(frame, truth).values - truth).max() < 1e-3
