# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Draw the gallery of failures with a model, one picture each: image, truth, prediction, error, and numbers in words.

python docs/figures/failures.py runs/quickstart-quick/teacher                   # into docs/pictures/failures
python docs/figures/failures.py depth-anything/Depth-Anything-V2-Small-hf -o mine/ --only mirror glass
python docs/figures/failures.py MODEL --metric_model METRIC                     # the pair of lenses in metres too
"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import failure_scenes as scenes
import numpy as np
from failure_panels import (
    DEPTH_COLOURS,
    Gallery,
    abs_rel,
    aligned,
    cell,
    confidence_cell,
    depth_cell,
    figure,
    inverse,
    judged,
    limits_of,
    metres,
    metres_cell,
    variants,
)
from failure_scenes import CAMERA, Opening, photograph, room

from depth_anything_hf import DepthPredictor
from depth_anything_hf.geometry import CameraIntrinsics, fit_scale_and_shift, undistort
from depth_anything_hf.rendering import View
from depth_anything_hf.utils.quiet import quiet_libraries
from depth_anything_hf.visualization import Curve, colour_map, encode_jpeg, line_chart, side_by_side, stack


OUTPUT = Path(__file__).parents[1] / "pictures" / "failures"
JPEG_QUALITY = 82
SIDE = 280


def size(gallery: Gallery) -> np.ndarray:
    """A room and one three times as large, in air three times as clear: the same picture."""
    things, factor = room() + scenes.furniture(), 3.0
    small = photograph(things, side=SIDE)
    x, y, z = (factor * part for part in CAMERA.position)
    camera = replace(CAMERA, position=(x, y, z))
    large = photograph(
        [thing.scaled(factor) for thing in things],
        camera,
        SIDE,
        haze_per_metre=scenes.HAZE_PER_METRE / factor,
        repeats_of=1 / factor,
    )
    difference = np.abs(small.image.astype(int) - large.image).mean()
    cells = [cell(small.image, "room of 6 m"), metres_cell(small.depth, "its depth")]
    cells += [cell(large.image, "room of 18 m"), metres_cell(large.depth, "its depth")]
    cells.append(depth_cell(aligned(gallery.predict(small.image), small.depth), small.depth, "both predictions"))
    return figure(([f"One picture, two sizes: the images differ by {difference:.1f} of 255 in the mean"], cells))


def shift(gallery: Gallery) -> np.ndarray:
    """Depth along a row of the picture: of the disparity without its shift, and calibrated at five points."""
    view = photograph(room() + scenes.furniture(), side=SIDE)
    disparity, line = gallery.predict(view.image), round(0.6 * SIDE)
    true, own = view.depth[line], disparity[line].astype(np.float64)
    points = np.linspace(0.04, 0.96, 5) * (SIDE - 1)
    columns = np.rint(points).astype(int)
    scale, offset = fit_scale_and_shift(own[columns], 1 / true[columns], np.ones(5, dtype=bool))
    guessed = np.median(true) * np.median(own) / np.maximum(own, 1e-6)
    places = np.arange(SIDE, dtype=np.float64)
    curves = [
        Curve("truth", places, true),
        Curve("1 / disparity, scaled by the median", places, np.minimum(guessed, 3 * true.max())),
        Curve("calibrated at five points", places, np.minimum(metres(scale * own + offset), 3 * true.max())),
    ]
    chart = line_chart(
        curves, title="Metres along the marked row", x_label="column", may_be_logarithmic=False, size=(300, 560)
    )
    marked = view.image.copy()
    marked[line - 1 : line + 1] = (255, 255, 255)
    for column in columns:
        cv2.circle(marked, (int(column), line), 5, (0, 0, 0), cv2.FILLED, cv2.LINE_AA)
        cv2.circle(marked, (int(column), line), 3, (255, 255, 255), cv2.FILLED, cv2.LINE_AA)
    return figure((["Without the shift, walls bend and distances are wrong"], [marked, chart]))


def flicker(gallery: Gallery) -> np.ndarray:
    """A pan of 24 frames: each with its own fit, and all with that of the first."""
    things = room() + scenes.furniture()
    views = []
    for frame in range(24):
        camera = replace(CAMERA, yaw_degrees=CAMERA.yaw_degrees + 36 * np.sin(2 * np.pi * frame / 24))
        views.append(photograph(things, camera, SIDE // 2))
    disparities = [gallery.predict(view.image) for view in views]
    fits = [
        fit_scale_and_shift(each, 1 / view.depth, np.isfinite(view.depth))
        for each, view in zip(disparities, views, strict=True)
    ]

    def errors(chosen: Sequence[tuple[float, float]]) -> list[float]:
        return [
            abs_rel(scale * each + offset, view.depth)
            for (scale, offset), each, view in zip(chosen, disparities, views, strict=True)
        ]

    frames = [float(frame) for frame in range(24)]
    curves = [
        Curve("each frame's own scale and shift", frames, errors(fits)),
        Curve("those of the first frame", frames, errors([fits[0]] * 24)),
    ]
    chart = line_chart(curves, title="AbsRel", x_label="frame", may_be_logarithmic=False, size=(220, 420))
    scales = [scale / fits[0][0] for scale, _ in fits]
    words = f"One room, a pan: the scale that fits a frame is {min(scales):.2f} to {max(scales):.2f} times the first's"
    shown = [cell(views[frame].image, f"frame {frame}") for frame in (0, 6, 18)]
    return figure(([words], [*shown, chart]))


def mirror(gallery: Gallery) -> np.ndarray:
    """A mirror on the wall ahead: its true depth is that of the glass."""
    opening, place = Opening(-1.5, 1.3, 0.5, 2.4), 3.9
    around = [*room(None), *scenes.furniture()[:2], *scenes.wall_around(opening, place, "noise")]
    in_front = [thing for thing in around if thing.middle[1] < place]
    seen = photograph([*around, *(thing.mirrored(place) for thing in in_front)], side=SIDE)
    glass = photograph([*around, opening.filled(place, "plain")], side=SIDE)
    return _two_readings(gallery, View(seen.image, glass.depth, seen.intrinsics), seen.depth, "mirror", "the mirror")


def glass(gallery: Gallery) -> np.ndarray:
    """A pane across half of the room: a tenth of what is seen in it is its reflection."""
    opening, place = Opening(-2.2, 0.9, 0.05, 2.9), 3.4
    around = [*room(), *scenes.furniture(), *scenes.wall_around(opening, place, "plain")]
    behind = photograph(around, side=SIDE)
    in_front = [thing for thing in around if thing.middle[1] < place]
    reflected = photograph([*in_front, *(thing.mirrored(place) for thing in in_front)], side=SIDE)
    pane = photograph([*around, opening.filled(place, "plain")], side=SIDE)
    is_pane = np.abs(behind.depth - pane.depth) > 0.02
    mixed = np.where(is_pane[..., None], 0.9 * behind.image + 0.1 * reflected.image, behind.image)
    view = View(np.rint(mixed).astype(np.uint8), pane.depth, behind.intrinsics)
    return _two_readings(gallery, view, behind.depth, "glass", "the pane")


def _two_readings(gallery: Gallery, view: View, other: np.ndarray, name: str, surface: str) -> np.ndarray:
    """Judge a view whose surface may be read in two ways, by the scale and shift of what lies around it."""
    inside = np.abs(view.depth - other) > 0.02
    cells, fitted = judged(gallery, view, ~inside)
    cells.insert(2, depth_cell(inverse(other), view.depth, "what is seen"))
    confidence = gallery.disparity_and_confidence(view.image)[1]
    lines = [
        f"Medians within {surface}: the {name} {np.median(view.depth[inside]):.1f} m, what is seen "
        f"{np.median(other[inside]):.1f} m, predicted {np.median(metres(fitted[inside])):.1f} m; "
        f"{_beside(view, fitted, inside)}",
        f"Mean confidence within {confidence[inside].mean():.2f}, around {confidence[~inside].mean():.2f}",
    ]
    return figure((lines, cells))


def _beside(view: View, fitted: np.ndarray, inside: np.ndarray) -> str:
    """Say what is predicted beside a surface, of pixels as far away as it is."""
    beside = ~inside & (np.abs(view.depth / np.median(view.depth[inside]) - 1) < 0.08)
    return f"beside it {np.median(view.depth[beside]):.1f} m, predicted {np.median(metres(fitted[beside])):.1f} m"


def poster(gallery: Gallery) -> np.ndarray:
    """A poster of another room, and a screen that shines: both are flat."""
    opening, place = Opening(-1.4, 1.2, 0.6, 2.3), 3.9
    shown = photograph(
        room("stripes", surfaces=("checker", "wood")) + scenes.furniture(),
        replace(CAMERA, position=(-0.6, -0.6, 1.3), yaw_degrees=10),
        SIDE,
    ).image
    rows = []
    for name, surface, brightness in (("poster", "picture", 1.0), ("screen", "screen", 1.35)):
        around = [*room(None), *scenes.furniture()[:2], *scenes.wall_around(opening, place, "noise")]
        view = photograph([*around, opening.filled(place, surface)], side=SIDE, pictures={surface: shown})
        inside = np.abs(photograph(around, side=SIDE).depth - view.depth) > 0.01
        image = np.where(inside[..., None], np.minimum(brightness * view.image, 255), view.image).astype(np.uint8)
        cells, fitted = judged(gallery, View(image, view.depth, view.intrinsics), ~inside)
        relief = metres(np.percentile(fitted[inside], (95, 5)))
        true = np.percentile(view.depth[inside], (5, 95))
        lines = [
            f"Nine tenths of the {name} are {true[0]:.1f} to {true[1]:.1f} m away, predicted {relief[0]:.1f} to "
            f"{relief[1]:.1f} m",
            f"Medians: {np.median(view.depth[inside]):.1f} m, predicted {np.median(metres(fitted[inside])):.1f} m; "
            f"{_beside(view, fitted, inside)}",
        ]
        rows.append((lines, cells))
    return figure(*rows)


def sky(gallery: Gallery) -> np.ndarray:
    """A court below an overcast sky, and below a deep blue one."""
    view = photograph(room(None, ceiling=False) + scenes.furniture(), side=SIDE)
    is_sky = ~np.isfinite(view.depth)
    down = np.linspace(0, 1, SIDE)[:, None, None]
    blue = (1 - down) * np.array([18, 42, 96]) + down * np.array([96, 130, 176])
    clear = np.where(is_sky[..., None], blue, view.image).astype(np.uint8)
    rows = []
    for name, image in (("Overcast", view.image), ("Deep blue", clear)):
        cells, fitted = judged(gallery, View(image, view.depth, view.intrinsics))
        farthest = np.percentile(fitted[~is_sky], 5)
        lines = [
            f"{name} sky: {np.mean(fitted[is_sky] > farthest):.0%} nearer than the farthest twentieth of the rest",
            f"AbsRel of the rest {abs_rel(fitted, view.depth):.2f}",
        ]
        rows.append((lines, cells))
    return figure(*rows)


def thin(gallery: Gallery) -> np.ndarray:
    """A fence of wires of 2 cm, seen at the input size, at twice of it, and by tiles."""
    side, place = 448, 1.8
    view = photograph([*room(), *scenes.furniture(), *scenes.wires(place)], side=side)
    behind = photograph([*room(), *scenes.furniture()], side=side)
    is_wire = (np.abs(view.depth - behind.depth) > 0.05) & (view.depth < place + 0.05)
    cells = [cell(view.image, "image"), depth_cell(inverse(view.depth), view.depth, "truth")]
    found = []
    for name, disparity in (
        ("input size", gallery.predict(view.image)),
        ("twice of it", gallery.predict_larger(view.image)),
        ("tiles", gallery.predict_tiled(view.image)),
    ):
        fitted = aligned(disparity, view.depth)
        step = (fitted - 1 / behind.depth)[is_wire] / (1 / view.depth - 1 / behind.depth)[is_wire]
        found.append(f"{name} {np.mean(step):.0%}")
        cells.append(depth_cell(fitted, view.depth, name))
    return figure(
        (
            ["Mean share of the step from what is behind to the wires:", ", ".join(found)],
            cells,
        )
    )


def blank(gallery: Gallery) -> np.ndarray:
    """A furnished room with and without texture, in haze and in clear air."""
    rows = []
    for name, textured, haze in (
        ("Texture and haze", True, scenes.HAZE_PER_METRE),
        ("Clear air", True, 0.0),
        ("Clear air, no texture", False, 0.0),
    ):
        things = room() + scenes.furniture() if textured else room("white", surfaces=("white", "white"))
        things = [thing if textured else thing._replace(surface="white") for thing in things]
        things += [] if textured else [thing._replace(surface="white") for thing in scenes.furniture()]
        view = photograph(things, side=SIDE, haze_per_metre=haze)
        cells, fitted = judged(gallery, view)
        mean = gallery.disparity_and_confidence(view.image)[1].mean()
        rows.append(([f"{name}: AbsRel {abs_rel(fitted, view.depth):.2f}, mean confidence {mean:.2f}"], cells))
    return figure(*rows)


def turned(gallery: Gallery) -> np.ndarray:
    """The same picture mirrored, tilted, by a quarter turn and upside down."""
    view = photograph(room() + scenes.furniture(), side=SIDE)
    # A tilted picture loses its corners.
    rows, columns = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    in_all = np.hypot(rows, columns) < 0.95 * SIDE / 2
    tilt = cv2.getRotationMatrix2D(((SIDE - 1) / 2, (SIDE - 1) / 2), 30, 1.0)

    def rotated(picture: np.ndarray, inverse: bool = False) -> np.ndarray:
        flags = cv2.INTER_LINEAR | (cv2.WARP_INVERSE_MAP if inverse else 0)
        return cv2.warpAffine(picture, tilt, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REFLECT)

    return variants(
        gallery,
        view,
        [
            ("as it is", view.image, lambda each: each),
            ("mirrored", view.image[:, ::-1], lambda each: each[:, ::-1]),
            ("tilted by 30 deg", rotated(view.image), lambda each: rotated(each, inverse=True)),
            ("a quarter turn", np.rot90(view.image), lambda each: np.rot90(each, -1)),
            ("upside down", np.rot90(view.image, 2), lambda each: np.rot90(each, 2)),
        ],
        "One picture, held in five ways; predictions are turned back, AbsRel is of the largest disc",
        in_all,
    )


def quality(gallery: Gallery) -> np.ndarray:
    """The same picture dark and noisy, small, compressed, and with red and blue exchanged."""
    view = photograph(room() + scenes.furniture(), side=SIDE)
    random = np.random.default_rng(0)
    dark = np.clip(view.image / 8.0 + random.normal(0, 8, view.image.shape), 0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", view.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 8])[1]
    compressed = cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]
    small = cv2.resize(view.image, (28, 28), interpolation=cv2.INTER_AREA)

    def enlarged(disparity: np.ndarray) -> np.ndarray:
        return cv2.resize(disparity, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)

    return variants(
        gallery,
        view,
        [
            ("as it is", view.image, lambda each: each),
            ("an eighth, noise", dark, lambda each: each),
            ("28 x 28 pixels", small, enlarged),
            ("JPEG, quality 8", compressed, lambda each: each),
            ("BGR read as RGB", view.image[..., ::-1], lambda each: each),
        ],
        "One picture, recorded in five ways",
    )


def fisheye(gallery: Gallery) -> np.ndarray:
    """A fisheye picture of 140 degrees from corner to corner, predicted as it is, and straightened first."""
    wide = replace(CAMERA, horizontal_field_of_view_degrees=128.0)
    pinhole = photograph(room() + scenes.furniture(), wide, 3 * SIDE)
    focal = np.sqrt(2) * SIDE / np.radians(140)
    middle = (SIDE - 1) / 2
    camera = CameraIntrinsics(
        SIDE, SIDE, focal, focal, middle, middle, distortion_model="fisheye", distortion=(0,) * 4
    )
    rows, columns = np.indices((SIDE, SIDE)) - middle
    from_axis = np.hypot(rows, columns)
    angle = from_axis / focal
    stretch = np.tan(angle) / from_axis * pinhole.intrinsics[0, 0]
    places = [
        (part * stretch + pinhole.intrinsics[axis, 2]).astype(np.float32) for axis, part in ((0, columns), (1, rows))
    ]
    image = cv2.remap(pinhole.image, *places, cv2.INTER_LINEAR)
    depth = cv2.remap(pinhole.depth, *places, cv2.INTER_NEAREST)
    bent, fitted = judged(gallery, View(image, depth, pinhole.intrinsics))
    straight, _ = undistort(image, camera)
    straight_depth = 1 / undistort(1 / depth, camera)[0]
    flat, flat_fitted = judged(gallery, View(straight, straight_depth, pinhole.intrinsics))
    return figure(
        (
            [
                f"As it is: AbsRel {abs_rel(fitted, depth):.2f}; in its corners the distance along the ray is "
                f"{1 / np.cos(np.max(angle)):.1f} times the depth"
            ],
            bent,
        ),
        ([f"Straightened by its camera: AbsRel {abs_rel(flat_fitted, straight_depth):.2f}"], flat),
    )


def lens(gallery: Gallery) -> np.ndarray:
    """Two lenses from two places, so that the ball is equally large in both pictures."""
    things, ball = room() + scenes.furniture(), 4.2
    near = replace(CAMERA, position=(0.2, 1.6, 1.2), yaw_degrees=0, horizontal_field_of_view_degrees=75)
    ratio = (ball + 0.8) / (ball - 1.6)
    narrow = 2 * np.degrees(np.arctan(np.tan(np.radians(75 / 2)) / ratio))
    far = replace(near, position=(0.2, -0.8, 1.2), horizontal_field_of_view_degrees=float(narrow))
    rows = []
    for camera in (near, far):
        view = photograph(things, camera, SIDE)
        at_ball = view.depth[round(0.62 * SIDE), SIDE // 2]
        cells = [cell(view.image, "image"), metres_cell(view.depth, "truth")]
        words = f"{camera.horizontal_field_of_view_degrees:.0f} degrees across: the middle is {at_ball:.1f} m away"
        if gallery.metric is not None:
            predicted = gallery.metric.predict(view.image)
            cells.append(metres_cell(predicted, "metric model", limits_of(view.depth)))
            ratio_of_medians = np.median(predicted) / np.median(view.depth)
            words += (
                f", predicted {predicted[round(0.62 * SIDE), SIDE // 2]:.1f} m; median {ratio_of_medians:.2f} of true"
            )
        fitted = aligned(gallery.predict(view.image), view.depth)
        cells.append(depth_cell(fitted, view.depth, "relative model"))
        rows.append(([words], cells))
    return figure(*rows)


def photographs(gallery: Gallery) -> np.ndarray:
    """Photographs that scikit-image brings along: a night sky with masts, a polished spoon, a picture in a picture."""
    from skimage import data

    pictures = []
    for name, image in (("rocket", data.rocket()), ("coffee", data.coffee()), ("astronaut", data.astronaut())):
        disparity, confidence = gallery.disparity_and_confidence(image)
        cells = [
            cell(image, name),
            cell(colour_map(disparity, name=DEPTH_COLOURS), "prediction"),
            confidence_cell(confidence),
        ]
        pictures.append(side_by_side(cells))
    return stack(pictures)


CASES: dict[str, Callable[[Gallery], np.ndarray]] = {
    case.__name__: case
    for case in (
        *(size, shift, flicker, lens, mirror, glass, poster, sky),
        *(thin, blank, fisheye, turned, quality, photographs),
    )
}


def main() -> None:
    """Draw the pictures that are asked for."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder or id of a depth model, best a relative one")
    parser.add_argument("--metric_model", help="of a metric model, for `lens`")
    parser.add_argument("-o", "--output_dir", type=Path, default=OUTPUT, help="folder of the pictures")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="these pictures alone")
    arguments = parser.parse_args()
    quiet_libraries()
    predictor = DepthPredictor.from_pretrained(arguments.model, confidence=True)
    larger = DepthPredictor.from_pretrained(arguments.model, input_size=2 * (predictor.input_size or 259))
    metric = DepthPredictor.from_pretrained(arguments.metric_model) if arguments.metric_model else None
    gallery = Gallery(predictor, larger, metric)
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    for name in arguments.only:
        path = arguments.output_dir / f"{name}.jpg"
        path.write_bytes(encode_jpeg(CASES[name](gallery), quality=JPEG_QUALITY))
        print(f"{path}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
