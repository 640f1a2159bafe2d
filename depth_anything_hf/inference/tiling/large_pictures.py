# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict_tiled` and `predict_panorama` of predictors, and many such pictures one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...geometry.intrinsics import CameraIntrinsics
from ...utils.option_errors import OptionError
from ..batching import explain_error
from ..image_inputs import ImageSource, name_of
from ..prediction import Prediction
from .layout import TileLayout
from .panorama import predict_panorama
from .part_passes import PartPredictor
from .tiles import predict_tiled


class DecodingPredictor(PartPredictor, Protocol):
    """What large pictures need of a predictor."""

    confidence: bool

    def _decode(self, source: ImageSource) -> tuple[np.ndarray, CameraIntrinsics | None]: ...


class LargePictures:
    """`predict_tiled` and `predict_panorama` of predictors that have passes."""

    def predict_tiled(
        self: DecodingPredictor, image: ImageSource, *, tile_size: int | None = None, tile_overlap: int | None = None
    ) -> np.ndarray:
        """Predict a large picture by overlapping tiles, for detail that the model's size does not hold.

        The whole picture is predicted first, then tiles of twice the resolution, and so on up to the picture's own.
        The tiles of each level are aligned to the level before, by a robust scale and shift that vary smoothly, and
        blended, so that the values keep the meaning that they have in a pass over the whole picture. Tiles run in
        batches of the predictor's size; besides the picture and the result, a few tiles are in memory at a time.

        Args:
            image: as for a call of the predictor.
            tile_size: side of a tile in pixels of the picture; None: the model's size, so that the model sees every
                pixel. Larger tiles are fewer and coarser.
            tile_overlap: pixels that neighbours share at least; None: a quarter of a tile.

        Returns:
            float32 (H, W) at the image's own size: disparity, in the scale and shift of the pass over the whole
            picture, or metres, of which tiles change the detail but not the scale.

        Raises:
            OptionError: a tile of less than 28 pixels, or an overlap that is not between one pixel and half a tile.
            FileNotFoundError, TypeError, UnreadableImageError, ValueError: as `predict`.
            RuntimeError: a tile cannot be predicted, most often for lack of memory.
        """
        layout = TileLayout.make(tile_size, tile_overlap, self.input_size)
        return predict_tiled(self, _read(self, image), layout)

    def predict_panorama(self: DecodingPredictor, image: ImageSource) -> np.ndarray:
        """Predict an equirectangular panorama of the whole sphere, without a seam at its border or at the poles.

        Twelve perspective views of 90 degrees are predicted at the model's size, brought to one scale and joined.

        Args:
            image: as for a call of the predictor, twice as wide as high.

        Returns:
            float32 (H, W) at the image's own size, along the ray of each pixel and not along an axis: of a metric
            model the distance from the camera in metres; of a relative model disparity, the inverse of that distance
            up to one scale and shift for the whole sphere.

        Raises:
            FileNotFoundError, TypeError, UnreadableImageError: as `predict`.
            ValueError: a picture of another shape, or a model that keeps the size of images.
            RuntimeError: a view cannot be predicted, most often for lack of memory.
        """
        return predict_panorama(self, _read(self, image))


@dataclass(frozen=True)
class LargePicturePredictor:
    """Predict pictures one after another, by tiles or as panoramas; a picture that fails leaves the others alone.

    Attributes:
        predictor: whose passes run.
        layout: of the tiles; None: the pictures are panoramas.
        on_part: is called after each pass of tiles, with the number of those done and of all of the picture.
    """

    predictor: DecodingPredictor
    layout: TileLayout | None
    on_part: Callable[[int, int], object] | None = None

    @classmethod
    def make(
        cls,
        predictor: Any,
        *,
        tile_size: int | None,
        tile_overlap: int | None,
        is_panorama: bool,
        on_part: Callable[[int, int], object] | None = None,
    ) -> LargePicturePredictor:
        """Check the options against the predictor's size.

        Raises:
            OptionError: see `TileLayout`; or a predictor with confidence, which parts of a picture do not have.
        """
        _refuse_confidence(predictor)
        if is_panorama:
            if predictor.input_size is None:
                raise OptionError("this model keeps the size of images, and has no size for views of a panorama")
            return cls(predictor, None)
        return cls(predictor, TileLayout.make(tile_size, tile_overlap, predictor.input_size), on_part)

    def __call__(self, images: Iterable[ImageSource]) -> Iterator[Prediction]:
        """Yield a prediction for each image, in order, with an error text where there are no values."""
        for image in images:
            yield self._predict(image)

    def _predict(self, image: ImageSource) -> Prediction:
        name, size = name_of(image), None
        try:
            picture, camera = self.predictor._decode(image)
            size = (picture.shape[0], picture.shape[1])
            if self.layout is None:
                values, camera = predict_panorama(self.predictor, picture), None
            else:
                values = predict_tiled(self.predictor, picture, self.layout, self.on_part)
        except Exception as error:
            # As for other predictions: what goes wrong with one picture, of many kinds, costs that picture.
            failed_in_model = isinstance(error, RuntimeError)
            text = str(error) if failed_in_model else explain_error(error)
            return Prediction(name, error=text, image_size=size, failed_in_model=failed_in_model)
        kind = self.predictor.prediction_kind
        return Prediction(name, values, image_size=size, kind=kind, intrinsics=camera)


def _read(predictor: DecodingPredictor, image: ImageSource) -> np.ndarray:
    _refuse_confidence(predictor)
    return predictor._decode(image)[0]


def _refuse_confidence(predictor: DecodingPredictor) -> None:
    if predictor.confidence:
        raise OptionError(
            "confidence is of passes over whole pictures, and tiles and panoramas have none; leave confidence out"
        )
