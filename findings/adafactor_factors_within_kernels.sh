#!/usr/bin/env bash
# Adafactor is chosen for its small state: of a linear layer it keeps the means of squared gradients over rows and over
# columns, a fraction of a percent of the weights. Both transformers' class (the Trainer's `optim="adafactor"`) and
# torch's own take the last two dimensions of a tensor for rows and columns, whatever they are. Those of a convolution
# are the height and width of its kernel, so that of 3 x 3 the state has two thirds of the kernel's size, and of 1 x 1
# twice its size, as much as both moments of AdamW. The decoder of Depth Anything (DPT) is made of such kernels. Taken
# as a matrix of outputs and all of their inputs, the same numbers need next to nothing.
#
# Versions: transformers 5.23.0, torch 2.13.0, Python 3.11, CPU.
# Seen on 2026-11-28, elements of the state after one step, the same from both classes; AdamW would have two for each
# weight:
#   linear, 2,304 to 256:                      589,824 weights, 2,560 of state (0.4 %)
#   convolution 3 x 3, 256 to 256:             589,824 weights, 393,216 of state (66.7 %)
#   the same kernel viewed as (256, 2304):     589,824 weights, 2,560 of state (0.4 %)
#   convolution 1 x 1, 256 to 256:             65,536 weights, 131,072 of state (200.0 %)
#   encoder of Depth Anything Small:           22,056,576 weights, 187,996 of state (0.9 %)
#   decoder of Depth Anything Small:           2,728,513 weights, 2,216,545 of state (81.2 %)
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet torch==2.13.0
"$place/venv/bin/pip" install --quiet transformers==5.23.0
cd "$place"
HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error "$place/venv/bin/python" - <<'PYTHON'
import sys

import torch
import transformers
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config
from transformers.optimization import Adafactor


def by_transformers(weights):
    # As the Trainer sets it.
    return Adafactor(weights, lr=1e-4, scale_parameter=False, relative_step=False)


def by_torch(weights):
    return torch.optim.Adafactor(weights, lr=1e-4)


def count(optimizer_of, weights):
    """Elements of the weights and of their state; counters and other single numbers are left out."""
    weights = [torch.nn.Parameter(weight.detach().clone()) for weight in weights]
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    optimizer = optimizer_of(weights)
    optimizer.step()
    kept = [value for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value)]
    return sum(weight.numel() for weight in weights), sum(value.numel() for value in kept if value.ndim)


kernel = torch.nn.Conv2d(256, 256, 3).weight
encoder = Dinov2Config(
    hidden_size=384, num_hidden_layers=12, num_attention_heads=6, image_size=518, patch_size=14, reshape_hidden_states=False,
    out_features=["stage3", "stage6", "stage9", "stage12"], apply_layernorm=True,
)  # fmt: skip
model = DepthAnythingForDepthEstimation(
    DepthAnythingConfig(backbone_config=encoder, reassemble_hidden_size=384, neck_hidden_sizes=[48, 96, 192, 384])
)
cases = {
    "linear": [torch.nn.Linear(2304, 256).weight],
    "convolution 3 x 3": [kernel],
    "the same as a matrix": [kernel.flatten(1)],
    "convolution 1 x 1": [torch.nn.Conv2d(256, 256, 1).weight],
    "encoder": list(model.backbone.parameters()),
    "decoder": [*model.neck.parameters(), *model.head.parameters()],
}
print("transformers", transformers.__version__, "torch", torch.__version__)
seen = {"transformers": [], "torch": []}
for title, weights in cases.items():
    for name, optimizer_of in (("transformers", by_transformers), ("torch", by_torch)):
        size, state = count(optimizer_of, weights)
        print(f"{title}, {name}: {size:,} weights, {state:,} of state ({100 * state / size:.1f} %)")
        seen[name].append((size, state))
expected = [(589824, 2560), (589824, 393216), (589824, 2560), (65536, 131072)]
expected += [(22056576, 187996), (2728513, 2216545)]
sys.exit(0 if seen["transformers"] == seen["torch"] == expected else 1)
PYTHON
