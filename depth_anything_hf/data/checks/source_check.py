# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Look at samples of a source and say what is most likely wrong with it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...utils.map_ahead import map_ahead
from ..data_source import DataSource
from ..decoding.images import read_stored_image
from ..sources import as_source, open_source
from .file_copies import equal_files
from .findings import HISTOGRAM_EDGES, Finding, SampleFacts
from .pair_findings import (
    broken_findings,
    duplicates_finding,
    exchanged_finding,
    leak_finding,
    pairing_finding,
    registration_finding,
    same_label_finding,
)
from .picture_hashes import copies_among, hash_of, near_pairs
from .readers import Reader, ReadSample
from .registration import Edges, PairingVerdict, RegistrationVerdict, pairing_of, verdict_of
from .sample_facts import is_photograph, measure
from .unit_findings import kind_finding, mixed_units_finding, ray_finding, unit_finding
from .value_findings import empty_findings, largest_findings, levels_finding, noise_findings, zero_finding


# Samples that are looked at, unless all are.
SAMPLES = 100
# Images whose edges are kept, to compare labels with those of other pictures.
KEPT_EDGES = 24
MEASURED_AHEAD = 4
# Share of the labels that fit, from which they need not be compared with other pictures.
CLEARLY_THEIRS = 0.5
# Pictures whose EXIF is read where labels are turned.
FIRST_PICTURES = 3


@dataclass(frozen=True)
class SourceCheck:
    """What was seen in a source.

    Attributes:
        name: of the source.
        count: samples there are; None of a stream.
        facts: of the samples that were looked at, in their order.
        findings: what is most likely wrong.
        notes: what was told while it was opened and read.
        label: "depth", "disparity" or None.
        registration: what the images say of how labels fit.
        histogram: how many finite values of all labels are in each of the bins of `HISTOGRAM_EDGES`; None without one.
        reader: reads samples again, for pictures.
    """

    name: str
    count: int | None
    facts: Sequence[SampleFacts]
    findings: Sequence[Finding]
    notes: Sequence[str] = ()
    label: str | None = None
    registration: RegistrationVerdict = field(default_factory=lambda: RegistrationVerdict(0, 0, 0))
    reader: Reader | None = None
    histogram: np.ndarray | None = None

    @property
    def is_sampled(self) -> bool:
        """Whether not all samples were looked at."""
        return self.count is None or len(self.facts) < self.count


def check_source(
    spec: DataSource | str | os.PathLike[str] | Mapping[str, Any],
    *,
    samples: int | None = SAMPLES,
    seed: int = 0,
    against: DataSource | str | os.PathLike[str] | Mapping[str, Any] | None = None,
    progress: Callable[[Iterable[Any], int | None], Iterable[Any]] | None = None,
) -> SourceCheck:
    """Look at samples of a source and say what is most likely wrong with it.

    Args:
        spec: as `open_source` takes it.
        samples: how many are looked at, evenly spread; None: all.
        seed: of the choice among samples.
        against: a source that must have none of the pictures, such as that of validation.
        progress: wraps the samples that are read, with their number, such as `tqdm`; None shows nothing.

    Raises:
        FileNotFoundError, ImportError, ValueError: as `open_source`.
    """
    source_spec = as_source(spec)
    with _notes() as notes:
        reader = Reader(open_source(source_spec), source_spec)
        facts, kept, names, histogram = _measure(reader, samples, seed, progress)
        findings = _findings(facts, reader, kept, names)
        if against is not None:
            findings += _leaks(reader, facts, as_source(against), samples, seed)
    verdict = verdict_of([each.registration for each in facts if each.registration is not None])
    return SourceCheck(
        source_spec.path, reader.count, facts, findings, notes, reader.source.label, verdict, reader, histogram
    )


@contextmanager
def _notes() -> Iterator[list[str]]:
    """Collect warnings, each once; those of single labels are part of findings."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield told
    for each in caught:
        text = str(each.message)
        if issubclass(each.category, UserWarning) and ": read " not in text and text not in told:
            told.append(text)


def _measure(
    reader: Reader,
    samples: int | None,
    seed: int,
    progress: Callable[[Iterable[Any], int | None], Iterable[Any]] | None,
) -> tuple[list[SampleFacts], list[Edges], list[str], np.ndarray | None]:
    """Measure samples in threads; of some the edges are kept too, and of all the sum of their histograms."""
    total: np.ndarray = np.zeros(len(HISTOGRAM_EDGES) - 1, np.int64)
    facts: list[SampleFacts] = []
    kept: list[Edges] = []
    names: list[str] = []
    reading: Iterable[ReadSample] = reader.read(samples, seed)
    if progress is not None:
        count = reader.count
        reading = progress(reading, samples if count is None else min(count, samples or count))
    with ThreadPoolExecutor(min(MEASURED_AHEAD, os.cpu_count() or 1)) as pool:
        for each, edges in map_ahead(pool, lambda read: _measured(read, reader), reading, MEASURED_AHEAD):
            facts.append(each)
            if each.histogram is not None:
                # Of millions of samples these would be gigabytes.
                total += each.histogram
                each.histogram = None
            if edges is not None and len(kept) < KEPT_EDGES:
                kept.append(edges)
                names.append(each.name)
    return facts, kept, names, total if total.any() else None


def _measured(read: ReadSample, reader: Reader) -> tuple[SampleFacts, Edges | None]:
    if read.sample is not None:
        return measure(read.index, read.sample, read.stored)
    turned = reader.turned(read.index)
    return turned or (SampleFacts(read.index, read.name, error=read.error), None)


def _findings(facts: list[SampleFacts], reader: Reader, kept: list[Edges], names: list[str]) -> list[Finding]:
    how = reader.how
    found: list[Finding | None] = [*broken_findings(facts), exchanged_finding(_exchanged(reader, facts), len(facts))]
    if how.label is not None:
        kind = kind_finding(facts, how)
        registration = registration_finding(facts, lambda: _has_exif(reader, facts))
        pairing: PairingVerdict | None = None
        if registration is None and not _fit(facts):
            pairing = pairing_of(kept)
        found += [
            # The kind explains a wrong middle, and disparity has no rays.
            kind or unit_finding(facts, how),
            None if kind else mixed_units_finding(facts),
            None if kind else ray_finding(facts, how),
            *largest_findings(facts, how),
            zero_finding(facts, how),
            levels_finding(facts, how),
            *empty_findings(facts),
            *noise_findings(facts),
            registration,
            pairing_finding(pairing, names),
            same_label_finding(facts),
        ]
    found.append(_duplicates(reader, facts))
    return [each for each in found if each is not None]


def _fit(facts: Sequence[SampleFacts]) -> bool:
    """Tell whether most labels fit their pictures as they are, so that they are theirs."""
    verdict = verdict_of([each.registration for each in facts if each.registration is not None])
    return verdict.agree >= CLEARLY_THEIRS * max(1, verdict.judged)


def _exchanged(reader: Reader, facts: Sequence[SampleFacts]) -> list[str]:
    """Name the broken samples of a folder whose label is a photograph, among the first ones."""
    if reader.how.kind != "folder":
        return []
    broken = [each for each in facts if each.error is not None][:FIRST_PICTURES]
    return [each.name for each in broken if is_photograph(reader.source.encoded_pair(each.index)[1])]


def _has_exif(reader: Reader, facts: Sequence[SampleFacts]) -> bool:
    """Tell whether the first pictures of a folder have an EXIF orientation."""
    if reader.how.kind != "folder":
        return False
    pictures = [each.name for each in facts if each.height and os.path.isfile(each.name)][:FIRST_PICTURES]
    return any(read_stored_image(picture)[1] != 1 for picture in pictures)


def _duplicates(reader: Reader, facts: Sequence[SampleFacts]) -> Finding | None:
    readable = [each for each in facts if each.error is None and each.sizes is None]
    equal = equal_files(reader.files)
    known = {copy for _, copy in equal}
    pairs = near_pairs([each.picture_hash for each in readable])
    unknown = (pair for pair in pairs if readable[pair[1]].name not in known)
    alike = copies_among(unknown, _picture_of(reader, readable), _picture_of(reader, readable))
    seen = [(readable[one].name, readable[other].name) for one, other in alike]
    return duplicates_finding([*equal, *seen], len(readable), len(equal))


def _leaks(
    reader: Reader, facts: Sequence[SampleFacts], against: DataSource, samples: int | None, seed: int
) -> list[Finding]:
    other = Reader(open_source(against), against)
    with ThreadPoolExecutor(min(MEASURED_AHEAD, os.cpu_count() or 1)) as pool:
        theirs = [
            each for each in map_ahead(pool, _hashed, other.read(samples, seed), MEASURED_AHEAD) if each.error is None
        ]
    mine = [each for each in facts if each.error is None and each.sizes is None]
    equal = equal_files(reader.files, other.files)
    known = {copy for _, copy in equal}
    pairs = near_pairs([each.picture_hash for each in mine], [each.picture_hash for each in theirs])
    unknown = (pair for pair in pairs if theirs[pair[1]].name not in known)
    alike = copies_among(unknown, _picture_of(reader, mine), _picture_of(other, theirs))
    seen = [(mine[one].name, theirs[two].name) for one, two in alike]
    finding = leak_finding([*equal, *seen], against.path, (len(mine), len(theirs)))
    return [] if finding is None else [finding]


def _hashed(read: ReadSample) -> SampleFacts:
    if read.sample is None:
        return SampleFacts(read.index, read.name, error=read.error)
    return SampleFacts(read.index, read.name, picture_hash=hash_of(read.sample["image"]))


def _picture_of(reader: Reader, facts: Sequence[SampleFacts]) -> Callable[[int], Any]:
    return lambda place: reader.sample(facts[place].index)["image"]


__all__ = ["SAMPLES", "SourceCheck", "check_source"]
