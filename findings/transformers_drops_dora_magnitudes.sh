#!/usr/bin/env bash
# A DoRA adapter that transformers itself has saved comes back without its magnitudes. `model.add_adapter` with
# `use_dora=True` trains a magnitude vector for each layer; `save_pretrained` writes it into the adapter's file, and
# `load_adapter` of the same release looks for it under another name (`....lora_magnitude_vector.default.weight`, the
# file has no `.weight`). The loading report lists the vectors as unexpected and missing, and the model goes on with
# those of the untrained start: its output is another one than was saved. Peft itself, `PeftModel.from_pretrained`,
# reads the same folder right. Plain LoRA is not concerned.
#
# Versions: transformers 5.23.0, peft 0.21.2, torch 2.13.0, Python 3.11, CPU.
# Seen on 2026-11-28, Dinov2Model of 2 layers, DoRA on queries and values, 5 steps of SGD:
#   magnitude vectors in the saved file: 4
#   load_adapter: 4 of 4 vectors are not those that were saved; the output differs: True
#   PeftModel.from_pretrained: 0 of 4 vectors are not those that were saved; the output differs: False
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet torch==2.13.0
"$place/venv/bin/pip" install --quiet transformers==5.23.0 peft==0.21.2 accelerate==1.15.0
cd "$place"
HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error "$place/venv/bin/python" - <<'PYTHON'
import sys

import torch
from peft import LoraConfig, PeftModel
from safetensors.torch import load_file
from transformers import Dinov2Config, Dinov2Model


def magnitudes(model):
    """The DoRA vectors of a model by the layer that they belong to, whichever class is around it."""
    return {
        name.partition("encoder.")[2]: value for name, value in model.state_dict().items() if "magnitude" in name
    }


torch.manual_seed(0)
config = Dinov2Config(hidden_size=48, num_hidden_layers=2, num_attention_heads=3, image_size=56, patch_size=14)
Dinov2Model(config).save_pretrained("base")
pixels = torch.rand(1, 3, 56, 56)

trained = Dinov2Model.from_pretrained("base").eval()
trained.add_adapter(LoraConfig(r=4, target_modules=["q_proj", "v_proj"], use_dora=True))
optimizer = torch.optim.SGD([weight for weight in trained.parameters() if weight.requires_grad], lr=1.0)
for _ in range(5):
    loss = trained(pixels).last_hidden_state.square().mean() * 10
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
trained.eval().save_pretrained("adapter")
expected = magnitudes(trained)
stored = sum("magnitude" in name for name in load_file("adapter/adapter_model.safetensors"))
print("magnitude vectors in the saved file:", stored)

by_transformers = Dinov2Model.from_pretrained("base").eval()
by_transformers.load_adapter("adapter")
by_peft = PeftModel.from_pretrained(Dinov2Model.from_pretrained("base").eval(), "adapter").eval()
seen = []
with torch.no_grad():
    output = trained(pixels).last_hidden_state
    for title, model in (("load_adapter", by_transformers), ("PeftModel.from_pretrained", by_peft)):
        found = magnitudes(model)
        assert found.keys() == expected.keys(), (found.keys(), expected.keys())
        wrong = sum(not torch.equal(value, found[name]) for name, value in expected.items())
        differs = not torch.allclose(model(pixels).last_hidden_state, output, atol=1e-5)
        print(f"{title}: {wrong} of {len(expected)} vectors are not those that were saved; the output differs: {differs}")
        seen += [wrong, differs]
sys.exit(0 if [stored, *seen] == [4, 4, True, 0, False] else 1)
PYTHON
