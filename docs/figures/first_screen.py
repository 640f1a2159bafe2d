# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Draw the picture of the README's first screen with the models of a quickstart: scenes that it did not train on.

python docs/figures/first_screen.py runs/quickstart-long               # docs/pictures/quickstart.jpg
python docs/figures/first_screen.py runs/quickstart-long -o mine.jpg --views 3 14 40

A column is a held-out view; the views are spread over the ranks of the student's delta1, from its best to its median.
Images are rendered once more at a size that one likes to look at; the models see them at their own.
"""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq

from depth_anything_hf import DepthPredictor
from depth_anything_hf.data import DepthFolder
from depth_anything_hf.geometry import align_disparity, depth_to_disparity
from depth_anything_hf.rendering import render_dataset
from depth_anything_hf.utils.quiet import quiet_libraries
from depth_anything_hf.visualization import colour_map, encode_jpeg, sheet


OUTPUT = Path(__file__).parents[1] / "pictures" / "quickstart.jpg"
# As `examples/quickstart` renders and scores its held-out scenes.
FIRST_SCENE, VIEWS_PER_SCENE, SEED = 100000, 3, 0
MIN_DEPTH, MAX_DEPTH = 0.1, 30.0
RENDERED_PIXELS, CELL_PIXELS = 480, 160
COLUMNS = 6
JPEG_QUALITY = 90
DEPTH_COLOURS = "inferno"
ROLES = ("teacher", "student")
TITLES = ("image", "truth", *ROLES)
TITLE_PIXELS = 24


def spread_views(run: Path, count: int = COLUMNS) -> list[int]:
    """Return the views of other scenes each, of evenly spread ranks between the best and the median of the student."""
    scores = pq.read_table(run / "scores" / "student" / "per_image.parquet", columns=["delta1"])
    delta1 = np.array(scores["delta1"])
    ranked = np.argsort(-delta1, kind="stable")
    wanted = np.linspace(0, len(ranked) // 2, count)
    chosen: list[int] = []
    for place in wanted:
        others = [rank for rank in range(len(ranked)) if _scene(ranked[rank]) not in map(_scene, chosen)]
        chosen.append(int(ranked[min(others, key=lambda rank: abs(rank - place))]))
    return chosen


def _scene(view: int) -> int:
    return int(view) // VIEWS_PER_SCENE


def column(sample: dict[str, Any], models: Sequence[DepthPredictor]) -> list[np.ndarray]:
    """Return image, truth, and the predictions of the models in the colours of the truth, aligned to it."""
    image, depth = sample["image"], sample["depth"]
    limits = [float(value) for value in np.nanpercentile(depth_to_disparity(depth), (1, 99))]
    counted = np.isfinite(depth) & (depth >= MIN_DEPTH) & (depth <= MAX_DEPTH)
    cells = [image, colour_map(depth_to_disparity(depth), *limits, name=DEPTH_COLOURS)]
    for model in models:
        aligned, _ = align_disparity(model.predict(image), depth, counted, MIN_DEPTH, MAX_DEPTH)
        cells.append(colour_map(depth_to_disparity(aligned), *limits, name=DEPTH_COLOURS))
    return [cv2.resize(cell, (CELL_PIXELS, CELL_PIXELS), interpolation=cv2.INTER_AREA) for cell in cells]


def title(text: str) -> np.ndarray:
    """Return a strip with a text that reads upwards."""
    strip = np.full((TITLE_PIXELS, CELL_PIXELS, 3), 255, dtype=np.uint8)
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
    place = ((CELL_PIXELS - width) // 2, TITLE_PIXELS - 8)
    cv2.putText(strip, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return cv2.rotate(strip, cv2.ROTATE_90_COUNTERCLOCKWISE)


def render_again(view: int, pixels: int = RENDERED_PIXELS) -> dict[str, Any]:
    """Return a held-out view at another size: image, and depth in metres."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "scene"
        render_dataset(
            folder,
            count=VIEWS_PER_SCENE,
            height=pixels,
            width=pixels,
            family="hazy-rooms",
            haze=True,
            seed=SEED,
            first_scene=FIRST_SCENE + _scene(view),
            views_per_scene=VIEWS_PER_SCENE,
        )
        return DepthFolder(folder, "depth")[view % VIEWS_PER_SCENE]


def draw(run: Path, views: Sequence[int], pixels: int = RENDERED_PIXELS) -> np.ndarray:
    """Return the picture, uint8 (H, W, 3) RGB."""
    models = [DepthPredictor.from_pretrained(run / role) for role in ROLES]
    columns = [column(render_again(view, pixels), models) for view in views]
    return sheet([[title(text), *row] for text, row in zip(TITLES, zip(*columns, strict=True), strict=True)])


def main() -> None:
    """Draw the picture of a run, and say which views it shows."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a quickstart run that has finished")
    parser.add_argument("-o", "--output", type=Path, default=OUTPUT, help="a JPEG file; default: docs/pictures")
    parser.add_argument("--views", type=int, nargs="+", help="numbers of held-out views; default: spread by rank")
    arguments = parser.parse_args()
    quiet_libraries()
    views = arguments.views or spread_views(arguments.run)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_bytes(encode_jpeg(draw(arguments.run, views), JPEG_QUALITY))
    print(f"views {' '.join(map(str, views))} in {arguments.output}")


if __name__ == "__main__":
    main()
