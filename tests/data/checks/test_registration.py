# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Votes of images on how their labels fit."""

from __future__ import annotations

import numpy as np
import pytest
from checked_scenes import scene

from depth_anything_hf.data.checks.edges import REACH, Moved, edges_of_label, edges_of_picture
from depth_anything_hf.data.checks.registration import (
    IDENTITY,
    TRANSFORMS,
    RegistrationVote,
    pairing_of,
    verdict_of,
    vote,
)


def edges(seed, change=lambda depth: depth, side=None):
    image, depth = scene(seed) if side is None else scene(seed, side, side)
    return (edges_of_picture(image), edges_of_label(np.ascontiguousarray(change(depth)), "depth")), depth.shape


def test_correlation_is_that_of_pearson_over_known_pixels():
    rng = np.random.default_rng(0)
    picture, label = rng.random((2, 40, 50)).astype(np.float32)
    where = (rng.random((40, 50)) < 0.7).astype(np.float32)
    found = Moved(picture).correlate(label * where, where)
    down, right = 3, -5
    moved = slice(down, None), slice(None, right)
    original = slice(None, -down), slice(-right, None)
    known = where[original] > 0
    expected = np.corrcoef(picture[moved][known], label[original][known])[0, 1]
    assert found[REACH + down, REACH + right] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", list(TRANSFORMS))
def test_each_transform_is_found_in_a_square_label(name):
    undo = {
        "turned clockwise by 90 degrees": np.rot90,
        "turned counter-clockwise by 90 degrees": lambda label: np.rot90(label, -1),
    }.get(name, TRANSFORMS[name][1])
    assert vote(*edges(1, undo, side=128)).transform == name


def test_a_shift_is_found_to_the_pixel():
    found = vote(*edges(1, lambda depth: np.roll(depth, (4, -7), (0, 1))))
    assert (found.transform, found.down, found.right) == (IDENTITY, -4, 7)


def make_votes(count, **changes):
    usual = {
        "transform": IDENTITY,
        "score": 9.0,
        "ahead": 5.0,
        "down": 0.0,
        "right": 0.0,
        "as_it_is": 9.0,
        "side": 640,
    }
    return [RegistrationVote(**{**usual, **changes}) for _ in range(count)]


def test_a_verdict_needs_several_images_that_agree():
    mirrored = {"transform": "mirrored", "as_it_is": 1.0}
    assert not verdict_of(make_votes(3, **mirrored)).is_off
    assert verdict_of(make_votes(4, **mirrored)).transform == "mirrored"
    assert not verdict_of([*make_votes(3, **mirrored), *make_votes(3)]).is_off
    # Images that are not sure do not vote.
    unsure = make_votes(9, **{**mirrored, "score": 4.0})
    verdict = verdict_of([*unsure, *make_votes(2)])
    assert (verdict.judged, verdict.voted, verdict.agree, verdict.is_off) == (11, 2, 2, False)


def test_a_part_that_is_clearly_off_is_told():
    fits = make_votes(8)
    mirrored = make_votes(4, transform="mirrored", as_it_is=1.0)
    part = verdict_of([*fits, *mirrored])
    assert (part.transform, part.agree, part.voted, part.is_part, part.places) == (
        "mirrored",
        4,
        12,
        True,
        (8, 9, 10, 11),
    )
    moved = verdict_of([*make_votes(4, right=-9.0, as_it_is=2.0), *fits])
    assert (moved.transform, moved.right, moved.agree, moved.places) == (IDENTITY, -9.0, 4, (0, 1, 2, 3))
    assert not verdict_of(make_votes(8, down=8.0, as_it_is=4.0)).is_part
    # Three of many, a small lead and a small gain are chance.
    assert not verdict_of([*fits, *mirrored[1:]]).is_off
    assert not verdict_of([*make_votes(90), *mirrored]).is_off
    assert not verdict_of([*fits, *make_votes(4, transform="mirrored", as_it_is=1.0, ahead=2.2)]).is_off
    close = verdict_of([*fits, *make_votes(4, right=-9.0, as_it_is=6.0)])
    assert (close.is_off, close.agree) == (False, 12)
    # Labels that are off in several ways do not fit as they are either.
    ways = [*make_votes(2, right=-30.0, as_it_is=2.0), *make_votes(2, right=30.0, as_it_is=2.0)]
    assert (verdict_of([*fits, *ways]).is_off, verdict_of([*fits, *ways]).agree) == (False, 8)


def test_small_and_scattered_shifts_are_those_of_depth_cameras():
    assert not verdict_of(make_votes(8, down=5.0, as_it_is=6.0)).is_off
    far = verdict_of(make_votes(8, down=8.0, as_it_is=4.0))
    assert far.is_off and far.down == 8 and far.transform == IDENTITY
    scattered = [*make_votes(3, down=8.0, as_it_is=4.0), *make_votes(3, right=-9.0, as_it_is=4.0), *make_votes(2)]
    assert not verdict_of(scattered).is_off
    # A gain that differs as much as it is large is none.
    noisy = [vote for gain in (0.0, 0.2, 9.0, 0.1) for vote in make_votes(1, down=8.0, as_it_is=9 - gain)]
    assert not verdict_of(noisy).is_off


def test_labels_of_other_pictures_are_told_with_where_they_belong():
    pairs = [edges(seed)[0] for seed in range(9)]
    assert pairing_of(pairs) is None
    swapped = [(picture, pairs[(place + 4) % 9][1]) for place, (picture, _) in enumerate(pairs)]
    found = pairing_of(swapped)
    assert found.own < 2 and set(found.matches) <= {(place, (place + 5) % 9) for place in range(9)}
    assert len(found.matches) >= 6
    assert pairing_of(swapped[:7]) is None


def test_labels_of_a_camera_that_stands_still_are_their_pictures_own():
    rng = np.random.default_rng(0)
    image, depth = scene(5)
    frames = [np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8) for _ in range(9)]
    labels = [depth * rng.normal(1, 0.01, depth.shape).astype(np.float32) for _ in range(9)]
    pairs = [
        (edges_of_picture(one), edges_of_label(other, "depth")) for one, other in zip(frames, labels, strict=True)
    ]
    assert pairing_of(pairs) is None
    # Labels of a model that tells the same of every picture are of none.
    others = [(edges_of_picture(scene(seed)[0]), pairs[seed][1]) for seed in range(9) if seed != 5]
    assert pairing_of(others) is not None
