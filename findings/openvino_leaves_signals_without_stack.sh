#!/usr/bin/env bash
# OpenVINO's plugin for CPUs gives the thread that loads it a stack of its own for signal handlers (`sigaltstack`), and
# takes it back when the Core and its compiled models are gone. Released in the thread that loaded it, the former stack
# is set again. Released in another one, as by a pool of workers or a garbage collection there, the memory is freed and
# the first thread keeps its address: Python, whose handlers ask for that stack, then ends by a segmentation fault at
# the next signal that it handles, SIGTERM of a batch system for one. One Core for all, held for as long as the process
# lives, avoids it. This script looks at the address alone and sends no signal.
#
# Versions: openvino 2026.4.1, Python 3.11, Linux with glibc 2.36.
# Seen on 2026-11-28, the stack of the main thread:
#   at first: none
#   plugin loaded: 11568 bytes, mapped
#   released in the main thread: none
#   released in another thread: 11568 bytes, not mapped
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet openvino==2026.4.1 numpy==2.4.6
cd "$place"
CI=true "$place/venv/bin/python" - <<'PYTHON'
import ctypes
import gc
import sys
import threading

import openvino


class Stack(ctypes.Structure):
    _fields_ = [("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


def stack():
    found = Stack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(found))
    if not found.address:
        return "none"
    with open("/proc/self/maps") as lines:
        ranges = [[int(side, 16) for side in line.split()[0].split("-")] for line in lines]
    mapped = any(low <= found.address < high for low, high in ranges)
    return f"{found.size} bytes, {'mapped' if mapped else 'not mapped'}"


def load():
    core = openvino.Core()
    core.get_property("CPU", "FULL_DEVICE_NAME")
    return core


def release_elsewhere(held):
    thread = threading.Thread(target=lambda: (held.clear(), gc.collect()))
    thread.start()
    thread.join()


seen = {"at first": stack()}
held = [load()]
seen["plugin loaded"] = stack()
held.clear()
gc.collect()
seen["released in the main thread"] = stack()
held = [load()]
release_elsewhere(held)
seen["released in another thread"] = stack()
print("openvino", openvino.__version__)
for title, found in seen.items():
    print(f"{title}: {found}")
first, loaded, here, elsewhere = seen.values()
as_seen = first == here == "none" and loaded.endswith(", mapped") and elsewhere.endswith("not mapped")
sys.exit(0 if as_seen else 1)
PYTHON
