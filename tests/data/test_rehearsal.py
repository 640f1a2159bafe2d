# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Rehearsal: the share of the old domain, and that an epoch stays one pass over the new one."""

from __future__ import annotations

from collections import Counter

import pytest
from numbers_data import Numbers

from depth_anything_hf.data.mixture import Mixture
from depth_anything_hf.data.rehearsal import check_rehearsal_label, rehearsal_weights


def keep(sample, random):
    return sample


class Stream:
    """A source without a length."""


@pytest.mark.parametrize(("new", "old", "share"), [(16, 1000, 0.1), (90, 5, 0.1), (8, 3, 0.5), (100, 40, 0.25)])
def test_an_epoch_has_each_new_sample_once_and_the_share_of_old_ones(new, old, share):
    sources = [Numbers("", new), Numbers("old", old)]
    weights, samples = rehearsal_weights(sources[:1], None, share)
    mixture = Mixture(sources, keep, weights, samples_per_epoch=samples)
    assert len(mixture) == samples and abs(samples - new) / samples == pytest.approx(share, abs=0.5 / samples + 1e-9)
    for epoch in range(2):
        found = Counter(mixture.locate(epoch, position) for position in range(samples))
        assert {index for source, index in found if source == 0} == set(range(new))
        assert all(found[0, index] == 1 for index in range(new))


def test_old_samples_are_walked_through_across_epochs():
    sources = [Numbers("", 9), Numbers("", 4)]
    weights, samples = rehearsal_weights(sources[:1], None, 0.1)
    assert samples == 10
    mixture = Mixture(sources, keep, weights, samples_per_epoch=samples)
    old = [mixture.locate(epoch, position) for epoch in range(4) for position in range(10)]
    assert sorted(index for source, index in old if source == 1) == [0, 1, 2, 3]


def test_weights_of_the_new_sources_keep_their_proportion():
    weights, samples = rehearsal_weights([Numbers("", 10), Numbers("", 30)], [3.0, 1.0], 0.2)
    assert samples == 50 and weights == [30.0, 10.0, 10.0]


def test_streams_have_shares_and_no_epochs():
    assert rehearsal_weights([Stream()], None, 0.25) == ([0.75, 0.25], None)
    assert rehearsal_weights([Stream(), Stream()], [1.0, 3.0], 0.2) == (pytest.approx([0.2, 0.6, 0.2]), None)
    with pytest.raises(ValueError, match="give each of the 2 sources a weight"):
        rehearsal_weights([Stream(), Stream()], None, 0.2)


def test_labels_of_another_kind_are_refused_by_name():
    check_rehearsal_label("old/", "depth", ["disparity", "depth"])
    with pytest.raises(
        ValueError, match="rehearsal old/: its labels are disparity, those of the training data are dep"
    ):
        check_rehearsal_label("old/", "disparity", ["depth", "depth"])
    with pytest.raises(ValueError, match="rehearsal old/: its labels are none"):
        check_rehearsal_label("old/", None, ["depth"])


def test_an_epoch_of_another_length_needs_weights():
    with pytest.raises(ValueError, match="samples_per_epoch is 5, expected at least 1, and weights beside it"):
        Mixture([Numbers("", 3)], keep, samples_per_epoch=5)
    with pytest.raises(ValueError, match="samples_per_epoch is 0"):
        Mixture([Numbers("", 3)], keep, [1.0], samples_per_epoch=0)
