# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Training arguments: one dataclass that is command line, recipe and saved record."""

from __future__ import annotations

import multiprocessing
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar

from ..evaluation.settings import SCORES
from ..metrics.table import METRICS
from ..utils.typed_fields import convert_fields, require_ranges
from .argument_rules import RANGES, check_combinations
from .encoder_strategy import EncoderStrategy
from .report_to import NONE, tracker_names


SCHEDULES = ("linear", "poly", "cosine", "constant")
OPTIMIZERS = ("adamw", "adamw-8bit", "adamw-8bit-torchao", "adafactor", "sgd")
# As `transformers.TrainingArguments.optim` calls them.
OPTIMIZERS_OF_TRANSFORMERS = {
    "adamw_torch": "adamw",
    "adamw_torch_fused": "adamw",
    "adamw_bnb_8bit": "adamw-8bit",
    "adamw_8bit": "adamw-8bit",
    "adamw_torch_8bit": "adamw-8bit-torchao",
}
LORA_RANK, LORA_TARGETS = 16, ("attention",)
ARGUMENTS_FILE = "training_arguments.json"
# As `hub.publisher` knows them.
HUB_STRATEGIES = ("end", "checkpoint", "every_save")
# Arguments without a part in what comes out of a run.
NO_PART_IN_RESULT = (
    *("output_dir", "resume_from_checkpoint", "allow_changed", "report_to", "logging_steps", "picture_steps"),
    *("auto_batch", "dataloader_num_workers", "dataloader_multiprocessing_context"),
    *("save_steps", "save_total_limit", "max_skipped_steps", "max_broken_share", "max_unlabelled_steps"),
    # What is recomputed is the same, on a CPU to the bit.
    *("gradient_checkpointing", "gradient_checkpointing_every"),
    *("push_to_hub", "hub_model_id", "hub_private_repo", "hub_strategy"),
)
# Arguments that may differ between a run and its continuation: they change nothing of what is past.
MAY_CHANGE_ON_RESUME = (
    *NO_PART_IN_RESULT,
    *("gradient_checkpointing_by_image", "optimizer_in_backward", "max_steps", "num_train_epochs"),
    *("eval_steps", "metric_for_best_model", "greater_is_better", "max_output", "max_zero_share"),
    *("early_stopping_patience", "early_stopping_threshold", "forgetting_weight"),
)
# These may too, as long as their product with the number of processes stays the same.
BATCH_ARGUMENTS = ("per_device_train_batch_size", "gradient_accumulation_steps")


@dataclass
class TrainingArguments:
    """How a run trains. The same names are command-line flags, keys of a YAML recipe, and the saved record."""

    _argument_group_name: ClassVar[str] = "training"
    # Permissions for one start: given once or several times, and no part of the run's own recipe.
    _permissions: ClassVar[tuple[str, ...]] = ("allow_changed",)
    # Flags that have no effect without another argument, or one of several.
    _belongs_to: ClassVar[dict[str, str | tuple[str, ...]]] = {
        **dict.fromkeys(("eval_steps", "metric_for_best_model", "greater_is_better"), ("eval_data", "eval_protocol")),
        "forgetting_weight": ("forgetting_data", "forgetting_protocol"),
        "gradient_checkpointing_every": "gradient_checkpointing",
        "dataloader_multiprocessing_context": "dataloader_num_workers",
        **dict.fromkeys(("hub_model_id", "hub_private_repo", "hub_strategy"), "push_to_hub"),
    }

    output_dir: str = field(metadata={"help": "Run folder: checkpoints, log and the final model."})
    max_steps: int = field(
        default=-1, metadata={"help": "Optimizer steps; -1: train for num_train_epochs. The paper: 160,000 / 480,000."}
    )
    num_train_epochs: float = field(default=1.0, metadata={"help": "Passes over the data when max_steps is -1."})
    per_device_train_batch_size: int = field(default=8, metadata={"help": "Images per process and micro-batch."})
    gradient_accumulation_steps: int = field(default=1, metadata={"help": "Micro-batches per optimizer step."})
    auto_batch: bool = field(
        default=False,
        metadata={
            "help": "Find the largest micro-batch that fits, by a step of each size before the run, and keep the "
            "images of an optimizer step (the product of the two above) by accumulation. One process; a resumed run "
            "keeps what was found. CutMix and a SILog over the batch see one micro-batch."
        },
    )
    encoder_learning_rate: float | None = field(
        default=None,
        metadata={
            "help": "Peak learning rate. Default: 5e-6 if pretrained (the paper), 5e-4 from scratch and for adapters."
        },
    )
    decoder_learning_rate: float | None = field(
        default=None,
        metadata={"help": "Peak learning rate. Default: 5e-5 with a pretrained encoder (the paper), else 5e-4."},
    )
    encoder_strategy: str = field(
        default="full",
        metadata={
            "help": "What of the encoder is trained; the decoder always is. full: all of it (the paper); frozen: "
            "nothing; last-N: its last N layers; layerwise:0.9: all of it, each layer at 0.9 of the next one's rate, "
            "embeddings at the lowest; lora: adapters of low rank, see --lora_rank; norms or bias: these alone; "
            "warmup:N: nothing for N steps, then all of it, its rate rising over N steps more. A run says how many "
            "parameters are trained; --dry_run says what that needs."
        },
    )
    lora_rank: int | None = field(
        default=None,
        metadata={"help": "With encoder_strategy lora: rank of the adapters. Default: 16. Needs the extra `lora`."},
    )
    lora_targets: list[str] = field(
        default_factory=list,
        metadata={
            "help": "With encoder_strategy lora: layers that get adapters. attention: queries and values; all-linear: "
            "all linear layers of the encoder; or names of some, e.g. q_proj mlp.fc1. Default: attention."
        },
    )
    lora_merge: bool = field(
        default=True,
        metadata={
            "help": "With encoder_strategy lora: merge the adapters into the final model's weights, which then is "
            "plain. False: keep them; the final folder, and what is pushed, has adapters and decoder alone and "
            "names the model that the run began with: all commands, DepthPredictor and stock transformers open both "
            "where peft is installed."
        },
    )
    optimizer: str = field(
        default="adamw",
        metadata={
            "help": "adamw (8 bytes of state for each trained parameter); adamw-8bit (2 bytes, bitsandbytes) or "
            "adamw-8bit-torchao (2 bytes, torchao; compiles for minutes); adafactor (next to none: the second moment "
            "is factored, there is no first one; AdamW's rates suit it); sgd (4 bytes, momentum adam_beta1; give both "
            "learning rates, AdamW's are far too small for it)."
        },
    )
    optimizer_in_backward: bool = field(
        default=False,
        metadata={
            "help": "Update each parameter as soon as its gradient is known, and free the gradient: saves 4 bytes for "
            "each trained parameter. Clipping needs the norm of all gradients first, so that each step computes "
            "forward and backward pass twice unless max_grad_norm is 0. One process, no accumulation."
        },
    )
    weight_decay: float = field(
        default=0.01, metadata={"help": "Weight decay; not on norms, biases, tokens and position embeddings."}
    )
    adam_beta1: float = field(default=0.9, metadata={"help": "AdamW's beta1; the momentum of sgd."})
    adam_beta2: float = field(default=0.999, metadata={"help": "AdamW's beta2; 0.99 suits short runs."})
    lr_scheduler_type: str = field(
        default="linear", metadata={"help": "Learning rate schedule: linear, poly, cosine or constant."}
    )
    lr_decay_share: float = field(
        default=1.0, metadata={"help": "Share of the steps, at the end, over which the learning rate decays."}
    )
    warmup_steps: int = field(
        default=0, metadata={"help": "Warm-up: steps over which the learning rate rises linearly."}
    )
    weight_decay_to_start: float = field(
        default=0.0,
        metadata={
            "help": "Decay of trained weights towards those that the run starts from, pretrained ones only (L2-SP), "
            "at the learning rate and beside weight_decay; 0: none. Keeps them all once more in memory."
        },
    )
    drop_path_rate: float | None = field(
        default=None,
        metadata={
            "help": "Drop path: probability that an image skips the encoder's last layer in training, rising linearly "
            "from 0 at the first one, e.g. 0.1. Default: as the encoder's configuration says; DINOv2's has none."
        },
    )
    max_grad_norm: float = field(default=1.0, metadata={"help": "Clip gradients to this norm; 0: no clipping."})
    max_grad_norm_over: str = field(
        default="model",
        metadata={
            "help": "model: one norm over all gradients; parts: encoder and decoder are clipped each by itself, and "
            "both norms are logged. Under one norm a fresh decoder's large gradients scale the encoder's down."
        },
    )
    ema_decay: float | None = field(
        default=None,
        metadata={
            "help": "Decay of an exponential moving average (EMA) of the weights, which is then saved; e.g. 0.998. 0: "
            "none, also where a recipe has one."
        },
    )
    cutmix_probability: float = field(default=0.0, metadata={"help": "Probability of CutMix, per image; V1 uses 0.5."})
    mixed_precision: str | None = field(
        default=None,
        metadata={"help": "no, bf16 or fp16; default: what `accelerate launch --mixed_precision` says, else no."},
    )
    pure_bf16: bool = field(
        default=False,
        metadata={
            "help": "Keep weights, gradients and optimizer state in bfloat16: half of their memory, but small updates "
            "are rounded away. Default: weights in bfloat16 or float16 are converted to float32, also with bf16."
        },
    )
    gradient_checkpointing: bool = field(
        default=False, metadata={"help": "Recompute encoder layers and the decoder's large maps to save memory."}
    )
    gradient_checkpointing_every: int = field(
        default=1,
        metadata={"help": "With gradient_checkpointing: only every n-th encoder layer. Less time, more memory."},
    )
    gradient_checkpointing_by_image: bool = field(
        default=False,
        metadata={
            "help": "With gradient_checkpointing: recompute the head's maps, the largest of all, for one image at a "
            "time. The least memory; gradients differ in their last digits."
        },
    )
    torch_compile: bool = field(
        default=False,
        metadata={"help": "Compile the encoder's layers, and on a GPU the decoder, with torch.compile (inductor)."},
    )
    seed: int = field(default=0, metadata={"help": "Seed of data order, augmentation and fresh weights."})
    dataloader_num_workers: int = field(default=0, metadata={"help": "DataLoader worker processes per rank; 0: none."})
    dataloader_multiprocessing_context: str | None = field(
        default=None,
        metadata={
            "help": "Start method of the workers: fork, spawn or forkserver; default: Python's on this system. "
            "spawn is slower to start, but safe with libraries that start threads."
        },
    )
    logging_steps: int = field(default=10, metadata={"help": "Log losses and learning rates every N steps."})
    eval_steps: int = field(
        default=0, metadata={"help": "Evaluate every N steps, and at the end; 0: only at the end."}
    )
    save_steps: int = field(default=0, metadata={"help": "Write checkpoint-N every N steps; 0: no checkpoints."})
    save_total_limit: int | None = field(
        default=None, metadata={"help": "Keep only the N newest checkpoints; best/ is always kept. Default: all."}
    )
    metric_for_best_model: str = field(
        default="delta1", metadata={"help": "Metric whose mean selects the model kept in best/."}
    )
    forgetting_weight: float = field(
        default=0.0,
        metadata={
            "help": "Weight of the same metric on the forgetting data: the best model has the largest sum (or the "
            "smallest, where less is better) of the metric and so many times that of the old domain; 0: the new alone."
        },
    )
    early_stopping_patience: int | None = field(
        default=None,
        metadata={
            "help": "End the run after so many evaluations in a row (every eval_steps) without a better "
            "metric_for_best_model; the best model is in best/. Default: train to the end."
        },
    )
    early_stopping_threshold: float = field(
        default=0.0, metadata={"help": "By how much a score must be better to count for early_stopping_patience."}
    )
    greater_is_better: bool | None = field(
        default=None,
        metadata={"help": "Whether a metric of your own that selects the best model is better the higher it is."},
    )
    report_to: list[str] = field(
        default_factory=lambda: [NONE],
        metadata={"help": "Trackers of metrics, one or several: none, all, tensorboard, wandb, trackio."},
    )
    picture_steps: int = field(
        default=0,
        metadata={"help": "Save a picture (image, label, prediction, error) to pictures/ every N steps; 0: never."},
    )
    push_to_hub: bool = field(
        default=False,
        metadata={
            "help": "Push the model to the Hub in the background. A push that fails never fails the run: it is "
            "reported at the end. Log in with `hf auth login` or set HF_TOKEN."
        },
    )
    hub_model_id: str | None = field(
        default=None, metadata={"help": "owner/name on the Hub; default: the name of output_dir, in your namespace."}
    )
    hub_private_repo: bool = field(default=False, metadata={"help": "Create the repository as private."})
    hub_strategy: str = field(
        default="end",
        metadata={
            "help": "end: the final model; every_save: also the model of each checkpoint; checkpoint: also the newest "
            "checkpoint with its state, to resume elsewhere."
        },
    )
    resume_from_checkpoint: str | None = field(
        default=None,
        metadata={
            "help": "'latest' (or true), or a checkpoint-N folder: resume exactly where the run stopped. If there is "
            "no checkpoint yet, 'latest' starts from the beginning. On SIGTERM or SIGINT (Ctrl-C) a run completes its "
            "step, saves and exits with code 75; a second signal aborts it at once."
        },
    )
    allow_changed: list[str] = field(
        default_factory=list,
        metadata={
            "action": "extend",
            "help": "On a resume: what may be another than before, by the names that the refusal gives, e.g. "
            "loss.gradient_weight or data. The change is recorded with its step.",
        },
    )
    max_skipped_steps: int = field(
        default=3,
        metadata={"help": "Save and abort after N consecutive steps with a non-finite loss or gradient."},
    )
    max_broken_share: float = field(
        default=0.01,
        metadata={"help": "Save and abort when more than this share of the samples, and more than 10, are broken."},
    )
    max_unlabelled_steps: int = field(
        default=10,
        metadata={"help": "Save and abort after N consecutive steps without an image that has a valid label."},
    )
    max_output: float = field(
        default=1e3,
        metadata={"help": "Save and abort when the output's maximum exceeds this (diverging scale); relative models."},
    )
    max_zero_share: float = field(
        default=0.9, metadata={"help": "Save and abort when more than this share of the output is 0 (dying ReLU)."}
    )

    def __post_init__(self) -> None:
        # YAML reads an unquoted `no` as False.
        if self.mixed_precision is False:  # type: ignore[comparison-overlap]
            self.mixed_precision = "no"
        convert_fields(
            self, skip=("resume_from_checkpoint", "report_to"), may_be_infinite=("max_output", "max_grad_norm")
        )
        self.resume_from_checkpoint = _checkpoint_to_resume(self.resume_from_checkpoint)
        self.optimizer = OPTIMIZERS_OF_TRANSFORMERS.get(self.optimizer, self.optimizer)
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer is {self.optimizer!r}, expected one of {OPTIMIZERS}")
        if self.optimizer == "sgd" and None in (self.encoder_learning_rate, self.decoder_learning_rate):
            raise ValueError(
                "optimizer sgd needs encoder_learning_rate and decoder_learning_rate: the default rates are AdamW's, "
                "at which it learns nothing"
            )
        EncoderStrategy.parse(self.encoder_strategy).require_steps(self.max_steps)
        if self.encoder_strategy == "lora":
            self.lora_rank = LORA_RANK if self.lora_rank is None else self.lora_rank
            self.lora_targets = self.lora_targets or [*LORA_TARGETS]
        if self.lr_scheduler_type not in SCHEDULES:
            raise ValueError(f"lr_scheduler_type is {self.lr_scheduler_type!r}, expected one of {SCHEDULES}")
        if self.mixed_precision not in (None, "no", "bf16", "fp16"):
            raise ValueError(f"mixed_precision is {self.mixed_precision!r}, expected no, bf16 or fp16")
        # A single name, or a tracker of one's own from Python, becomes a list.
        self.report_to = tracker_names(self.report_to)
        # As `transformers.Trainer` may be told.
        self.metric_for_best_model = self.metric_for_best_model.removeprefix("eval_")
        if self.metric_for_best_model not in SCORES and self.greater_is_better is None:
            raise ValueError(
                f"metric_for_best_model is {self.metric_for_best_model!r}, expected one of {list(SCORES)}; for a "
                "metric of your own, say by greater_is_better which scores are the better ones"
            )
        known = METRICS.get(self.metric_for_best_model)
        if known is not None and self.greater_is_better not in (None, known.higher_is_better):
            raise ValueError(
                f"greater_is_better is {self.greater_is_better}, but {known.name} is better the "
                f"{'higher' if known.higher_is_better else 'lower'} it is; leave it out"
            )
        methods = multiprocessing.get_all_start_methods()
        if self.dataloader_multiprocessing_context not in (None, *methods):
            raise ValueError(
                f"dataloader_multiprocessing_context is {self.dataloader_multiprocessing_context!r}, expected one of "
                f"{methods} on this system, or nothing"
            )
        require_ranges(self, RANGES)
        if self.max_steps != -1 and self.max_steps < 1:
            raise ValueError(
                f"max_steps is {self.max_steps}, expected at least 1, or -1 to train for num_train_epochs"
            )
        if self.ema_decay == 0:
            # An average that forgets all but the last step is no average.
            self.ema_decay = None
        check_combinations(self)
        if self.hub_strategy not in HUB_STRATEGIES:
            raise ValueError(f"hub_strategy is {self.hub_strategy!r}, expected one of {HUB_STRATEGIES}")

    def non_default(self) -> dict[str, Any]:
        """Return the arguments that differ from their defaults and have a part in the result, for a model card."""
        counted = [each for each in fields(self) if each.name not in NO_PART_IN_RESULT]
        defaults = {
            each.name: each.default if each.default_factory is MISSING else each.default_factory() for each in counted
        }
        return {name: getattr(self, name) for name in defaults if getattr(self, name) != defaults[name]}


def _checkpoint_to_resume(value: Any) -> str | None:
    """Return what `resume_from_checkpoint` means: None, "latest", or a folder.

    Args:
        value: None, a folder as text or path, or as transformers' Trainer has it: True for "latest", False for None.
            YAML and command lines may give these as words. A folder of such a name is written ./true.
    """
    word = str(value).lower()
    if value is None or word in ("false", "none"):
        return None
    return "latest" if word in ("true", "latest") else str(value)
