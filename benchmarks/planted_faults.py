# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Plant faults in labelled pictures, and see whether `check` names them and says nothing of the pictures as they are.

    python benchmarks/planted_faults.py                          # in renders that it makes, about two minutes
    python benchmarks/planted_faults.py --data frames.txt rooms/ # and in your own labelled folders or lists

For each fault: what `check` said of it, whether that is the fault, and whether the finding is gone once the fields
that it advises are set ("-": no field mends it). Copies with faults are written to a temporary folder.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from depth_anything_hf.data import open_source
from depth_anything_hf.data.checks.source_check import SourceCheck, check_source


SHIFT, FOV = 8, 90.0


@dataclass(frozen=True)
class Pair:
    """A picture, uint8 (H, W, 3), and its depth in metres, float32 (H, W): NaN without a value, inf sky."""

    image: np.ndarray
    depth: np.ndarray


@dataclass(frozen=True)
class Fault:
    """A fault: what is done to pairs and how labels are written, and what `check` has to say."""

    name: str
    code: str
    change: Callable[[list[Pair]], list[Pair]] = lambda pairs: pairs
    write: Callable[[Path, np.ndarray], Path] | None = None
    source: Mapping[str, Any] | None = None
    says: str = ""
    kind: str = "depth"


def write_npz(stem: Path, values: np.ndarray) -> Path:
    path = stem.with_suffix(".npz")
    np.savez_compressed(path, map=values.astype(np.float32))
    return path


def write_png(stem: Path, codes: np.ndarray) -> Path:
    path = stem.with_suffix(".png")
    cv2.imwrite(str(path), codes)
    return path


def millimetres(missing: int) -> Callable[[Path, np.ndarray], Path]:
    """Write whole millimetres; sky has no value, as in files of depth cameras."""

    def write(stem: Path, depth: np.ndarray) -> Path:
        codes = np.where(np.isfinite(depth), np.clip(depth * 1000, 1, 65000), missing)
        return write_png(stem, np.rint(codes).astype(np.uint16))

    return write


def floats(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path, np.ndarray], Path]:
    return lambda stem, depth: write_npz(stem, change(depth))


def labels(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[list[Pair]], list[Pair]]:
    return lambda pairs: [replace(pair, depth=np.ascontiguousarray(change(pair.depth))) for pair in pairs]


def pictures(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[list[Pair]], list[Pair]]:
    return lambda pairs: [replace(pair, image=np.ascontiguousarray(change(pair.image))) for pair in pairs]


def shifted(depth: np.ndarray) -> np.ndarray:
    moved = np.full_like(depth, np.nan)
    moved[:, SHIFT:] = depth[:, :-SHIFT]
    return moved


def of_others(pairs: list[Pair]) -> list[Pair]:
    """Give each picture the label of another one of its size, half of these away."""
    changed = list(pairs)
    for shape in {pair.depth.shape for pair in pairs}:
        places = [place for place, pair in enumerate(pairs) if pair.depth.shape == shape]
        for place, other in zip(places, np.roll(places, len(places) // 2), strict=True):
            changed[place] = replace(pairs[place], depth=pairs[other].depth)
    return changed


def with_copies(pairs: list[Pair]) -> list[Pair]:
    """Add copies of some pictures, darker, at another size and by JPEG."""
    copies = []
    for pair in pairs[:: max(2, len(pairs) // 3)]:
        height, width = pair.image.shape[:2]
        size = (round(width * 0.8), round(height * 0.8))
        small = cv2.resize(pair.image, size, interpolation=cv2.INTER_AREA)
        coded = cv2.imencode(".jpg", cv2.convertScaleAbs(small, alpha=0.9), [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
        copy = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
        copies.append(Pair(copy, cv2.resize(pair.depth, size, interpolation=cv2.INTER_NEAREST)))
    return [*pairs, *copies]


def half_empty(pairs: list[Pair]) -> list[Pair]:
    changed = []
    for place, pair in enumerate(pairs):
        depth = pair.depth.copy()
        if place % 2:
            depth[len(depth) // 2 :] = np.nan
        changed.append(replace(pair, depth=depth))
    return changed


def eight_bits(depth: np.ndarray) -> np.ndarray:
    largest = float(np.nanmax(np.where(np.isfinite(depth), depth, np.nan)))
    codes = np.maximum(np.rint(depth / largest * 255), 1)
    return np.where(np.isfinite(depth), codes * (largest / 255), depth)


def along_rays(depth: np.ndarray) -> np.ndarray:
    height, width = depth.shape
    focal = width / 2 / np.tan(np.radians(FOV) / 2)
    rows, columns = np.mgrid[:height, :width]
    squared = ((columns - (width - 1) / 2) ** 2 + (rows - (height - 1) / 2) ** 2) / focal**2
    distances: np.ndarray = depth * np.sqrt(1 + squared)
    return distances


def fill(value: float) -> Callable[[np.ndarray], np.ndarray]:
    """Write pixels without a value, and a corner of each label, as a number."""

    def change(depth: np.ndarray) -> np.ndarray:
        changed = np.where(np.isnan(depth), value, depth)
        changed[-len(depth) // 8 :, -len(depth) // 8 :] = value
        return changed

    return change


def sky_as(value: float) -> Callable[[np.ndarray], np.ndarray]:
    """Write the upper sixth of each label, as sky, as a number."""

    def change(depth: np.ndarray) -> np.ndarray:
        changed = np.where(np.isposinf(depth), value, depth)
        changed[: len(depth) // 6] = value
        return changed

    return change


FAULTS = (
    Fault("metres as they are", ""),
    Fault("blue and red exchanged (does not matter)", "", pictures(lambda image: image[..., ::-1])),
    Fault("millimetres read as metres", "unit", write=floats(lambda depth: np.rint(depth * 1000)), says="1000"),
    Fault("millimetres with scale 0.001", "unit", write=millimetres(0), source={"scale": 0.001}, says="1000"),
    Fault("centimetres read as metres", "unit", write=floats(lambda depth: np.rint(depth * 100)), says="100"),
    Fault("metres read with scale 1000", "unit", source={"scale": 1000.0}, says="1"),
    Fault("disparity read as depth", "kind", write=floats(lambda depth: 1 / depth), says="disparity"),
    Fault("depth read as disparity", "kind", kind="disparity", says="depth"),
    Fault("65535 is no value", "missing", labels(fill(np.nan)), millimetres(65535), {"scale": 1000.0}, "65535"),
    Fault("1e10 is no value", "missing", write=floats(fill(1e10)), says="10000000000"),
    Fault(
        "0 is no value, in disparity",
        "missing",
        labels(fill(np.nan)),
        floats(lambda depth: np.where(np.isnan(depth), 0, 100 / np.minimum(depth, 20))),
        kind="disparity",
        says="0",
    ),
    Fault("sky is 1000 m", "sky", write=floats(sky_as(1000.0)), says="1000"),
    Fault(f"labels {SHIFT} pixels to the right", "registration", labels(shifted), says=f"{SHIFT} pixels to the left"),
    Fault("labels mirrored", "registration", labels(np.fliplr), says="mirrored"),
    Fault("labels upside down", "registration", labels(lambda depth: np.rot90(depth, 2)), says="180"),
    Fault("labels turned by 90 degrees", "registration", labels(np.rot90), says="turned clockwise by 90"),
    Fault("labels of other pictures", "pairing", of_others),
    Fault("copies of pictures", "duplicates", with_copies),
    Fault("half of every second label is empty", "empty", half_empty, says="bottom"),
    Fault("8 bits", "levels", write=floats(eight_bits)),
    Fault("distances along rays, a lens of 90 degrees", "ray", write=floats(along_rays), says="geometry=ray"),
)


def read_pairs(spec: Any) -> list[Pair]:
    samples: Any = open_source(spec)
    items = (samples[index] for index in range(len(samples)))
    return [Pair(item["image"], item["depth"]) for item in items if "depth" in item]


def plant(pairs: list[Pair], fault: Fault, folder: Path) -> dict[str, Any]:
    """Write pairs with a fault as a text list, and return the source."""
    folder.mkdir()
    write = fault.write or write_npz
    lines = []
    with np.errstate(divide="ignore", invalid="ignore"):
        for place, pair in enumerate(fault.change(pairs)):
            picture = folder / f"{place:04}_rgb.png"
            cv2.imwrite(str(picture), cv2.cvtColor(pair.image, cv2.COLOR_RGB2BGR))
            lines.append(f"{picture} {write(folder / f'{place:04}_map', pair.depth)}")
    (folder / "pairs.txt").write_text("\n".join(lines) + "\n")
    return {"path": str(folder / "pairs.txt"), "kind": "folder", "label": fault.kind, **(fault.source or {})}


def judge(fault: Fault, check: SourceCheck) -> tuple[bool, str]:
    """Return whether the fault is named, and nothing else is; and what was said."""
    said = [f"{each.code} {describe(each.settings)}".strip() for each in check.findings]
    if not fault.code:
        return not check.findings, "; ".join(said) or "nothing"
    mine = [each for each in check.findings if each.code == fault.code]
    is_named = any(fault.says in f"{each.reason} {each.advice} {dict(each.settings)}" for each in mine)
    return is_named and len(mine) == len(check.findings), "; ".join(said) or "nothing"


def describe(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in settings.items())


def mend(spec: dict[str, Any], fault: Fault, check: SourceCheck) -> str:
    """Set the fields that the finding advises, and return whether it is gone."""
    settings = next((each.settings for each in check.findings if each.code == fault.code), {})
    if not settings:
        return "-"
    again = check_source({**spec, **settings}, samples=None)
    return "no" if any(each.code == fault.code for each in again.findings) else "yes"


def run(name: str, spec: Any, folder: Path) -> tuple[int, int]:
    pairs = read_pairs(spec)
    print(f"\n{name}: {len(pairs)} labelled pictures\n")
    print(f"{'fault':45} {'named':6} {'mended':7} what check says")
    right = count = 0
    for number, fault in enumerate(FAULTS):
        source = plant(pairs, fault, folder / str(number))
        check = check_source(source, samples=None)
        is_right, said = judge(fault, check)
        print(f"{fault.name:45} {'yes' if is_right else 'NO':6} {mend(source, fault, check):7} {said}", flush=True)
        right, count = right + is_right * bool(fault.code), count + bool(fault.code)
    print(f"\n{right} of {count} faults named rightly, with nothing else said")
    return right, count


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="*", default=[], help="labelled folders or lists, of depth in metres")
    parser.add_argument("--renders", type=Path, help="folder of renders, made if it is missing [temporary]")
    parser.add_argument("--count", type=int, default=24, help="renders; 0 makes none")
    parser.add_argument("--size", type=int, default=252, help="pixels of their sides")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as place:
        sources = [(each, {"path": each, "label": "depth", "kind": "folder"}) for each in arguments.data]
        if arguments.count:
            from depth_anything_hf.rendering.dataset import render_dataset

            renders = arguments.renders or Path(place, "renders")
            render_dataset(renders, count=arguments.count, height=arguments.size, width=arguments.size, processes=2)
            sources.insert(0, ("renders", {"path": str(renders), "label": "depth", "kind": "folder"}))
        for (name, spec), number in zip(sources, itertools.count()):
            folder = Path(place, str(number))
            folder.mkdir()
            run(name, spec, folder)


if __name__ == "__main__":
    main()
