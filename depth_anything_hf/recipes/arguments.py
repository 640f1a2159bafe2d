# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Which model a run starts from, and which data it learns from and is scored on."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..utils.typed_fields import convert_fields, require_ranges
from ..utils.unique_keys import KeyGivenTwiceError, load_json


if TYPE_CHECKING:
    from ..data.mixture import Mixture
    from ..data.sources import DataSource
    from ..data.streaming_mixture import StreamingMixture
    from ..evaluation.settings import EvaluationSettings
    from ..training.validation import Evaluation

logger = logging.getLogger(__name__)

# Imports stand inside the methods: the dataclasses are also the flags of a command line, whose help must not wait for
# the libraries that open data.
AUGMENTATION = (
    *("horizontal_flip", "vertical_flip", "colour_jitter", "brightness", "contrast", "saturation", "hue"),
    *("channel_gain", "blur", "haze", "near_clip"),
)


@dataclass
class ModelArguments:
    """Which weights a run starts from: exactly one of the first three."""

    _argument_group_name: ClassVar[str] = "model: exactly one of the first three"
    # Fields that may also be a mapping in a recipe.
    _mappings: ClassVar[tuple[str, ...]] = ("encoder_config", "decoder_config")
    # Fields of which one in a flag or a later recipe replaces another one in an earlier recipe.
    _alternatives: ClassVar[tuple[str, ...]] = ("encoder_name_or_path", "model_name_or_path", "encoder_config")
    # See `without_effect`.
    _belongs_to: ClassVar[dict[str, tuple[str, ...]]] = {"revision": ("encoder_name_or_path", "model_name_or_path")}

    encoder_name_or_path: str | None = field(
        default=None,
        metadata={"help": "Pretrained DINOv2 with a fresh decoder, e.g. facebook/dinov2-small: the paper's start."},
    )
    model_name_or_path: str | None = field(
        default=None, metadata={"help": "Depth Anything checkpoint to continue from, ours or stock; Hub id or folder."}
    )
    encoder_config: str | None = field(
        default=None,
        metadata={"help": "From scratch: fields of Dinov2Config (a mapping in a recipe, JSON as a flag)."},
    )
    decoder_config: str | None = field(
        default=None, metadata={"help": "Fields of DepthAnythingConfig that differ from the default, likewise."}
    )
    revision: str | None = field(default=None, metadata={"help": "Revision of the checkpoint on the Hub."})
    attn_implementation: str | None = field(
        default=None, metadata={"help": "sdpa (default), eager, flash_attention_2 or flex_attention."}
    )
    input_size: int = field(
        default=518, metadata={"help": "Side of the training crops and of the input, a multiple of 14."}
    )

    def __post_init__(self) -> None:
        convert_fields(self, skip=("encoder_config", "decoder_config"))
        self.encoder_config = _mapping(self.encoder_config, "encoder_config")
        self.decoder_config = _mapping(self.decoder_config, "decoder_config")
        given = {name: getattr(self, name) for name in self._alternatives}
        if sum(value is not None for value in given.values()) != 1:
            raise ValueError(
                "give exactly one of encoder_name_or_path (pretrained encoder, fresh decoder), model_name_or_path "
                "(continue from a depth model) and encoder_config (from scratch)"
                + "".join(f"; {name} is {value}" for name, value in given.items() if value is not None)
            )


def _mapping(value: Any, name: str) -> Any:
    if isinstance(value, str):
        try:
            value = load_json(value)
        except KeyGivenTwiceError as error:
            raise ValueError(f"{name}: {error}") from error
        except json.JSONDecodeError as error:
            raise ValueError(f"{name} must be a mapping in JSON, got {value!r}: {error}") from error
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"{name} must be a mapping, got {value!r}")
    return value


@dataclass
class DataArguments:
    """Training data and evaluation data of a run."""

    _argument_group_name: ClassVar[str] = "data"
    _mappings: ClassVar[tuple[str, ...]] = ("train_data", "rehearsal", "eval_data", "forgetting_data")
    # See `without_effect`.
    _belongs_to: ClassVar[dict[str, str | tuple[str, ...]]] = {
        "rehearsal_share": "rehearsal",
        "eval_root": "eval_protocol",
        "forgetting_root": "forgetting_protocol",
        # A protocol has a range of its own.
        **dict.fromkeys(("eval_min_depth", "eval_max_depth"), ("eval_data", "forgetting_data")),
        "eval_batch_size": ("eval_data", "eval_protocol"),
        "mask_weight": "ignore_masks",
        **dict.fromkeys(("brightness", "contrast", "saturation", "hue"), "colour_jitter"),
    }

    train_data: list[str] = field(
        metadata={
            "help": "Sources: folders, parquet folders or Hub ids; in a recipe also mappings with the keys of "
            "DataSource (path, label, scale, weight, split, columns...)."
        }
    )
    rehearsal: str | None = field(
        default=None,
        metadata={
            "help": "Source of the old domain, likewise, whose samples are mixed into the new ones so that it is not "
            "forgotten; its labels are of the same kind."
        },
    )
    rehearsal_share: float = field(
        default=0.1,
        metadata={"help": "Share of rehearsal in all samples; an epoch is one pass over train_data and so many more."},
    )
    eval_data: str | None = field(default=None, metadata={"help": "Held-out labelled source, likewise."})
    eval_protocol: str | None = field(
        default=None,
        metadata={"help": "Benchmark to evaluate on instead of eval_data, e.g. nyu (docs/evaluation.md)."},
    )
    eval_root: str | None = field(default=None, metadata={"help": "Folder of the benchmark as it was downloaded."})
    forgetting_data: str | None = field(
        default=None,
        metadata={
            "help": "Held-out labelled source of the old domain, likewise: scored before the run, whenever eval_data "
            "is, and at the end. Log and card show gain and loss side by side."
        },
    )
    forgetting_protocol: str | None = field(
        default=None, metadata={"help": "Benchmark instead of forgetting_data, as eval_protocol."}
    )
    forgetting_root: str | None = field(default=None, metadata={"help": "Folder of that benchmark, as eval_root."})
    eval_min_depth: float | None = field(
        default=None,
        metadata={"help": "Metres; nearer label pixels of held-out data are ignored. [0.001; finetune: min_depth]"},
    )
    eval_max_depth: float | None = field(
        default=None,
        metadata={"help": "Metres; farther label pixels of held-out data are ignored. [80; finetune: max_depth]"},
    )
    eval_batch_size: int = field(default=8, metadata={"help": "Images per forward pass in evaluation."})
    ignore_masks: list[str] | None = field(
        default=None,
        metadata={
            "help": "Masks of pseudo-labels whose pixels are not learned from: sky, teachers (two teachers disagree), "
            "flip (the mirrored picture disagrees). Of every source in train_data that does not say itself."
        },
    )
    mask_weight: float = field(
        default=0.0,
        metadata={"help": "What pixels in ignore_masks count in the losses, 0 to 1; 0 ignores them."},
    )
    keep_bad_fits: bool = field(
        default=False,
        metadata={
            "help": "Also train on labels of two teachers whose fit is marked as bad; default: left out. Of every "
            "source in train_data that can have fits."
        },
    )
    drop: str | None = field(
        default=None,
        metadata={
            "help": "List of rows to leave out of train_data, as `depth-anything-hf review` writes it (drop.txt). "
            "With several sources, write drop into the mapping of one."
        },
    )
    horizontal_flip: float = field(default=0.5, metadata={"help": "Probability."})
    vertical_flip: float = field(default=0.0, metadata={"help": "Probability."})
    colour_jitter: float = field(
        default=0.0, metadata={"help": "Probability of colour jitter: brightness, contrast, ..."}
    )
    brightness: float = field(default=0.5, metadata={"help": "Largest brightness change of the jitter."})
    contrast: float = field(default=0.5, metadata={"help": "Largest contrast change of the jitter."})
    saturation: float = field(default=0.5, metadata={"help": "Largest saturation change of the jitter."})
    hue: float = field(default=0.25, metadata={"help": "Largest hue shift of the jitter, in turns."})
    channel_gain: float = field(default=0.0, metadata={"help": "Largest gain change of each colour channel."})
    blur: float = field(default=0.0, metadata={"help": "Probability of Gaussian blur."})
    haze: bool = field(default=False, metadata={"help": "Add random haze to the images; needs depth labels."})
    near_clip: str | None = field(
        default=None,
        metadata={
            "help": "Relative labels: nearer pixels count as that near. Metres, or a percentage of an image's pixels "
            "with its sign (docs/data.md); default: no clipping, as in the paper."
        },
    )

    def __post_init__(self) -> None:
        # A number of metres is one in Python, and text in flags.
        convert_fields(self, skip=(*self._mappings, "near_clip"))
        ranges = {"[1, inf)": ("eval_batch_size",), "(0, 1)": ("rehearsal_share",), "[0, 1]": ("mask_weight",)}
        require_ranges(self, ranges)
        given: Any = self.train_data
        if not isinstance(given, list):
            self.train_data = list(given) if isinstance(given, tuple) else [given]
        if self.drop is not None and len(self.train_data) > 1:
            raise ValueError(
                f"drop is {self.drop}, which is of one source, and train_data has {len(self.train_data)}: write drop "
                "into the mapping of the source that the list is of"
            )
        for name in self._mappings:
            value: Any = getattr(self, name)
            for source in value if name == "train_data" else [value]:
                # A dataclass is a DataSource, whose module opens data.
                if source is None is value or isinstance(source, str | os.PathLike | Mapping) or is_dataclass(source):
                    continue
                raise ValueError(
                    f"{name} takes a folder, a Hub id or a mapping with the keys of DataSource, got {source!r}"
                )

    @property
    def _specs(self) -> list[Any]:
        """The sources that are trained on, that of the old domain last."""
        return [*self.train_data, *([] if self.rehearsal is None else [self.rehearsal])]

    def _sources(self) -> list[DataSource]:
        """Return the sources that are trained on, as `record` has them, that of the old domain last."""
        from .training_sources import sources_of

        names = ("ignore_masks", "mask_weight", "keep_bad_fits", "drop")
        own = sources_of(self.train_data, **{name: getattr(self, name) for name in names})
        return own + sources_of(self._specs[len(self.train_data) :])

    @property
    def training_sources(self) -> list[DataSource]:
        """The sources of `train_data`, with what the other arguments say of all of them."""
        return self._sources()[: len(self.train_data)]

    @property
    def source_names(self) -> list[str]:
        """Paths or Hub ids of the training data, that of the old domain last, for the record."""
        return [str(source["path"] if isinstance(source, dict) else source) for source in self._specs]

    @property
    def record(self) -> list[dict[str, Any]]:
        """What tells the training data from other data, see `training_sources.records_of`."""
        from .training_sources import records_of

        records = records_of(self._sources())
        if self.rehearsal is not None:
            records[-1]["rehearsal_share"] = self.rehearsal_share
        return records

    @property
    def augmentation(self) -> dict[str, Any]:
        """How samples are changed: fields of `TrainingTransform`."""
        return {name: getattr(self, name) for name in AUGMENTATION}

    def mixture(self, model_arguments: ModelArguments, *, seed: int, **options: Any) -> Mixture | StreamingMixture:
        """Open the training data; weights are used when every source has one, plain concatenation when none has.

        Every source is opened and its first sample read, so that a wrong path, column or scale stops the run here.
        One source with `streaming: true` makes it a `StreamingMixture`, which needs weights and max_steps.

        Args:
            model_arguments: gives the size of the crops.
            seed: of order and augmentation.
            **options: further fields of `TrainingTransform`, e.g. `target`, `keep_clean`.

        Raises:
            ValueError: only some of the sources have a weight, the rehearsal source has labels of another kind, or a
                source cannot be used, e.g. for want of labels
                where no teacher makes them (`keep_clean` is not set); the message names it.
        """
        from ..data.depth_stream import DepthStream
        from ..data.mixture import Mixture, check_first_samples
        from ..data.rehearsal import check_rehearsal_label, rehearsal_weights
        from ..data.sources import open_source
        from ..data.streaming_mixture import StreamingMixture
        from ..data.transforms import TrainingTransform
        from .training_sources import refuse_masks

        sources = self._sources()
        weights = [source.weight for source in sources[: len(self.train_data)]]
        if any(weight is None for weight in weights) and any(weight is not None for weight in weights):
            raise ValueError(f"give every source a weight or none; the weights are {weights}")
        transform = TrainingTransform(size=model_arguments.input_size, **self.augmentation, **options)
        if transform.keep_clean:
            refuse_masks(sources)
        opened = [open_source(source) for source in sources]
        for name, samples in zip(self.source_names, opened, strict=True):
            # Clean images are kept for a teacher, which makes the labels.
            if samples.label is None and not transform.keep_clean:
                raise ValueError(
                    f"{name}: images without labels, expected depth or disparity with each image (a folder depth/ or "
                    "disparity/ beside images/, or a column of that name); a student learns from images alone if "
                    "`depth-anything-hf distill` is given a --teacher"
                )
        given, epoch = [weight for weight in weights if weight is not None], None
        if self.rehearsal is not None:
            *new, old = opened
            check_rehearsal_label(self.source_names[-1], old.label, [samples.label for samples in new])
            if sources[-1].weight is not None:
                raise ValueError(
                    f"rehearsal {self.source_names[-1]}: its weight is {sources[-1].weight:g}, but rehearsal_share "
                    "says how much of it there is; leave the weight out"
                )
            given, epoch = rehearsal_weights(new, given or None, self.rehearsal_share)
        indexed = [source for source in opened if not isinstance(source, DepthStream)]
        mixture: Mixture | StreamingMixture
        if len(indexed) == len(opened):
            mixture = Mixture(indexed, transform, given or None, seed, self.source_names, epoch)
        else:
            mixture = StreamingMixture(opened, transform, given or None, seed=seed, names=self.source_names)
        check_first_samples(mixture)
        return mixture

    def evaluation(self, *, metric: bool = False, depth_range: tuple[float, float] | None = None) -> Evaluation | None:
        """Open the held-out set, scored by benchmark's own protocol or the given settings.

        Args:
            metric: whether the model predicts metres, which are then compared as they are.
            depth_range: of a metric model, metres: the range that counts unless `eval_min_depth` or `eval_max_depth`
                says otherwise. None takes 0.001 to 80 m, as for a relative model. A protocol has its own range.

        Raises:
            ValueError, FileNotFoundError: see `_held_out`.
        """
        return self._held_out("eval", metric, depth_range)

    def forgetting(self, *, metric: bool = False, depth_range: tuple[float, float] | None = None) -> Evaluation | None:
        """Open the held-out set of the old domain; all as for `evaluation`."""
        return self._held_out("forgetting", metric, depth_range)

    def _held_out(self, which: str, metric: bool, depth_range: tuple[float, float] | None) -> Evaluation | None:
        """Open a held-out set by the fields that begin with `which`, "eval" or "forgetting".

        Raises:
            ValueError: both data and a protocol are given, a protocol comes without its root or the other way round,
                it does not fit the model, as a protocol in metres does not fit a relative one, or none of the first
                images can be scored.
            FileNotFoundError: the benchmark's files are not below its root.
        """
        from ..data.depth_stream import DepthStream
        from ..data.sources import as_source, open_source
        from ..evaluation.datasets import open_protocol
        from ..evaluation.evaluator import check_first_images
        from ..evaluation.scoring import check_fits
        from ..evaluation.settings import EvaluationSettings
        from ..training.validation import Evaluation
        from .training_sources import refuse_weights

        data, name, root = (getattr(self, f"{which}_{each}") for each in ("data", "protocol", "root"))
        if name is not None or root is not None:
            if name is None or root is None or data is not None:
                raise ValueError(
                    f"give {which}_protocol and {which}_root together and without {which}_data, or {which}_data alone"
                )
            dataset, protocol = open_protocol(name, root)
            check_fits(protocol, "depth" if metric else "disparity")
            check_first_images(dataset, protocol)
            _warn_beyond(protocol, depth_range)
            return Evaluation(dataset, protocol, batch_size=self.eval_batch_size)
        if data is None:
            return None
        near, far = depth_range or (EvaluationSettings.min_depth, EvaluationSettings.max_depth)
        near = near if self.eval_min_depth is None else self.eval_min_depth
        far = far if self.eval_max_depth is None else self.eval_max_depth
        if not 0 < near < far < math.inf:
            own = " (that of the model, max_depth)" if depth_range and self.eval_max_depth is None else ""
            raise ValueError(
                f"eval_min_depth is {near:g} and eval_max_depth {far:g}{own}, expected 0 < eval_min_depth < "
                "eval_max_depth, in metres"
            )
        settings = EvaluationSettings(
            min_depth=near,
            max_depth=far,
            alignment="none" if metric else "disparity",
        )
        _warn_beyond(settings, depth_range)
        source = as_source(data)
        refuse_weights(source, f"{which}_data")
        held_out = open_source(source)
        if isinstance(held_out, DepthStream):
            raise ValueError(
                f"{which}_data {held_out.name}: it is read by index and cannot stream; set streaming: false"
            )
        try:
            check_first_images(held_out, settings)
        except ValueError as error:
            raise ValueError(f"{which}_data {data}: {error}") from error
        return Evaluation(held_out, settings, batch_size=self.eval_batch_size)


def _warn_beyond(settings: EvaluationSettings, depth_range: tuple[float, float] | None) -> None:
    from ..evaluation.settings import beyond_the_model
    from ..utils.processes import is_first_process

    text = beyond_the_model(settings, None if depth_range is None else depth_range[1])
    if text and is_first_process():
        logger.warning(text)
