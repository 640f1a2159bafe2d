# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which turn, mirror image or shift of the labels fits the pictures, by votes of the images.

Each image scores every transform of its label by the correlation of edges, in standard deviations over the shifts and
transforms that do not fit it. A verdict needs several images that agree, and that are surer of it than of the label as
it is by far more than they differ among themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from .edges import REACH, Moved, size_of


Edges: TypeAlias = tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]

IDENTITY = "as it is"
# What is done to a label, and the function of NumPy that does it.
TRANSFORMS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    IDENTITY: ("", lambda label: label),
    "mirrored": ("numpy.fliplr(label)", np.fliplr),
    "upside down (mirrored top to bottom)": ("numpy.flipud(label)", np.flipud),
    "turned by 180 degrees": ("numpy.rot90(label, 2)", lambda label: np.rot90(label, 2)),
    "turned clockwise by 90 degrees": ("numpy.rot90(label, -1)", lambda label: np.rot90(label, -1)),
    "turned counter-clockwise by 90 degrees": ("numpy.rot90(label)", np.rot90),
    "transposed": ("label.T", lambda label: label.T),
    "transposed and turned by 180 degrees": ("numpy.rot90(label, 2).T", lambda label: np.rot90(label, 2).T),
}
FIRST_OTHER = "mirrored"
# A score as it is from which the other transforms need not be tried.
CLEAR = 7.0
# A score from which an image votes, and by how much the best transform is ahead of all others.
SURE, AHEAD = 5.5, 2.0
# Images that vote, at least; how many of them agree; of how many standard errors their mean gain is.
LEAST_VOTES, AGREE, STANDARD_ERRORS = 4, 0.7, 4.0
# A shift: pixels, and as a share of the larger side; how far images may be from the middle of all,
# and how many of them are not farther.
LEAST_SHIFT, LEAST_SHIFT_SHARE, SPREAD, SPREAD_SHARE, NEAR = 3.0, 0.01, 2.5, 0.005, 0.6
# Labels of other pictures: images that are judged, and by how much their own labels fit better at most.
LEAST_JUDGED, OWN_AHEAD, OTHERS = 8, 1.5, 4
MATCH_SHARE = 0.6
# Correlation of edges from which two labels, and two pictures, which have noise, show the same.
ALIKE, ALIKE_PICTURES = 0.5, 0.3
# Labels that are off while most fit: by how much what fits is ahead of all else and of the label as it is, and how
# many of those that vote they are, beside `LEAST_VOTES`.
PART_AHEAD, PART_GAIN, PART_SHARE = 2.5, 4.0, 0.05


@dataclass(frozen=True)
class RegistrationVote:
    """How the label of one image fits its picture.

    Attributes:
        transform: of the label that fits best, of `TRANSFORMS`.
        score: of it, standard deviations.
        ahead: of the best of the others, standard deviations.
        down, right: shift of the transformed label that fits best, pixels of the label.
        as_it_is: score of the label as it is, within a pixel of what is compared.
        side: the larger side of the label, pixels.
    """

    transform: str
    score: float
    ahead: float
    down: float
    right: float
    as_it_is: float
    side: int

    @property
    def is_sure(self) -> bool:
        """Whether the image votes."""
        return self.score >= SURE and self.ahead >= AHEAD

    @property
    def is_shifted(self) -> bool:
        """Whether the shift is larger than those that depth cameras have."""
        return bool(np.hypot(self.down, self.right) >= max(LEAST_SHIFT, LEAST_SHIFT_SHARE * self.side))

    @property
    def is_clearly_off(self) -> bool:
        """Whether the image by itself says that its label does not fit as it is."""
        is_moved = self.transform != IDENTITY or self.is_shifted
        return is_moved and self.is_sure and self.ahead >= PART_AHEAD and self.score - self.as_it_is >= PART_GAIN


@dataclass(frozen=True)
class RegistrationVerdict:
    """What the images say together.

    Attributes:
        judged: images whose label has enough values.
        voted: those of them that are sure.
        agree: those that voted for this.
        transform: `IDENTITY`, or what makes the labels fit.
        down, right: shift that makes them fit, pixels; 0 where none is needed.
        is_part: whether `agree` are a part of the labels only, and the others fit as they are or do not agree.
        places: of the votes that agree on a part, among all.
    """

    judged: int
    voted: int
    agree: int
    transform: str = IDENTITY
    down: float = 0.0
    right: float = 0.0
    is_part: bool = False
    places: tuple[int, ...] = ()

    @property
    def is_off(self) -> bool:
        """Whether the labels do not fit as they are."""
        return self.transform != IDENTITY or bool(self.down or self.right)


def vote(edges: Edges, shape: tuple[int, ...]) -> RegistrationVote:
    """Return how a label fits its picture.

    Args:
        edges: of the picture, and of the label with where they are known (see `edges`).
        shape: of the label, pixels.
    """
    picture, (label, where) = edges
    moved = Moved(picture)
    is_turned = label.shape != picture.shape
    surfaces: dict[str, np.ndarray] = {}
    for name, (_, function) in TRANSFORMS.items():
        turned = function(label)
        if turned.shape == picture.shape:
            surfaces[name] = moved.correlate(np.ascontiguousarray(turned), np.ascontiguousarray(function(where)))
        if name == FIRST_OTHER and not is_turned and _fits_clearly(*surfaces.values()):
            # Nothing else can fit as well.
            break
    best = max(surfaces, key=lambda name: float(surfaces[name].max()))
    others = np.concatenate([surface.ravel() for name, surface in surfaces.items() if name != best])
    scores = {name: (surface - others.mean()) / max(float(others.std()), 1e-6) for name, surface in surfaces.items()}
    place = np.unravel_index(int(scores[best].argmax()), scores[best].shape)
    second = max(float(score.max()) for name, score in scores.items() if name != best)
    scale = max(shape) / max(size_of(shape))
    near = slice(REACH - 1, REACH + 2)
    as_it_is = 0.0 if is_turned else float(scores[IDENTITY][near, near].max())
    score = float(scores[best].max())
    return RegistrationVote(
        best,
        score,
        score - second,
        (int(place[0]) - REACH) * scale,
        (int(place[1]) - REACH) * scale,
        as_it_is,
        max(shape),
    )


def _fits_clearly(as_it_is: np.ndarray, mirrored: np.ndarray) -> bool:
    """Tell whether a label as it is fits far better than its mirror image, and best where it is."""
    middle, spread = float(mirrored.mean()), max(float(mirrored.std()), 1e-6)
    near = as_it_is[REACH - 1 : REACH + 2, REACH - 1 : REACH + 2].max()
    lead = float(near - mirrored.max()) / spread
    return bool(near >= as_it_is.max()) and float(near - middle) / spread >= CLEAR and lead >= AHEAD


def verdict_of(votes: Sequence[RegistrationVote]) -> RegistrationVerdict:
    """Return what images say together: of most labels, else of a part that is clearly off in one and the same way.

    With too few votes, or votes that do not agree, the labels are taken to fit as they are.
    """
    whole = _verdict_of_most(votes)
    return whole if whole.is_off else _verdict_of_part(votes) or whole


def _verdict_of_most(votes: Sequence[RegistrationVote]) -> RegistrationVerdict:
    sure = [each for each in votes if each.is_sure]
    as_they_are = sum(each.transform == IDENTITY and not each.is_clearly_off for each in sure)
    fits = RegistrationVerdict(len(votes), len(sure), as_they_are)
    if len(sure) < LEAST_VOTES:
        return fits
    transform, agree = Counter(each.transform for each in sure).most_common(1)[0]
    same = [each for each in sure if each.transform == transform]
    if agree < AGREE * len(sure) or not _is_significant(sure):
        return fits
    if transform != IDENTITY:
        return RegistrationVerdict(len(votes), len(sure), agree, transform)
    near = _near_their_middle(same)
    side = float(np.median([each.side for each in same]))
    down, right = (float(np.median([getattr(each, name) for each in same])) for name in ("down", "right"))
    if np.hypot(down, right) < max(LEAST_SHIFT, LEAST_SHIFT_SHARE * side):
        return fits
    if len(near) < max(LEAST_VOTES, NEAR * len(sure)):
        return fits
    return RegistrationVerdict(len(votes), len(sure), len(near), IDENTITY, *_mean_shift(near))


def _verdict_of_part(votes: Sequence[RegistrationVote]) -> RegistrationVerdict | None:
    """Return what the labels say that are clearly off, where enough of them say the same."""
    voted = sum(each.is_sure for each in votes)
    off = [each for each in votes if each.is_clearly_off]
    least = max(LEAST_VOTES, PART_SHARE * voted)
    if len(off) < least:
        return None
    transform = Counter(each.transform for each in off).most_common(1)[0][0]
    same = [each for each in off if each.transform == transform]
    if transform == IDENTITY:
        same = _near_their_middle(same)
    if len(same) < least:
        return None
    shift = _mean_shift(same) if transform == IDENTITY else (0.0, 0.0)
    chosen = set(map(id, same))
    places = tuple(place for place, each in enumerate(votes) if id(each) in chosen)
    return RegistrationVerdict(len(votes), voted, len(same), transform, *shift, is_part=True, places=places)


def _near_their_middle(same: Sequence[RegistrationVote]) -> list[RegistrationVote]:
    """Return the votes whose shift is about the median one."""
    down, right = (float(np.median([getattr(each, name) for each in same])) for name in ("down", "right"))
    return [
        each
        for each in same
        if np.hypot(each.down - down, each.right - right) <= max(SPREAD, SPREAD_SHARE * each.side)
    ]


def _mean_shift(votes: Sequence[RegistrationVote]) -> tuple[float, float]:
    return float(np.mean([each.down for each in votes])), float(np.mean([each.right for each in votes]))


def _is_significant(sure: Sequence[RegistrationVote]) -> bool:
    """Tell whether images gain far more from what fits best than they differ in that gain."""
    gains = np.array([each.score - each.as_it_is for each in sure])
    error = float(gains.std(ddof=1)) / np.sqrt(len(gains))
    return float(gains.mean()) > 1 and float(gains.mean()) > STANDARD_ERRORS * max(error, 1e-6)


@dataclass(frozen=True)
class PairingVerdict:
    """Whether labels are of their pictures.

    Attributes:
        judged: images that were.
        own: mean score of their own labels, standard deviations.
        others: mean score of labels of other pictures.
        matches: (picture, label) by place, where labels of the others fit clearly.
    """

    judged: int
    own: float
    others: float
    matches: tuple[tuple[int, int], ...] = ()


def pairing_of(kept: Sequence[Edges]) -> PairingVerdict | None:
    """Return a verdict where the labels of other pictures fit as well as the own ones; None where the own ones do.

    Args:
        kept: edges of some images, as `vote` takes them.
    """
    if len(kept) < LEAST_JUDGED:
        return None
    # Each against all: the best of the other labels may be where it belongs.
    scores = np.array([_scores_of_labels(picture, [label for _, label in kept]) for picture, _ in kept])
    # Of a camera that stands still, or of the next frame, another label fits as well as the own one.
    is_other = ~_are_alike(kept)
    judged = np.flatnonzero(is_other.any(axis=1))
    count = len(judged)
    if count < LEAST_JUDGED:
        return None
    own = np.diag(scores)[judged]
    others = np.array([scores[row][is_other[row]].mean() for row in judged])
    gains = own - others
    error = float(gains.std(ddof=1)) / np.sqrt(count)
    if float(gains.mean()) + 2 * error >= OWN_AHEAD:
        return None
    best = scores.argmax(axis=1)
    clear = [
        (int(row), int(best[row])) for row in judged if scores[row, best[row]] >= SURE and is_other[row, best[row]]
    ]
    matches = tuple(clear) if len(clear) >= MATCH_SHARE * count else ()
    return PairingVerdict(count, float(own.mean()), float(others.mean()), matches)


def _are_alike(kept: Sequence[Edges]) -> np.ndarray:
    """Tell which images have the same edges at the same places, in picture and label, by their correlation: (N, N)."""
    alike = np.eye(len(kept), dtype=bool)
    for row, (picture, (label, where)) in enumerate(kept):
        for column, (other_picture, (other_label, other_where)) in enumerate(kept[:row]):
            if picture.shape != other_picture.shape or label.shape != other_label.shape:
                continue
            known = (where > 0) & (other_where > 0)
            # The labels of a model that has collapsed are alike, too, and are of none of the pictures.
            alike[row, column] = alike[column, row] = (
                _correlation(label[known], other_label[known]) >= ALIKE
                and _correlation(picture.ravel(), other_picture.ravel()) >= ALIKE_PICTURES
            )
    return alike


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if not one.size or one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _scores_of_labels(picture: np.ndarray, labels: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the score of each label as it is, standard deviations over the shifts of all: (N,)."""
    moved, near = Moved(picture), slice(REACH - 1, REACH + 2)
    surfaces = [moved.correlate(*label) if label[0].shape == picture.shape else None for label in labels]
    known = [surface for surface in surfaces if surface is not None]
    all_of_them = np.concatenate([surface.ravel() for surface in known])
    # The peak of the label that fits is no part of what does not.
    middle = float(np.median(all_of_them))
    spread = max(1.4826 * float(np.median(np.abs(all_of_them - middle))), 1e-6)
    return np.array(
        [0.0 if surface is None else (float(surface[near, near].max()) - middle) / spread for surface in surfaces]
    )
