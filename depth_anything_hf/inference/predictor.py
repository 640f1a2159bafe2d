# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""From images to predictions: decode ahead, batch equal sizes, keep the order, survive broken images."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, cast, overload

import numpy as np

from ..data.decoding.errors import UnreadableImageError
from ..data.decoding.limits import allow_pixels, check_max_pixels
from ..geometry.disparity import PredictionKind
from ..geometry.intrinsics import CameraIntrinsics
from ..models.image_preparation import size_of
from ..utils.map_ahead import map_ahead
from ..utils.option_errors import check_count
from ..utils.paths import expand_home
from ..utils.typed_fields import convert_argument
from .batching import BatchScheduler, FetchResults, PendingImage, explain_error
from .camera_choice import find_camera
from .confidence_passes import ConfidencePasses
from .engine_model import EngineModel
from .engine_passes import EnginePasses
from .engines import open_in_engine
from .image_inputs import ImageSource, as_rgb, fetch_image, is_list, is_one_image, name_of
from .output_kinds import check_prediction_kind
from .passes import Passes
from .point_prediction import PointPrediction
from .prediction import Prediction, check_finite
from .tiling.large_pictures import LargePictures
from .video.prediction import VideoPredictor


if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

DECODING_THREADS = min(16, os.cpu_count() or 1)
# Default batch size on anything but a CPU.
ACCELERATOR_BATCH = 8


class DepthPredictor(PointPrediction, LargePictures, VideoPredictor):
    """Predict disparity or depth for any number of images of any sizes.

    The model's output is brought to the image's own size by bilinear interpolation with aligned corners, as the
    original Depth Anything does. Stock transformers interpolates bicubically, which overshoots at object borders, also
    below zero; a processor with `upsampling="bicubic"` gets that. ZoeDepth and Depth Pro keep their own
    post-processing.

    Args:
        model: a depth model of this package or of transformers, put into evaluation mode at each call; or one in
            another engine, see `from_pretrained`.
        processor: the image processor that belongs to it.
        device: where the model is moved to; None leaves it where it is.
        dtype: bfloat16 or float16 runs a float32 model under autocast; None uses the model's own precision.
        batch_size: images per forward pass; only images of one processed size share a pass.
        prediction_kind: "disparity" or "depth", for a model whose configuration does not say which; e.g.
            `facebook/dpt-dinov2-*` predict metres, and nothing in their files says so.
        window_batches: batches of images that may wait for others of their size. More of them fill more batches where
            sizes are mixed, and take more memory.
        flip_averaging: predict the mirrored image too, mirror the result back, and give the mean of both, for twice
            the time. Two disparities of one image agree in scale and shift only roughly, so the mirrored one is first
            aligned to the other by least squares; where that fit reverses it, it is left out. Depth in metres is
            averaged as it is.
        confidence: predict the mirrored image and the image at 0.75 of the size too, for about 2.5 times the time,
            and give the agreement of the three as `Prediction.confidence`, see `confidence.find_confidence`; values
            stay as they are. A model of one fixed size sees the mirrored image alone. The mirrored pass serves
            `flip_averaging` too.
        compile: run the model through `torch.compile` (on a GPU as a CUDA graph), which takes about a minute to build
            for each processed size; for many images of few sizes. Batches that are not full are padded with copies of
            an image, so that all have one size. For models of this package.
        max_pixels: largest number of pixels of an image; larger ones are not predicted. None: Pillow's limit, about
            179 million.

    Raises:
        ValueError: a batch size or window below 1, an unknown prediction kind or not the configuration's, a precision
            that the model cannot run in, or `compile` for another model than this package's.
    """

    def __init__(
        self,
        model: PreTrainedModel | EngineModel,
        processor: Any,
        *,
        device: str | int | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        batch_size: int = 1,
        prediction_kind: PredictionKind | None = None,
        window_batches: int = 4,
        flip_averaging: bool = False,
        confidence: bool = False,
        compile: bool = False,
        max_pixels: int | None = None,
    ) -> None:
        _check_counts(batch_size, window_batches, max_pixels)
        self.model = cast(Any, model)
        self.processor = processor
        self.batch_size = batch_size
        self.window_batches = window_batches
        self.flip_averaging = convert_argument("flip_averaging", flip_averaging, bool)
        self.confidence = convert_argument("confidence", confidence, bool)
        self.max_pixels = max_pixels
        is_compiled = convert_argument("compile", compile, bool)
        make_passes: Any
        if isinstance(model, EngineModel):
            make_passes = EnginePasses
        else:
            from .torch_passes import TorchPasses as make_passes
        self._passes: Passes = make_passes(
            model,
            processor,
            device=device,
            dtype=dtype,
            batch_size=batch_size,
            prediction_kind=prediction_kind,
            # Passes with confidence predict the mirrored image themselves.
            flip_averaging=self.flip_averaging and not self.confidence,
            is_compiled=is_compiled,
        )
        if self.confidence:
            self._passes = ConfidencePasses(self._passes, flip_averaging=self.flip_averaging)
        self.prediction_kind = self._passes.prediction_kind
        # A GPU runs asynchronously: results are fetched after the next batch was launched.
        self._runs_ahead = self._passes.runs_ahead

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        device: str | int | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        engine: str | None = None,
        batch_size: int | None = 1,
        input_size: int | None = None,
        prediction_kind: PredictionKind | None = None,
        window_batches: int = 4,
        flip_averaging: bool = False,
        confidence: bool = False,
        compile: bool = False,
        max_pixels: int | None = None,
        **kwargs: Any,
    ) -> DepthPredictor:
        """Open a checkpoint: Depth Anything as this package's model, other depth models as transformers' own.

        Adapters alone are merged into the model that they name.

        Args:
            name_or_path: model id on the Hub, a folder, or a file that `export` wrote (.onnx, .xml, .pt2).
            device: None takes this process's CUDA device, else Apple's, else the CPU.
            dtype: precision of the weights and the computation ("float32", "bfloat16", "float16" or torch's); None
                keeps the checkpoint's.
            engine: what computes a Depth Anything model on a CPU: "torch", which None is too; "openvino" or
                "onnxruntime", which convert the model once and keep it below `HF_HOME`; or "auto", OpenVINO where it
                is installed and can do what is asked, else PyTorch. In float32 their maps are within 2e-5 of the range
                of PyTorch's. `model` is then no module of PyTorch. An exported file has an engine of its own.
            batch_size: as for the class; None takes 8 on an accelerator and 1 on a CPU, where larger ones gain little
                and take more memory the more sizes are mixed.
            input_size: side that images are resized to instead of the checkpoint's; larger is sharper and slower.
            prediction_kind: as for the class.
            window_batches: as for the class.
            flip_averaging: as for the class.
            confidence: as for the class.
            compile: as for the class.
            max_pixels: as for the class.
            **kwargs: to the model's `from_pretrained`; `revision`, `token` and the like also to the configuration and
                the processor.

        Raises:
            ValueError: a device that is not here, not a depth model, an input size that does not fit it, an unknown
                precision, or weights that are damaged, incomplete or of another shape than the configuration says;
                or an engine that cannot serve.
            OSError: no such folder or id on the Hub, or files missing in it; or no model that adapters name.
            ImportError: peft is missing, which adapters need, or an engine.
        """
        _check_counts(batch_size, window_batches, max_pixels)
        check_prediction_kind(prediction_kind)
        name = str(expand_home(os.fspath(name_or_path)))
        model: Any
        is_on_cpu = True
        opened = open_in_engine(
            name, engine, device=device, dtype=dtype, input_size=input_size, compile=compile, options=kwargs
        )
        if opened is not None:
            model, processor = opened
        else:
            from .torch_passes import open_for_prediction

            model, processor, device = open_for_prediction(
                name, device=device, dtype=dtype, input_size=input_size, options=kwargs
            )
            is_on_cpu = device.type == "cpu"
        if batch_size is None:
            batch_size = 1 if is_on_cpu else ACCELERATOR_BATCH
        return cls(
            model,
            processor,
            device=device,
            batch_size=batch_size,
            prediction_kind=prediction_kind,
            window_batches=window_batches,
            flip_averaging=flip_averaging,
            confidence=confidence,
            compile=compile,
            max_pixels=max_pixels,
        )

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return self._passes.device

    @property
    def input_size(self) -> int | None:
        """Side that the processor resizes to (its height, where it has two); None if it keeps the size."""
        return size_of(self.processor)

    @property
    def engine(self) -> str:
        """What computes the forward pass: "torch", "openvino" or "onnxruntime"."""
        return self._passes.engine

    @property
    def precision(self) -> str:
        """Precision of a forward pass: e.g. "float32", "bfloat16", or "bfloat16 autocast"."""
        return self._passes.precision

    @overload
    def __call__(self, images: ImageSource) -> Prediction: ...  # type: ignore[overload-overlap]

    @overload
    def __call__(self, images: Sequence[ImageSource | None]) -> list[Prediction]: ...  # type: ignore[overload-overlap]

    @overload
    def __call__(self, images: Iterable[ImageSource | None]) -> Iterator[Prediction]: ...

    def __call__(
        self, images: ImageSource | Iterable[ImageSource | None]
    ) -> Prediction | list[Prediction] | Iterator[Prediction]:
        """Predict an image, a list of images, or a stream of them with bounded memory.

        An image is a path, a URL (http or https), encoded bytes, an open file, a PIL image of any mode but floating
        point, an array or tensor, or a cell `{"bytes": ..., "path": ...}` of `datasets`; also a pair of a name and one
        of these, or a function that returns one and is called in a decoding thread.

        Arrays and tensors are grey (H, W), or (H, W, C) or (C, H, W) of 1, 3 or 4 channels in the order RGB or RGBA
        (OpenCV's BGR cannot be told from it). They are of uint8, uint16 (0..65535), bool, or floating point from 0 to
        1; what has other values is refused. Where both ends may be channels, those of a tensor are first and those of
        an array last. Alpha is dropped everywhere, as by PIL's `convert("RGB")`.

        Args:
            images: one image; a list or tuple of them, or an array or tensor of four dimensions; or any other
                iterable, which is read a little ahead, so that an array must not be changed before its result is
                there. `None` in a list or stream is a batch barrier: images before and after it are never batched
                together, so that the results of neither depend on the other.

        Returns:
            A `Prediction` for one image, a list of them for a list, and an iterator for any other iterable, in the
            order of the input. A list holds all maps in memory: give `iter(paths)` where they are many. A file that
            cannot be read, and any image among several that cannot be predicted, gives a prediction with an error text
            and does not disturb its neighbours.

        Raises:
            TypeError: neither an image nor an iterable, or one image of a type that none has.
            ValueError: one array or tensor of a shape or with values that no image has.
        """
        if is_one_image(images):
            return self._predict_one(images)
        several = cast("Iterable[ImageSource | None]", images)
        # An array is a batch.
        return list(self._stream(several)) if is_list(images) else self._stream(several)

    def predict(self, image: ImageSource) -> np.ndarray:
        """Predict one image.

        Args:
            image: as for a call of the predictor.

        Returns:
            float32 (H, W) at the image's own size: disparity or metres, see `prediction_kind`. A call of the predictor
            gives a `Prediction`, which also has the camera, and the confidence where it is asked for.

        Raises:
            FileNotFoundError: no file at the path.
            TypeError: no image.
            UnreadableImageError: the file is not an image that can be decoded.
            ValueError: an array of another type or shape, or a model that gives NaN or infinity.
        """
        self.model.eval()
        item = self._prepare(image)
        assert item.pixel_values is not None and item.image_size is not None
        predicted = self._launch([item.pixel_values], [item.image_size])()[0]
        values: np.ndarray = predicted[0] if self.confidence else predicted
        check_finite(values)
        return values

    def _predict_one(self, source: Any) -> Prediction:
        name = name_of(source)
        try:
            image, camera = self._decode(source)
        except (UnreadableImageError, OSError) as error:
            return Prediction(name, error=explain_error(error))
        (prediction,) = self._stream(iter([(name, image)]))
        if prediction.error is None:
            prediction.intrinsics = camera
        return prediction

    def _stream(self, images: Iterable[ImageSource | None]) -> Iterator[Prediction]:
        self.model.eval()
        scheduler = BatchScheduler(
            self._launch,
            batch_size=self.batch_size,
            window=self.window_batches * self.batch_size,
            runs_ahead=self._runs_ahead,
            prediction_kind=self.prediction_kind,
        )
        for item in self._prepare_ahead(images):
            if item is None:
                scheduler.run_all()
            else:
                scheduler.add(item)
            yield from scheduler.take_finished()
        scheduler.run_all()
        yield from scheduler.take_finished()

    def _prepare_ahead(self, images: Iterable[ImageSource | None]) -> Iterator[PendingImage | None]:
        """Decode and resize in threads while the model works; in order, a bounded number ahead."""
        with ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decode") as pool:
            yield from map_ahead(pool, self._prepare_or_explain, images, DECODING_THREADS + self.batch_size)

    def _prepare_or_explain(self, source: ImageSource | None) -> PendingImage | None:
        if source is None:
            return None
        try:
            return self._prepare(source)
        except Exception as error:
            # Decoders, datasets and processors raise exceptions of many kinds; each costs one image, not the run.
            name = name_of(source)
            return PendingImage(name, prediction=Prediction(name, error=explain_error(error)))

    def _prepare(self, source: ImageSource) -> PendingImage:
        image, camera = self._decode(source)
        size = (image.shape[0], image.shape[1])
        return PendingImage(name_of(source), size, self._passes.prepare(image), intrinsics=camera)

    def _decode(self, source: ImageSource) -> tuple[np.ndarray, CameraIntrinsics | None]:
        """Return an image, uint8 (H, W, 3), and its camera by EXIF; it is read, downloaded or called for once."""
        with allow_pixels(self.max_pixels):
            fetched = fetch_image(source)
            # Decoders of some kinds take the orientation out of an open picture's EXIF.
            exif = find_camera(fetched)
            image = as_rgb(fetched)
        return image, exif.intrinsics(*image.shape[:2])

    def _launch(self, inputs: Sequence[Any], sizes: Sequence[tuple[int, int]], is_retry: bool = False) -> FetchResults:
        return self._passes.launch(inputs, sizes, is_retry)

    @property
    def passes(self) -> Passes:
        """The forward passes: how an image is prepared, and how a batch is run."""
        return self._passes

    @property
    def confidence_passes(self) -> tuple[str, ...]:
        """What the further passes of the confidence see; empty without one."""
        return self._passes.names if isinstance(self._passes, ConfidencePasses) else ()

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of a forward pass: autocast if another precision than the model's was requested."""
        return self._passes.autocast()


def _check_counts(batch_size: int | None, window_batches: int, max_pixels: int | None) -> None:
    if batch_size is not None:
        check_count("batch_size", batch_size)
    check_count("window_batches", window_batches)
    check_max_pixels(max_pixels)
