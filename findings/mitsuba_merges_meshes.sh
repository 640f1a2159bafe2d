#!/usr/bin/env bash
# Mitsuba's `load_dict` merges meshes that share a material by default (`optimize=True`). Whoever renders data sets sees
# two effects: the merged meshes lose their names (ids), and the shapes that are left, lamps among them, come in another
# order at every load, in one process too. A sample picks a lamp by a random number, so that the same dictionary and
# the same seed give other noise, far above rounding. `parallel=False` does not help, `optimize=False` does. Spheres
# are not merged and keep their order.
#
# Versions: mitsuba 3.9.1, numpy 2.4.6, Python 3.11; variant scalar_rgb.
# Seen on 2026-11-28, loading a dictionary of a ground and 20 cubes of one material, 7 of them area lamps, twelve times:
#   default: 9 of 21 shapes are left, one without a name; 11 orders of the shapes; largest difference of two images 3.8
#   parallel=False: the same, with 11 orders and 4.2
#   optimize=False: 21 shapes, one order; largest difference below 1e-5
# Exits 1 if any of this changes (the number of orders is by chance; more than one counts).
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet numpy==2.4.6 mitsuba==3.9.1
"$place/venv/bin/python" - <<'PYTHON'
import sys

import mitsuba as mi
import numpy as np

mi.set_variant("scalar_rgb")
place = mi.ScalarTransform4f


def load(**options):
    film = {"type": "hdrfilm", "width": 16, "height": 16}
    scene = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 3},
        "sensor": {
            "type": "perspective",
            "to_world": place().look_at([9, 4, 14], [9, 0, 0], [0, 1, 0]),
            "film": film,
            "sampler": {"type": "independent", "sample_count": 1},
        },
    }
    scene["ground"] = {"type": "sphere", "center": [9, -101, 0], "radius": 100}
    for number in range(20):
        cube = {"type": "cube", "to_world": place().translate([number, number % 2, 0]).scale(0.4)}
        cube["bsdf"] = {"type": "diffuse"}
        if number % 3 == 0:
            cube["emitter"] = {"type": "area", "radiance": {"type": "rgb", "value": 10.0 + number}}
        scene[f"cube{number:02d}"] = cube
    return mi.load_dict(scene, **options)


def look_at(**options):
    scenes = [load(**options) for _ in range(12)]
    names = [tuple(shape.id() for shape in scene.shapes()) for scene in scenes]
    images = [np.array(mi.render(scene, seed=7)) for scene in scenes]
    difference = max(np.abs(image - images[0]).max() for image in images)
    print(f"{options or 'default'}: {len(names[0])} shapes, {names[0].count('')} without a name,")
    print(f"    {len(set(names))} orders in {len(names)} loads, largest difference of two images {difference:.2g}")
    return len(names[0]), names[0].count(""), len(set(names)), difference


print("mitsuba", mi.__version__)
as_before = True
for options in ({}, {"parallel": False}):
    shapes, unnamed, orders, difference = look_at(**options)
    as_before &= shapes == 9 and unnamed == 1 and orders > 1 and difference > 1e-3
shapes, unnamed, orders, difference = look_at(optimize=False)
as_before &= shapes == 21 and unnamed == 0 and orders == 1 and difference < 1e-5
sys.exit(0 if as_before else 1)
PYTHON
