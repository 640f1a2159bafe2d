# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the study of encoder strategies compares: strategies, remedies for forgetting, presets and their trials."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


REFERENCE = "full, encoder rate / 10"
# Seeds of the tuning are others than those of the comparison.
FIRST_TUNING_SEED = 1000
METRIC_DOMAIN = "smoke-metres"
SAME_RATE, TENTH = 1.0, 0.1


@dataclass(frozen=True)
class Strategy:
    """A row of the study: how a model is adapted.

    Attributes:
        name: in tables.
        encoder: value of `--encoder_strategy`; `{half}`, `{quarter}` and `{fifth}` stand for half and a quarter of the
            encoder's layers, and for a fifth of the steps.
        encoder_share: rate of the encoder / rate of the decoder that is tuned.
        decoder_share: rate of the decoder / that rate.
        flags: further flags of the command.
        tuned_as: the strategy whose tuned rate it takes; None: it has its own.
        rehearsal: share of the old domain's images in all samples, with the labels of `rehearsal_labels`.
        rehearsal_labels: "true", or "start" for those that the model itself predicts before the adaptation.
        longer: with rehearsal, take so many more steps that the new images are seen as often as without.
        way_back: share of the way from the adapted weights back to the start; without any training of its own.
        is_remedy: it is to bring back what the reference forgets.
        from_scratch: random weights of the start's shape.
    """

    name: str
    encoder: str = "full"
    encoder_share: float = SAME_RATE
    decoder_share: float = 1.0
    flags: Mapping[str, Any] = field(default_factory=dict)
    tuned_as: str | None = None
    rehearsal: float = 0.0
    rehearsal_labels: str = "true"
    longer: bool = False
    way_back: float = 0.0
    is_remedy: bool = False
    from_scratch: bool = False

    def encoder_strategy(self, layers: int, steps: int) -> str:
        """Return the value of `--encoder_strategy` for an encoder of that many layers and a run of that many steps."""
        parts = {"half": layers // 2, "quarter": max(1, layers // 4), "fifth": max(1, steps // 5)}
        return self.encoder.format(**parts)

    def steps(self, steps: int) -> int:
        """Return the steps of a trial where those of the reference are given."""
        return round(steps / (1 - self.rehearsal)) if self.longer else steps

    @property
    def slug(self) -> str:
        """The name in file names."""
        return re.sub(r"[^a-z0-9.]+", "-", self.name.lower()).strip("-")


LORA = {"lora_targets": "all-linear", "lora_rank": 16}
STRATEGIES = (
    Strategy(REFERENCE, encoder_share=TENTH),
    Strategy("full, equal rates"),
    Strategy("layer decay 0.9", "layerwise:0.9"),
    Strategy("warm-up of the decoder alone", "warmup:{fifth}", TENTH),
    Strategy("LoRA, all linear layers, rank 16", "lora", flags=LORA),
    Strategy("LoRA, queries and values, rank 4", "lora", flags={"lora_targets": "attention", "lora_rank": 4}),
    Strategy("last half of the layers", "last-{half}"),
    Strategy("last quarter of the layers", "last-{quarter}"),
    Strategy("norms", "norms"),
    Strategy("biases", "bias"),
    Strategy("frozen", "frozen"),
    Strategy("from scratch", from_scratch=True),
)
EIGHT_BIT = "full, encoder rate / 10, 8-bit AdamW"
# Whether optimizers that keep less state train as well: the reference by another one.
OPTIMIZERS = (
    Strategy(EIGHT_BIT, encoder_share=TENTH, flags={"optimizer": "adamw-8bit"}, tuned_as=REFERENCE),
    Strategy("full, encoder rate / 10, Adafactor", encoder_share=TENTH, flags={"optimizer": "adafactor"}),
)


def _remedy(name: str, **fields: Any) -> Strategy:
    return Strategy(name, **{"encoder_share": TENTH, "tuned_as": REFERENCE, "is_remedy": True, **fields})


LABELS_OF_THE_START: dict[str, Any] = {"longer": True, "rehearsal_labels": "start"}
DECODER_FROZEN: dict[str, Any] = {"decoder_share": 0.0, "encoder_share": SAME_RATE}
REMEDIES = (
    _remedy("rehearsal 10 %", rehearsal=0.1),
    _remedy("rehearsal 30 %", rehearsal=0.3),
    _remedy("rehearsal 50 %", rehearsal=0.5),
    _remedy("rehearsal 30 %, labels of the start", rehearsal=0.3, rehearsal_labels="start"),
    _remedy("rehearsal 30 %, longer", rehearsal=0.3, longer=True),
    _remedy("rehearsal 50 %, longer", rehearsal=0.5, longer=True),
    *(
        _remedy(f"rehearsal {share} %, longer, labels of the start", rehearsal=share / 100, **LABELS_OF_THE_START)
        for share in (10, 20, 30)
    ),
    _remedy("L2 to the start", flags={"weight_decay_to_start": 10}),
    _remedy("slow decoder", decoder_share=TENTH),
    _remedy("frozen decoder", tuned_as=None, **DECODER_FROZEN),
    *(
        _remedy(
            f"frozen decoder, rehearsal {share} %, longer, labels of the start",
            tuned_as="frozen decoder",
            rehearsal=share / 100,
            **DECODER_FROZEN,
            **LABELS_OF_THE_START,
        )
        for share in (10, 30)
    ),
    _remedy("a quarter of the way back", way_back=0.25),
    _remedy("half of the way back", way_back=0.5),
)
BY_NAME = {each.name: each for each in (*STRATEGIES, *OPTIMIZERS, *REMEDIES)}


@dataclass(frozen=True)
class Preset:
    """How much of the study is done.

    Attributes:
        domains: names of `domains.RENDERED`, or "given" for data of the user's.
        images: sizes of the training sets.
        steps: optimizer steps of a trial.
        seeds: of the comparison; each has its own draw of training images.
        tuning_seeds: of the choice of the rate, on other images.
        rates: of the decoder, among which each strategy has its best.
        test_images, tuning_images: that trials and the choice of rates are scored on.
        pool_images: from which training images are drawn.
        equal_time: strategies that are also given as much time as the reference takes.
        remedies: whether remedies are tried.
        students: steps of a teacher, steps of its smaller students, and seeds of these; None: no students.
        strategies: names of those that take part; empty: all.
        left_out: names of those that do not.
    """

    domains: tuple[str, ...]
    images: tuple[int, ...]
    steps: int
    seeds: int
    tuning_seeds: int
    rates: tuple[float, ...]
    test_images: int
    tuning_images: int
    pool_images: int
    equal_time: tuple[str, ...] = ()
    remedies: bool = True
    students: tuple[int, int, int] | None = None
    strategies: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def central(self) -> int:
        """The size of the training set at which rates are chosen, and remedies and equal time are tried."""
        return self.images[len(self.images) // 2]

    def groups(self) -> Iterator[tuple[str, int]]:
        """Yield the pairs of domain and size of the training set that are compared."""
        for domain in self.domains:
            for images in (self.central,) if domain == METRIC_DOMAIN else self.images:
                yield domain, images

    def chosen(self, domain: str, images: int) -> list[Strategy]:
        """Return the strategies and remedies that take part, the reference always.

        A metric model's output cannot be scored as the start's, so that nothing is known of what it forgets.
        """
        with_remedies = self.remedies and domain != METRIC_DOMAIN and images == self.central
        optimizers = OPTIMIZERS if images == self.central else ()
        all_of_them = [*STRATEGIES, *optimizers, *(REMEDIES if with_remedies else ())]
        left_out = set(self.left_out)
        if self.strategies:
            # A strategy that takes over the rate of another one needs that.
            tuned = {BY_NAME[name].tuned_as or name for name in self.strategies}
            left_out |= {each.name for each in all_of_them} - {REFERENCE, *self.strategies, *tuned}
        return [each for each in all_of_them if each.name not in left_out]


CORE_REMEDIES = (
    *("rehearsal 30 %", "rehearsal 30 %, longer", "rehearsal 30 %, longer, labels of the start", "frozen decoder"),
    *("a quarter of the way back", "half of the way back"),
)
PRESETS = {
    # One domain, one size: what fits into a quarter of an hour on two cores.
    "core": Preset(
        ("smoke",),
        (64,),
        150,
        3,
        1,
        (5e-4, 1.5e-3, 5e-3),
        120,
        60,
        256,
        equal_time=("frozen",),
        strategies=(*(each.name for each in STRATEGIES), *CORE_REMEDIES),
    ),
    "full": Preset(
        ("smoke", "infrared", METRIC_DOMAIN),
        (16, 64, 256),
        150,
        5,
        3,
        (5e-4, 1.5e-3, 5e-3),
        120,
        60,
        512,
        equal_time=("frozen", "LoRA, queries and values, rank 4"),
        students=(1500, 1000, 3),
    ),
    # Smaller students alone.
    "students": Preset((), (), 0, 0, 0, (), 0, 0, 0, students=(1500, 1000, 3)),
    # Whether everything runs.
    "smoke": Preset(
        ("smoke",),
        (4,),
        2,
        2,
        1,
        (1e-3,),
        4,
        4,
        8,
        equal_time=("frozen",),
        strategies=("frozen", "rehearsal 30 %, longer, labels of the start", "half of the way back"),
    ),
}


@dataclass(frozen=True)
class Trial:
    """One run of the study: it is named by all that decides its result.

    Attributes:
        domain: that is adapted to.
        images: size of the training set.
        strategy: name of a `Strategy`.
        rate: of the decoder.
        seed: of the draw of the training images, the order and the augmentation.
        steps: optimizer steps; 0: scores of the start as it is.
        role: "tune", "main", "time" (as much time as the reference) or "start".
    """

    domain: str
    images: int
    strategy: str
    rate: float
    seed: int
    steps: int
    role: str

    @property
    def name(self) -> str:
        """A name for files, unique by a checksum of all fields."""
        slug = BY_NAME[self.strategy].slug
        checksum = zlib.crc32(json.dumps(asdict(self), sort_keys=True).encode())
        return f"{self.role}-{self.domain}-{self.images}-{slug}-{self.rate:g}-{self.seed}-{checksum:08x}"


def start_trials(preset: Preset) -> Iterator[Trial]:
    """Yield trials without training: the scores of the start in each domain."""
    for domain in preset.domains:
        yield Trial(domain, 0, REFERENCE, 0.0, 0, 0, "start")


def tuning_trials(preset: Preset) -> Iterator[Trial]:
    """Yield the trials among which the rate of each strategy is chosen: in each domain, at the central size."""
    images = preset.central if preset.images else 0
    for domain in preset.domains:
        for strategy in preset.chosen(domain, images):
            if strategy.tuned_as is None:
                for rate in preset.rates:
                    for seed in range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + preset.tuning_seeds):
                        yield Trial(domain, images, strategy.name, rate, seed, preset.steps, "tune")


def main_trials(preset: Preset, rates: Mapping[tuple[str, str], float]) -> Iterator[Trial]:
    """Yield the trials of the comparison, all strategies of a seed one after another.

    Args:
        preset: how much is done.
        rates: the chosen one by (domain, strategy).
    """
    for domain, images in preset.groups():
        for seed in range(preset.seeds):
            for strategy in preset.chosen(domain, images):
                if not strategy.way_back:
                    rate = rates[domain, strategy.tuned_as or strategy.name]
                    steps = strategy.steps(preset.steps)
                    yield Trial(domain, images, strategy.name, rate, seed, steps, "main")


def time_trials(
    preset: Preset, rates: Mapping[tuple[str, str], float], seconds: Mapping[str, float]
) -> Iterator[Trial]:
    """Yield trials of cheaper strategies with as many steps as take the reference's time.

    Args:
        preset: how much is done.
        rates: the chosen one by (domain, strategy).
        seconds: a step's time by strategy.
    """
    for domain, images in preset.groups():
        names = [each.name for each in preset.chosen(domain, images) if each.name in preset.equal_time]
        for name in names if images == preset.central else ():
            steps = round(preset.steps * seconds[REFERENCE] / seconds[name])
            if steps > preset.steps:
                for seed in range(preset.seeds):
                    yield Trial(domain, images, name, rates[domain, name], seed, steps, "time")
