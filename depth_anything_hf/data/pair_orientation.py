# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""One orientation for an image and its label: EXIF turns pictures, and most depth maps have none."""

from __future__ import annotations

import warnings

import numpy as np
from PIL import Image

from ..utils.option_errors import check_choice
from .decoding.files import FileLike
from .decoding.images import read_stored_image
from .decoding.orientation import orientation_of_map, turn_back, turn_upright, turned_shape
from .pair_sizes import enlarge_to


EXIF_CHOICES = ("auto", "apply", "ignore")


class PairOrientation:
    """Decides for each pair whether it is read upright or in the order of the sensor; warns at the first one.

    Args:
        exif: "apply" turns image and label, each by its own EXIF orientation; "ignore" takes both as they are stored;
            "auto" decides by what is known: a label with an orientation of its own, or that was made from the upright
            image, is turned upright, and so is the image; else the sizes tell where the orientation changes them; else
            the label is in the order of the sensor, and the image is not turned either.

    Raises:
        ValueError: none of these.
    """

    def __init__(self, exif: str = "auto") -> None:
        check_choice("exif", exif, EXIF_CHOICES)
        self.exif = exif
        self._has_told = False

    def read_pair(
        self,
        image: FileLike | Image.Image,
        values: np.ndarray,
        label: FileLike | None,
        name: str,
        *,
        is_upright: bool,
        may_enlarge: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Decode an image, and bring it and its label into one orientation.

        Args:
            image: as `read_image` takes it.
            values: the label as it was read, (H, W); TIFF is upright by then.
            label: file or bytes of the label; None if it has none.
            name: of the sample, for the warning.
            is_upright: whether the label was made from the upright image.
            may_enlarge: whether a smaller label of the same ratio becomes as large as the image.

        Returns:
            The image, uint8 (H, W, 3), and the label, of the same size if that is possible at all.
        """
        stored, orientation = read_stored_image(image)
        if may_enlarge:
            values = enlarge_to(values, turned_shape(stored.shape[:2], orientation), stored.shape[:2])
        own, was_turned = (None, False) if label is None or is_upright else orientation_of_map(label)
        if orientation == 1 and own in (None, 1):
            return stored, values
        if self.exif == "ignore":
            return stored, turn_back(values, own) if own is not None and was_turned else values
        upright = turn_upright(stored, orientation)
        turned = values if own is None or was_turned else turn_upright(values, own)
        if self.exif == "apply" or is_upright:
            return upright, turned
        fits_upright = values.shape == upright.shape[:2]
        if own is not None and turned.shape == upright.shape[:2]:
            pair, reason = (upright, turned), "its label has an orientation of its own"
        elif upright.shape != stored.shape:
            fits_stored = values.shape == stored.shape[:2] and not fits_upright
            pair, reason = (stored if fits_stored else upright, values), "the sizes of image and label tell"
        else:
            pair, reason = (stored, values), "labels without an orientation are in the order of the sensor"
        self._tell(name, orientation, pair[0] is upright and orientation != 1, reason)
        return pair

    def _tell(self, name: str, orientation: int, is_turned: bool, reason: str) -> None:
        if self._has_told:
            return
        self._has_told = True
        warnings.warn(
            f"{name}: the image has the EXIF orientation {orientation} and is {'' if is_turned else 'not '}turned, "
            f"because {reason}; the source's field exif (apply, ignore) decides otherwise. Further pairs of this "
            "source are decided in the same way, without a warning",
            stacklevel=3,
        )
