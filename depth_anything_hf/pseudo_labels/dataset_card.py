# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The card of a dataset of pseudo-labels: which teacher made them, how they are encoded, under which license."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
from huggingface_hub import DatasetCardData

from ..data.decoding.disparity_codec import decode_disparity
from ..data.decoding.label_masks import MASK_BITS, MASK_MEANINGS, MASK_NAMES
from ..hub.licenses import check_known_license, license_fields, published_license, strictest_license
from ..hub.markdown import code_block, code_span, inline, kept_section, python_text, table, versions
from ..utils.card_pictures import PICTURES_FOLDER, is_shown_by_card
from ..utils.files import atomic_write
from ..utils.messages import counted
from ..utils.outputs import refuse_to_replace
from ..utils.paths import local_path
from ..utils.printable_names import printable_text
from ..utils.redaction import is_hub_id, redact_name, redact_text
from ..visualization.colour_maps import colour_map
from ..visualization.encode import encode_png, png_texts
from ..visualization.figures import sheet
from .provenance import PROVENANCE_FILE, SCALE_TEACHER, SKY_TEACHER, TEACHERS, read_provenance, under_todays_keys
from .shards import SHARD_PATTERN, read_summary


SAMPLES = 6
SAMPLE_HEIGHT_PIXELS = 160
# Keyword of the text in that picture.
MARK = "depth_anything_hf.card"
SAMPLES_FILE = f"{PICTURES_FOLDER}/samples.png"
# The Hub's categories: fewer rows than the key.
SIZE_CATEGORIES = {
    10**3: "n<1K",
    10**4: "1K<n<10K",
    10**5: "10K<n<100K",
    10**6: "100K<n<1M",
    10**7: "1M<n<10M",
    10**8: "10M<n<100M",
    10**9: "100M<n<1B",
    10**10: "1B<n<10B",
    10**11: "10B<n<100B",
    10**12: "100B<n<1T",
}
LARGEST_CATEGORY = "n>1T"

SNIPPET = """\
import cv2
import datasets
import numpy as np

rows = datasets.load_dataset({name}, split="train", streaming=True)
row = next(iter(rows.cast_column("disparity", datasets.Image(decode=False))))
code = cv2.imdecode(np.frombuffer(row["disparity"]["bytes"], np.uint8), cv2.IMREAD_UNCHANGED).astype(float)
low, high = row["disparity_minimum"], row["disparity_maximum"]
disparity = np.where(code == 0, np.nan, {formula})  # (H, W), larger = nearer
"""
FORMULAS = {
    "linear": "low + (code - 1) * (high - low) / 65534",
    "log": "np.where(code == 1, 0, low * np.exp((code - 2) * np.log(high / low) / 65533))",
}
ENCODING_TEXT = {
    "linear": (
        "Codes 1 to 65535 run in equal steps from `disparity_minimum` to `disparity_maximum`:\n\n"
        "    disparity = minimum + (code - 1) * (maximum - minimum) / 65534"
    ),
    "log": (
        "Code 1 is disparity 0 (sky); codes 2 to 65535 run in equal ratios from `disparity_minimum` to "
        "`disparity_maximum`:\n\n    disparity = minimum * exp((code - 2) * ln(maximum / minimum) / 65533)"
    ),
}
COLUMNS: tuple[tuple[str, str], ...] = (
    ("image", "the photograph as it came, encoded; or, where images are kept by reference, its path or URL"),
    ("disparity", "the label, a 16-bit grey PNG"),
    ("disparity_minimum, disparity_maximum", "range of the codes of this label"),
    ("disparity_encoding", "linear or log"),
    ("name", "path of the photograph within its dataset"),
    ("source_row", "its row there"),
    ("width, height", "pixels"),
)
UNIT_COLUMNS = (("disparity_unit", "1/m: the inverse of the label is depth along the optical axis in metres"),)
FIT_COLUMNS = (
    ("fit_scale, fit_shift", "label = fit_scale * disparity of the teacher + fit_shift; null without a fit"),
    ("fit_inliers", "share of the pixels used whose relative residual is within the tolerance"),
    ("fit_residual", "median relative residual over the pixels used, null without a fit"),
    ("fit_ok", "false: the two teachers do not fit, and the label is the scale teacher's own prediction"),
)
MASKS_TEXT = (
    "`masks` is an 8-bit grey PNG in the size of the label, of which each bit is one mask; `sky_share` and so on are "
    "the shares of masked pixels, null for a mask that was not made. `depth_anything_hf.data.decoding.label_masks` "
    "decodes it."
)


def write_label_card(
    folder: str | Path,
    *,
    title: str,
    repo_id: str | None = None,
    image_license: str | None = None,
    teacher_license: str | None = None,
    scale_teacher_license: str | None = None,
    sky_teacher_license: str | None = None,
) -> Path:
    """Write `README.md` and a sheet of sample pictures into a folder of pseudo-labels.

    The card's `configs` entry lets `datasets.load_dataset` find the shards. Own text between the keep markers of an
    older card survives.

    Args:
        folder: as `label_images` left it.
        title: heading.
        repo_id: dataset on the Hub that the snippet names; None: the folder's own name.
        image_license: of the photographs; None is stated as unknown.
        teacher_license: of the teacher; None takes that of well-known teachers, else it is stated as unknown.
        scale_teacher_license: of the teacher whose scale the labels have, where there is one; likewise.
        sky_teacher_license: of the model that found the sky, where there is one; likewise.

    Returns:
        The path of the card.

    Raises:
        FileNotFoundError: the folder holds no labels, or no `provenance.json`.
        FileExistsError: another picture has the name of that of the samples.
        ValueError: a license contradicts that under which the teacher is published.
    """
    folder, title = local_path(folder), redact_text(title)
    shards = sorted(folder.glob(SHARD_PATTERN))
    if not shards or not (folder / PROVENANCE_FILE).is_file():
        raise FileNotFoundError(
            f"{folder} holds no pseudo-labels: expected {SHARD_PATTERN} and {PROVENANCE_FILE}; make them with "
            "`depth-anything-hf pseudo-label`"
        )
    check_samples_file(folder)
    provenance = read_provenance(folder)
    encoding = provenance.get("encoding", "linear")
    footers = [under_todays_keys(summary.provenance) for path in shards if (summary := read_summary(path)) is not None]
    licenses = {"teacher": teacher_license, SCALE_TEACHER: scale_teacher_license, SKY_TEACHER: sky_teacher_license}
    teachers = {part: _told(part, provenance, footers) for part in TEACHERS}
    teachers["teacher"] = teachers["teacher"] or ["not recorded"]
    for part, names in teachers.items():
        for name in names:
            check_known_license(part, name, licenses[part])
    teacher_licenses = [
        (part.replace("_", " "), licenses[part] or published_license(name))
        for part, names in teachers.items()
        for name in names
    ]
    found_license = strictest_license([("photographs", image_license), *teacher_licenses])
    rows = sum(pq.read_metadata(shard).num_rows for shard in shards)
    size_bytes = sum(shard.stat().st_size for shard in shards)
    samples = _write_samples(folder, shards)
    data = DatasetCardData(
        **license_fields(found_license.name, (folder / "LICENSE").exists()),
        pretty_name=title,
        task_categories=["depth-estimation"],
        size_categories=[_size_category(rows)],
        source_datasets=[provenance["data"]] if is_hub_id(provenance.get("data")) else None,
        tags=["depth", "pseudo-labels", "depth-anything", "depth_anything_hf"],
        configs=[{"config_name": "default", "data_files": [{"split": "train", "path": SHARD_PATTERN}]}],
    )
    counts = [("labels", rows), ("shards", len(shards)), ("bytes", size_bytes)]
    origin = [
        (key, redact_text(_values_in_shards(key, value, footers)))
        for key, value in provenance.items()
        if not key.endswith("weights_sha256")
    ]
    hashes = [
        (f"{part} {file}" if part else file, digest)
        for part in ("", SCALE_TEACHER, SKY_TEACHER)
        for file, digest in (provenance.get(f"{part}_weights_sha256" if part else "weights_sha256") or {}).items()
    ]
    snippet = SNIPPET.format(name=python_text(repo_id or folder.resolve().name), formula=FORMULAS[encoding])
    path = folder / "README.md"
    earlier = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
    sections = [
        f"# {inline(title)}",
        f"Disparity that the teacher {_teacher_words(teachers['teacher'], provenance)} predicted for photographs, to "
        f"train students on.{_scale_words(teachers[SCALE_TEACHER], provenance)} No person has checked the labels. "
        "Made with `depth_anything_hf`.",
        *([f"![Photographs and their labels, bright is near]({SAMPLES_FILE})"] if samples else []),
        "## Size\n\n" + table(("What", "Count"), counts),
        "## Encoding\n\nLarger disparity is nearer. Code 0 is a pixel without a label. " + ENCODING_TEXT[encoding],
        "## Columns\n\n"
        + table(("Column", "Content"), [(f"`{name}`", words) for name, words in _columns(provenance)]),
        *_mask_sections(provenance),
        "## How to use it\n\n" + code_block(snippet, "python"),
        "`depth_anything_hf.data.open_source` and the recipes of `depth_anything_hf` decode it by themselves.",
        "## Origin\n\n" + table(("Setting", "Value"), [*origin, *((f"sha256 of {file}", h) for file, h in hashes)]),
        "## Licenses\n\n"
        + table(
            ("Part", "License"),
            [
                (part, redact_name(name or "unknown"))
                for part, name in (("photographs", image_license), *teacher_licenses)
            ],
        )
        + f"\n\n{inline(redact_text(found_license.sentences('this dataset')))}",
        "## Versions\n\n" + table(("Package", "Version"), versions()),
        kept_section(earlier),
    ]
    text = f"---\n{data.to_yaml()}\n---\n\n" + "\n\n".join(sections) + "\n"
    atomic_write(path, printable_text(text))
    return path


def check_samples_file(folder: Path) -> None:
    """Check that the card's pictures replace nothing of the user's.

    Raises:
        FileExistsError: another picture has the name of that of the samples.
    """
    path = folder / SAMPLES_FILE
    if os.path.lexists(path) and not _is_own_sheet(path):
        refuse_to_replace([path], "move it away")


def _is_own_sheet(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    # Earlier versions wrote no text into the picture; a run that was killed has not written the card.
    return is_shown_by_card(path) or MARK in png_texts(path)


def _values_in_shards(key: str, value: Any, footers: list[dict[str, Any]]) -> str:
    """Return the value of an entry; where shards differ in it, all values with the number of shards."""
    found = Counter(_words(footer[key]) for footer in footers if key in footer)
    if len(found) < 2:
        return _words(value)
    return ", ".join(f"{words} ({counted(count, 'shard')})" for words, count in found.most_common())


def _teacher_words(teachers: list[str], provenance: dict[str, Any]) -> str:
    if len(teachers) > 1:
        return " or ".join(code_span(redact_name(teacher)) for teacher in teachers) + " (shards differ)"
    (teacher,) = teachers
    revision = f" (revision {provenance['revision']})" if provenance.get("revision") else ""
    return f"{code_span(redact_name(teacher))}{revision}"


def _told(part: str, provenance: dict[str, Any], footers: list[dict[str, Any]]) -> list[str]:
    """Return the names of the models that had a part in the labels, by the shards, else by the provenance."""
    told = [footer[part] for footer in footers if footer.get(part)]
    return list(dict.fromkeys(told)) or [name for name in (provenance.get(part),) if name]


def _scale_words(teachers: list[str], provenance: dict[str, Any]) -> str:
    if not teachers:
        return ""
    revision = {"revision": provenance.get(f"{SCALE_TEACHER}_revision")}
    what = "metres" if provenance.get("disparity_unit") else "own scale"
    words = _teacher_words(teachers, revision)
    return f" For each photograph it is fitted to the scale teacher {words}, whose {what} it has."


def _columns(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    further = UNIT_COLUMNS if "disparity_unit" in provenance else ()
    return [*COLUMNS, *further, *(FIT_COLUMNS if "fit" in provenance else ())]


def _mask_sections(provenance: dict[str, Any]) -> list[str]:
    made = provenance.get("masks") or []
    thresholds = provenance.get("mask_thresholds") or {}
    rows = [
        (f"`{name}`", MASK_BITS[name], MASK_MEANINGS[name], "" if thresholds.get(name) is None else thresholds[name])
        for name in MASK_NAMES
        if name in made
    ]
    return (
        ["## Masks\n\n" + MASKS_TEXT + "\n\n" + table(("Mask", "Value", "Set where", "Threshold"), rows)]
        if rows
        else []
    )


def _words(value: Any) -> str:
    return redact_name(value) if isinstance(value, str) else json.dumps(value)


def _size_category(rows: int) -> str:
    return next((name for limit, name in SIZE_CATEGORIES.items() if rows < limit), LARGEST_CATEGORY)


def _write_samples(folder: Path, shards: list[Path]) -> bool:
    """Write a sheet of photographs above their labels; return False if the photographs are not in the shards."""
    pictures, labels = [], []
    for shard in shards:
        with pq.ParquetFile(shard) as file:
            for batch in file.iter_batches(batch_size=1):
                row = batch.to_pylist()[0]
                content = row["image"].get("bytes") if isinstance(row["image"], dict) else None
                picture = None if content is None else cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
                if picture is None:
                    break
                disparity = decode_disparity(
                    row["disparity"]["bytes"],
                    row["disparity_minimum"],
                    row["disparity_maximum"],
                    row["disparity_encoding"],
                )
                pictures.append(picture[..., ::-1])
                labels.append(colour_map(disparity))
                if len(pictures) == SAMPLES:
                    break
        if len(pictures) == SAMPLES:
            break
    if pictures:
        atomic_write(
            folder / SAMPLES_FILE, encode_png(sheet([pictures, labels], SAMPLE_HEIGHT_PIXELS), {MARK: "samples"})
        )
    return bool(pictures)
