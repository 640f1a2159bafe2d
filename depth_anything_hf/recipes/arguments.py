# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What the example scripts share: arguments from flags and YAML recipes, and the model and data they describe."""

from __future__ import annotations

import difflib
import json
import os
import shlex
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import AutoConfig, Dinov2Config, Dinov2WithRegistersConfig, HfArgumentParser, set_seed

from ..data.depth_stream import DepthStream
from ..data.mixture import Mixture, check_first_samples
from ..data.sources import DataSource, open_source
from ..data.streaming_mixture import StreamingMixture
from ..data.transforms import TrainingTransform
from ..evaluation.datasets import open_protocol
from ..evaluation.scoring import check_fits
from ..evaluation.settings import EvaluationSettings
from ..models.configuration_depth_anything import DepthAnythingConfig
from ..models.image_processing_depth_anything import PAPER_INPUT_SIZE, DepthAnythingImageProcessor
from ..models.loading import load_processor
from ..models.modeling_depth_anything import ENCODERS, DepthAnythingForDepthEstimation
from ..training.trainer import Evaluation


def parse_recipe(*types: type, description: str, argv: Sequence[str] | None = None) -> tuple[Any, ...]:
    """Fills dataclasses from flags, and from a YAML recipe named by `--recipe`; flags win over the recipe.

    Args:
        *types: dataclasses whose fields are the flags and the recipe's keys.
        description: first lines of `--help`.
        argv: the command line; default: that of the process.

    Exits with a message that names the nearest known name when a flag or a key is unknown.
    """
    dataclass_types: Any = types
    parser = HfArgumentParser(dataclass_types, description=description, allow_abbrev=False)
    parser.add_argument("--recipe", help="YAML file with any of the arguments below; flags override it.")
    argv = list(sys.argv[1:] if argv is None else argv)
    known = {action.dest: action for action in parser._actions if action.dest not in ("help", "recipe")}
    for path in _recipe_paths(argv):
        for key, value in _read_recipe(parser, path).items():
            if key not in known:
                parser.error(f"{path}: unknown key {key!r}{_nearest(str(key), known)}")
            known[key].required = False
            # As text a number is checked and converted like a flag: 2.5 is no int, and a revision stays text.
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            parser.set_defaults(**{key: str(value) if is_number else value})
    *parsed, _, unknown = parser.parse_args_into_dataclasses(argv, return_remaining_strings=True)
    for word in unknown:
        name = word.split("=")[0].removeprefix("--")
        parser.error(f"unknown argument {word!r}{_nearest(name, known)}")
    return tuple(parsed)


def command_and_recipe() -> dict[str, str]:
    """How this process was launched, for a model card.

    Returns:
        "command": the command line, after a comment with the number of processes if they are several; a launcher's
        own flags are not known here. "recipe", with `--recipe` only: the file's name and its text as it is now.
    """
    # What `accelerate launch` always sets, and neither torchrun nor Slurm does.
    by_accelerate = {"ACCELERATE_DYNAMO_BACKEND", "ACCELERATE_USE_DEEPSPEED"} & os.environ.keys()
    launcher = ["python"]
    if by_accelerate:
        launcher = ["accelerate", "launch"]
    elif "TORCHELASTIC_RUN_ID" in os.environ:
        launcher = ["torchrun"]
    processes = int(os.environ.get("WORLD_SIZE", 1))
    comment = f"# {processes} processes\n" if processes > 1 else ""
    texts = [f"# {Path(path).name}\n{Path(path).read_text()}" for path in _recipe_paths(sys.argv[1:])]
    recipe = {"recipe": "\n".join(texts)} if texts else {}
    return {"command": comment + shlex.join([*launcher, *sys.argv]), **recipe}


def from_environment(*names: str, default: int) -> int:
    """The number in the first of these environment variables that is set."""
    # Of Slurm's counts only that of a step will do (SLURM_STEP_NUM_TASKS): SLURM_NTASKS is the job's, also for a
    # single process that a batch script starts by itself.
    return next((int(os.environ[name]) for name in names if os.environ.get(name)), default)


def _recipe_paths(argv: Sequence[str]) -> list[str]:
    words = [*argv, ""]
    named = [(word, words[position + 1]) for position, word in enumerate(argv) if word.split("=")[0] == "--recipe"]
    return [word.split("=", 1)[1] if "=" in word else following for word, following in named]


def _read_recipe(parser: HfArgumentParser, path: str) -> dict[str, Any]:
    try:
        recipe = yaml.safe_load(Path(path).read_text())
    except OSError as error:
        parser.error(f"cannot read the recipe {path!r}: {error.strerror}")
    except yaml.YAMLError as error:
        parser.error(f"{path} is not valid YAML: {error}")
    if not isinstance(recipe, dict):
        parser.error(f"{path} must hold `name: value` lines, found {type(recipe).__name__}")
    return recipe


def _nearest(name: str, known: dict[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"


AUGMENTATION = (
    *("horizontal_flip", "vertical_flip", "colour_jitter", "brightness", "contrast", "saturation", "hue"),
    *("channel_gain", "blur", "haze"),
)


@dataclass
class ModelArguments:
    """Which weights a run starts from: exactly one of the first three."""

    encoder_name_or_path: str | None = field(
        default=None,
        metadata={"help": "Pretrained DINOv2 with a fresh decoder, e.g. facebook/dinov2-small: the paper's start."},
    )
    model_name_or_path: str | None = field(
        default=None, metadata={"help": "Depth Anything checkpoint to go on from, ours or stock's, Hub id or folder."}
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
        default=PAPER_INPUT_SIZE, metadata={"help": "Side of the training crops and of the input, a multiple of 14."}
    )

    def __post_init__(self) -> None:
        self.encoder_config = _mapping(self.encoder_config, "encoder_config")
        self.decoder_config = _mapping(self.decoder_config, "decoder_config")
        given = [self.encoder_name_or_path, self.model_name_or_path, self.encoder_config]
        if sum(value is not None for value in given) != 1:
            raise ValueError(
                "give exactly one of encoder_name_or_path (pretrained encoder, fresh decoder), model_name_or_path (go "
                "on from a depth model) and encoder_config (from scratch)"
            )


def _mapping(value: Any, name: str) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f"{name} must be a mapping in JSON, got {value!r}: {error}") from error
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"{name} must be a mapping, got {value!r}")
    return value


@dataclass
class DataArguments:
    """What a run learns from and is scored on."""

    train_data: list[str] = field(
        metadata={
            "help": "Sources: folders, parquet folders or Hub ids; in a recipe also mappings with the keys of "
            "DataSource (path, label, scale, weight, split, columns...)."
        }
    )
    eval_data: str | None = field(default=None, metadata={"help": "Held-out labelled source, likewise."})
    eval_protocol: str | None = field(
        default=None,
        metadata={"help": "Instead of eval_data: a benchmark, e.g. nyu (docs/evaluation.md)."},
    )
    eval_root: str | None = field(default=None, metadata={"help": "Folder of that benchmark as it was downloaded."})
    eval_min_depth: float = field(default=1e-3, metadata={"help": "Metres; nearer labels do not count."})
    eval_max_depth: float = field(default=80.0, metadata={"help": "Metres; farther labels do not count."})
    eval_batch_size: int = field(default=8, metadata={"help": "Images per forward pass in evaluation."})
    horizontal_flip: float = field(default=0.5, metadata={"help": "Probability."})
    vertical_flip: float = field(default=0.0, metadata={"help": "Probability."})
    colour_jitter: float = field(default=0.0, metadata={"help": "Probability of brightness, contrast, ... changes."})
    brightness: float = field(default=0.5, metadata={"help": "Largest change of brightness in the jitter."})
    contrast: float = field(default=0.5, metadata={"help": "Largest change of contrast in the jitter."})
    saturation: float = field(default=0.5, metadata={"help": "Largest change of saturation in the jitter."})
    hue: float = field(default=0.25, metadata={"help": "Largest shift of the hue in the jitter, in turns."})
    channel_gain: float = field(default=0.0, metadata={"help": "Largest change of each channel's gain."})
    blur: float = field(default=0.0, metadata={"help": "Probability of a Gaussian blur."})
    haze: bool = field(default=False, metadata={"help": "Cover the images with random haze; needs depth labels."})

    def __post_init__(self) -> None:
        if isinstance(self.train_data, str | dict):
            self.train_data = [self.train_data]

    @property
    def source_names(self) -> list[str]:
        """Paths or Hub ids of the training data, for the record."""
        return [str(source["path"] if isinstance(source, dict) else source) for source in self.train_data]

    def mixture(self, model_arguments: ModelArguments, *, seed: int, **options: Any) -> Mixture | StreamingMixture:
        """The training data; weights are used when every source has one, plain concatenation when none has.

        Every source is opened and its first sample read, so that a wrong path, column or scale stops the run here.
        One source with `streaming: true` makes it a `StreamingMixture`, which needs weights and max_steps.

        Args:
            model_arguments: gives the size of the crops.
            seed: of order and augmentation.
            **options: further fields of `TrainingTransform`, e.g. `target`, `keep_clean`.

        Raises:
            ValueError: only some of the sources have a weight, or a source cannot be used; the message names it.
        """
        sources = [DataSource.from_dict(s) if isinstance(s, dict) else DataSource(s) for s in self.train_data]
        weights = [source.weight for source in sources]
        if any(weight is None for weight in weights) and any(weight is not None for weight in weights):
            raise ValueError(f"give every source a weight or none; the weights are {weights}")
        augmentation = {name: getattr(self, name) for name in AUGMENTATION}
        transform = TrainingTransform(size=model_arguments.input_size, **augmentation, **options)
        opened = [open_source(source) for source in sources]
        given = [weight for weight in weights if weight is not None]
        indexed = [source for source in opened if not isinstance(source, DepthStream)]
        mixture: Mixture | StreamingMixture
        if len(indexed) == len(opened):
            mixture = Mixture(indexed, transform, weights=given or None, seed=seed, names=self.source_names)
        else:
            mixture = StreamingMixture(opened, transform, given or None, seed=seed, names=self.source_names)
        check_first_samples(mixture)
        return mixture

    def evaluation(self, *, metric: bool = False) -> Evaluation | None:
        """The held-out set and how it is scored: a benchmark's own protocol, or without alignment for a metric model.

        Raises:
            ValueError: both `eval_data` and `eval_protocol` are given, a protocol comes without its `eval_root` or the
                other way round, or it does not fit the model, as a protocol in metres does not fit a relative one.
            FileNotFoundError: the benchmark's files are not below `eval_root`.
        """
        if self.eval_protocol is not None or self.eval_root is not None:
            if self.eval_protocol is None or self.eval_root is None or self.eval_data is not None:
                raise ValueError("give eval_protocol and eval_root together and without eval_data, or eval_data alone")
            dataset, protocol = open_protocol(self.eval_protocol, self.eval_root)
            check_fits(protocol, "depth" if metric else "disparity")
            return Evaluation(dataset, protocol, batch_size=self.eval_batch_size)
        if self.eval_data is None:
            return None
        settings = EvaluationSettings(
            min_depth=self.eval_min_depth,
            max_depth=self.eval_max_depth,
            alignment="none" if metric else "disparity",
        )
        return Evaluation(open_source(self.eval_data), settings, batch_size=self.eval_batch_size)


@dataclass
class StartingPoint:
    """A model to train, its processor, and where it comes from."""

    model: DepthAnythingForDepthEstimation
    processor: DepthAnythingImageProcessor
    pretrained: bool
    lineage: dict[str, Any]


def build_model(
    arguments: ModelArguments, *, seed: int, max_depth: int | None = None, fresh_decoder: bool = False
) -> StartingPoint:
    """The model that a run starts from.

    Args:
        arguments: which weights.
        seed: of the fresh weights.
        max_depth: metres; makes it a metric model. None: a relative one.
        fresh_decoder: with `model_name_or_path`, take only its encoder (the metric recipe of Depth Anything V2).

    Raises:
        ValueError: the checkpoint is not of this architecture, or the input size is not a multiple of 14.
    """
    set_seed(seed)
    processor = DepthAnythingImageProcessor.for_input_size(arguments.input_size)
    hub = {"revision": arguments.revision} if arguments.revision else {}
    options: dict[str, Any] = dict(arguments.decoder_config or {})  # type: ignore[arg-type]
    if max_depth is not None:
        options.update(depth_estimation_type="metric", max_depth=max_depth)
    loading: dict[str, Any] = {"dtype": torch.float32}
    if arguments.attn_implementation:
        loading["attn_implementation"] = arguments.attn_implementation
    if arguments.revision:
        loading["revision"] = arguments.revision
    make = DepthAnythingForDepthEstimation
    if arguments.encoder_name_or_path:
        _check_model_type(arguments.encoder_name_or_path, arguments.revision, ENCODERS)
        model = make.from_encoder(arguments.encoder_name_or_path, encoder_options=loading, **options)
        lineage = {"encoder": arguments.encoder_name_or_path, "encoder_revision": arguments.revision}
    elif arguments.model_name_or_path:
        _check_model_type(arguments.model_name_or_path, arguments.revision, [DepthAnythingConfig.model_type])
        model = make.from_pretrained(arguments.model_name_or_path, **loading, **options)
        # How a checkpoint prepares its images goes with its weights, e.g. the original's OpenCV mode.
        processor = load_processor(arguments.model_name_or_path, model.config.model_type, arguments.input_size, hub)
        if fresh_decoder:
            fresh = make(model.config)
            fresh.backbone.load_state_dict(model.backbone.state_dict())
            model = fresh
        lineage = {"initial_weights": arguments.model_name_or_path, "initial_weights_revision": arguments.revision}
        lineage["initial_weights_used"] = "encoder" if fresh_decoder else "all"
    else:
        encoder: dict[str, Any] = dict(arguments.encoder_config)  # type: ignore[arg-type]
        make_config = Dinov2WithRegistersConfig if "num_register_tokens" in encoder else Dinov2Config
        encoder = {"patch_size": 14, "image_size": arguments.input_size, "mlp_ratio": 4, **encoder}
        config = DepthAnythingConfig.from_encoder_config(make_config(**encoder), **options)
        if arguments.attn_implementation:
            config._attn_implementation = arguments.attn_implementation
        model = make(config)
        lineage = {"encoder": "random weights"}
    given = {name: value for name, value in lineage.items() if value is not None}
    return StartingPoint(model, processor, arguments.encoder_config is None, given)


def _check_model_type(name_or_path: str, revision: str | None, expected: Collection[str]) -> None:
    # transformers opens any checkpoint as any model, and leaves at random weights what does not fit.
    found = AutoConfig.from_pretrained(name_or_path, **({"revision": revision} if revision else {})).model_type
    if found not in expected:
        raise ValueError(
            f"{name_or_path} is a {found!r} model, expected {' or '.join(expected)}; encoder_name_or_path takes a "
            "DINOv2 encoder, model_name_or_path a Depth Anything model"
        )
