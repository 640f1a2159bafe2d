#!/usr/bin/env bash
# Photographs lose their turn on the way to HEIC with `image.save(..., exif=image.getexif())`. HEIF says by boxes of its
# own (irot, imir) how a picture is turned; readers obey these and not EXIF. pillow_heif makes them from an EXIF
# orientation that it is given as bytes, or finds in the opened image by itself. The `Image.Exif` object, which it takes
# too, makes none: EXIF is written with its orientation, and nothing turns the pixels. Who opens the file does not find
# the turn either: pillow_heif shows orientation 1 in `getexif()`, so that `ImageOps.exif_transpose` does nothing, and
# PyAV (ffmpeg) knows of no rotation. Beside an upright depth map the sides are exchanged, or at 180 degrees every pixel
# has the depth of another one. Pillow's own AVIF gets its boxes from either form.
#
# Versions: pillow_heif 1.8.1 (libheif 1.23.6), Pillow 13.0.0, av 18.1.0, numpy 2.4.6, Python 3.11.
# Seen on 2026-11-28, from JPEG of 64 x 96 (height x width) with orientation 6 or 3; "agrees" is with the upright JPEG:
#   HEIC, orientation 6, nothing given: boxes, rotation by PyAV -90, opened as (96, 64), agrees
#   HEIC, orientation 6, bytes: boxes, rotation by PyAV -90, opened as (96, 64), agrees
#   HEIC, orientation 6, object: no boxes, rotation by PyAV 0, opened as (64, 96), other
#   HEIC, orientation 3: the same with rotations -180, -180 and 0, all opened as (64, 96)
#   AVIF, either orientation, bytes or object: boxes, agrees
#   EXIF in all HEIC files has the orientation of the JPEG; getexif() of the opened ones says 1
# Exits 1 if any of this changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet pillow-heif==1.8.1 pillow==13.0.0 av==18.1.0 numpy==2.4.6
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import sys

import av
import numpy as np
import pillow_heif
from PIL import Image, ImageOps

ORIENTATION = 0x0112
pillow_heif.register_heif_opener()
print("pillow_heif", pillow_heif.__version__, "libheif", pillow_heif.libheif_version(), "PyAV", av.__version__)


def grey(image):
    return np.asarray(image.convert("L"), dtype=float)


def written(name):
    """Orientation of the EXIF in a HEIC file, as it is stored."""
    exif = Image.Exif()
    exif.load(pillow_heif.open_heif(name).info["exif"])
    return exif.get(ORIENTATION)


# Four quarters of their own, so that each of the eight turns is another picture.
sensor = np.kron([[20, 90], [160, 230]], np.ones((32, 48))).astype(np.uint8)
forms = {
    "nothing": lambda photo: {},
    "bytes": lambda photo: {"exif": photo.getexif().tobytes()},
    "object": lambda photo: {"exif": photo.getexif()},
}
seen = []
for orientation in (6, 3):
    tag = Image.Exif()
    tag[ORIENTATION] = orientation
    Image.fromarray(sensor).convert("RGB").save("photo.jpg", quality=100, exif=tag)
    upright = grey(ImageOps.exif_transpose(Image.open("photo.jpg")))
    for suffix in ("heic", "avif"):
        for form, options in forms.items():
            if suffix == "avif" and form == "nothing":
                continue  # Pillow then writes no EXIF and no boxes.
            name = f"{form}.{suffix}"
            with Image.open("photo.jpg") as photo:
                photo.save(name, quality=95, **options(photo))
            with open(name, "rb") as file:
                has_boxes = b"irot" in file.read()
            with Image.open(name) as opened:
                shape, shown = opened.size[::-1], opened.getexif().get(ORIENTATION)
                read = grey(ImageOps.exif_transpose(opened))
            agrees = read.shape == upright.shape and float(np.abs(read - upright).mean()) < 5
            # Boxes in the file, shape as opened, orientation as opened; for HEIC PyAV's rotation and the EXIF inside.
            line = [suffix, orientation, form, has_boxes, shape, shown, agrees]
            if suffix == "heic":
                with av.open(name) as container:
                    line += [next(container.decode(video=0)).rotation, written(name)]
            print(*line, sep=", ")
            seen.append(tuple(line))
expected = []
for orientation, turned, rotation in ((6, (96, 64), -90), (3, (64, 96), -180)):
    expected += [("heic", orientation, form, True, turned, 1, True, rotation, orientation) for form in ("nothing", "bytes")]
    expected.append(("heic", orientation, "object", False, (64, 96), 1, False, 0, orientation))
    expected += [("avif", orientation, form, True, (64, 96), orientation, True) for form in ("bytes", "object")]
sys.exit(0 if seen == expected else 1)
PYTHON
