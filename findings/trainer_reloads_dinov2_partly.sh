#!/usr/bin/env bash
# transformers' Trainer loads its own checkpoints of a DINOv2 model only in part. The class keeps its attention weights
# under new names in memory (`attention.q_proj`) and writes the published ones to the file
# (`attention.attention.query`); `from_pretrained` renames, `Trainer` does not: it loads the file as it is, not
# strictly. After `train(resume_from_checkpoint=...)` all attention weights have the values of the fresh model, and
# `load_best_model_at_end` returns a mixture of two steps. A log line names missing keys; the run ends well.
#
# Versions: transformers 5.23.0, torch 2.13.0, accelerate 1.15.0, Python 3.11, CPU.
# Seen on 2026-11-28, with Dinov2ForImageClassification of 2 layers, 4 steps, a checkpoint after 2:
#   tensors of checkpoint-2 that from_pretrained does not give back: 0 of 45
#   tensors that differ from checkpoint-2 when the resumed run begins: 16 of 45, all in `attention`
#   tensors of the model returned by load_best_model_at_end that are not those of the best step: 16 of 45
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet torch==2.13.0
"$place/venv/bin/pip" install --quiet transformers==5.23.0 accelerate==1.15.0
cd "$place"
HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error "$place/venv/bin/python" - <<'PYTHON'
import sys

import torch
import transformers
from transformers import Dinov2Config, Dinov2ForImageClassification, Trainer, TrainerCallback, TrainingArguments


class Images(torch.utils.data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        numbers = torch.Generator().manual_seed(index)
        return {"pixel_values": torch.rand(3, 56, 56, generator=numbers), "labels": index % 2}


class Keep(TrainerCallback):
    """Copies of the weights at the beginning and at each save."""

    def __init__(self):
        self.begin, self.saved = {}, {}

    def on_train_begin(self, args, state, control, model=None, **others):
        self.begin = copy_of(model)

    def on_save(self, args, state, control, model=None, **others):
        self.saved[state.global_step] = copy_of(model)


def copy_of(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def model():
    torch.manual_seed(0)
    config = Dinov2Config(
        hidden_size=48, num_hidden_layers=2, num_attention_heads=3, image_size=56, patch_size=14, num_labels=2
    )
    return Dinov2ForImageClassification(config)


def trainer(folder, keep, **options):
    arguments = TrainingArguments(
        output_dir=folder, max_steps=4, save_steps=2, per_device_train_batch_size=2, learning_rate=1e-2,
        lr_scheduler_type="constant", report_to="none", use_cpu=True, disable_tqdm=True, **options,
    )  # fmt: skip
    return Trainer(model=model(), args=arguments, train_dataset=Images(), eval_dataset=Images(), callbacks=[keep])


def other(a, b):
    return [name for name in a if not torch.equal(a[name], b[name])]


print("transformers", transformers.__version__, "torch", torch.__version__)
first = Keep()
trainer("run", first).train()
reloaded = copy_of(Dinov2ForImageClassification.from_pretrained("run/checkpoint-2"))
again = Keep()
trainer("run", again).train(resume_from_checkpoint="run/checkpoint-2")
resumed = other(again.begin, first.saved[2])

best = Keep()
chooser = trainer(
    "best", best, eval_strategy="steps", eval_steps=2, load_best_model_at_end=True, metric_for_best_model="eval_step",
    greater_is_better=False,
)  # fmt: skip
measure = chooser.evaluate
# A score that makes step 2 the best one, whatever the losses are.
chooser.evaluate = lambda *args, **options: {**measure(*args, **options), "eval_step": chooser.state.global_step}
chooser.train()
returned = other(copy_of(chooser.model), best.saved[2])

count = len(reloaded)
print("not given back by from_pretrained:", len(other(reloaded, first.saved[2])), "of", count)
print("other than checkpoint-2 when the resumed run begins:", len(resumed), "of", count, resumed[:2])
print("returned by load_best_model_at_end, not of the best step:", len(returned), "of", count)
as_before = (
    not other(reloaded, first.saved[2])
    and len(resumed) == len(returned) == 16
    and all(".attention." in name for name in resumed + returned)
)
sys.exit(0 if as_before else 1)
PYTHON
