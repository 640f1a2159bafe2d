# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""From images to predictions: decode ahead, batch equal sizes, keep the order, survive broken images."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, cast, overload

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from ..data.decoding.errors import UnreadableImageError
from ..data.decoding.limits import allow_pixels, check_max_pixels
from ..geometry.depth_units import to_metres
from ..geometry.disparity import PredictionKind
from ..models.compilation import force_eager
from ..models.loading import as_dtype, dtype_name, load_model, refuse_other_outputs, size_of
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation
from ..utils.map_ahead import map_ahead
from ..utils.option_errors import check_count
from ..utils.paths import expand_home
from ..utils.typed_fields import convert_argument
from .batching import BatchScheduler, FetchResults, PendingImage, explain_error
from .devices import autocast_dtype, usable_device
from .image_inputs import ImageSource, as_rgb, is_list, is_one_image, name_of
from .output_kinds import check_prediction_kind, prediction_kind_of
from .prediction import Prediction, check_finite, flip_mean


# Their raw output is not the depth of the image: ZoeDepth pads it, Depth Pro needs the focal length.
OWN_POST_PROCESSING = ("depth_pro", "zoedepth")
DECODING_THREADS = min(16, os.cpu_count() or 1)
# Default batch size on anything but a CPU.
ACCELERATOR_BATCH = 8


class DepthPredictor:
    """Predict disparity or depth for any number of images of any sizes.

    The model's output is brought to the image's own size by bilinear interpolation with aligned corners, as the
    original Depth Anything does. Stock transformers interpolates bicubically, which overshoots at object borders, also
    below zero; a processor with `upsampling="bicubic"` gets that. ZoeDepth and Depth Pro keep their own
    post-processing.

    Args:
        model: a depth model of this package or of transformers; put into evaluation mode at each call.
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
        model: PreTrainedModel,
        processor: Any,
        *,
        device: str | int | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        batch_size: int = 1,
        prediction_kind: PredictionKind | None = None,
        window_batches: int = 4,
        flip_averaging: bool = False,
        compile: bool = False,
        max_pixels: int | None = None,
    ) -> None:
        _check_counts(batch_size, window_batches, max_pixels)
        refuse_other_outputs(type(model).__name__, model.config.model_type)
        self.prediction_kind = prediction_kind_of(model.config, prediction_kind)
        self.model = cast(Any, model)
        if device is not None:
            self.model.to(usable_device(device))
        self.processor = processor
        self.batch_size = batch_size
        self.window_batches = window_batches
        self.flip_averaging = convert_argument("flip_averaging", flip_averaging, bool)
        self.max_pixels = max_pixels
        self._autocast_dtype = autocast_dtype(model.dtype, as_dtype(dtype))
        self._is_compiled = convert_argument("compile", compile, bool)
        if self._is_compiled:
            if not isinstance(model, DepthAnythingForDepthEstimation):
                raise ValueError(
                    "compile=True works for this package's DepthAnythingForDepthEstimation only, got "
                    f"{type(model).__name__}; leave compile out"
                )
            model.optimize_for_inference(dtype=model._inference_dtype, compile=True)
        # A GPU runs asynchronously: results are fetched after the next batch was launched.
        self._runs_ahead = self.device.type == "cuda"

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        device: str | int | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        batch_size: int | None = 1,
        input_size: int | None = None,
        prediction_kind: PredictionKind | None = None,
        window_batches: int = 4,
        flip_averaging: bool = False,
        compile: bool = False,
        max_pixels: int | None = None,
        **kwargs: Any,
    ) -> DepthPredictor:
        """Open a checkpoint: Depth Anything as this package's model, other depth models as transformers' own.

        Depth Anything predicts by `optimize_for_inference`, unless an `attn_implementation` is given or the
        checkpoint has quantized layers. Adapters alone are merged into the model that they name.

        Args:
            name_or_path: model id on the Hub, or a folder.
            device: None takes this process's CUDA device, else Apple's, else the CPU.
            dtype: precision of the weights and the computation ("float32", "bfloat16", "float16" or torch's); None
                keeps the checkpoint's.
            batch_size: as for the class; None takes 8 on an accelerator and 1 on a CPU, where larger ones gain little
                and take more memory the more sizes are mixed.
            input_size: side that images are resized to instead of the checkpoint's; larger is sharper and slower.
            prediction_kind: as for the class.
            window_batches: as for the class.
            flip_averaging: as for the class.
            compile: as for the class.
            max_pixels: as for the class.
            **kwargs: to the model's `from_pretrained`; `revision`, `token` and the like also to the configuration and
                the processor.

        Raises:
            ValueError: a device that is not here, not a depth model, an input size that does not fit it, an unknown
                precision, or weights that are damaged, incomplete or of another shape than the configuration says.
            OSError: no such folder or id on the Hub, or files missing in it; or no model that adapters name.
            ImportError: peft is missing, which adapters need.
        """
        # Before the model is loaded, which may take minutes.
        place = usable_device(device)
        _check_counts(batch_size, window_batches, max_pixels)
        as_dtype(dtype)
        check_prediction_kind(prediction_kind)
        name = str(expand_home(os.fspath(name_or_path)))
        model, processor = load_model(name, dtype=dtype, input_size=input_size, options=kwargs)
        if isinstance(model, DepthAnythingForDepthEstimation) and "attn_implementation" not in kwargs:
            # Adapters and quantized layers are refused; the model then runs as it is.
            with suppress(ValueError):
                model.optimize_for_inference()
        if place.type == "cuda" and isinstance(model, DepthAnythingForDepthEstimation):
            # The decoder's maps are channels last; weights of the same order save a conversion at every pass.
            nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if batch_size is None:
            batch_size = 1 if place.type == "cpu" else ACCELERATOR_BATCH
        return cls(
            model,
            processor,
            device=place,
            batch_size=batch_size,
            prediction_kind=prediction_kind,
            window_batches=window_batches,
            flip_averaging=flip_averaging,
            compile=compile,
            max_pixels=max_pixels,
        )

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return torch.device(self.model.device)

    @property
    def input_size(self) -> int | None:
        """Side that the processor resizes to (its height, where it has two); None if it keeps the size."""
        return size_of(self.processor)

    @property
    def precision(self) -> str:
        """Precision of a forward pass: e.g. "float32", "bfloat16", or "bfloat16 autocast"."""
        if self._autocast_dtype is not None:
            return f"{dtype_name(self._autocast_dtype)} autocast"
        return dtype_name(self.model.dtype)

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
            float32 (H, W) at the image's own size: disparity or metres, see `prediction_kind`.

        Raises:
            FileNotFoundError: no file at the path.
            TypeError: no image.
            UnreadableImageError: the file is not an image that can be decoded.
            ValueError: an array of another type or shape, or a model that gives NaN or infinity.
        """
        self.model.eval()
        item = self._prepare(image)
        assert item.pixel_values is not None and item.image_size is not None
        values = self._launch([item.pixel_values], [item.image_size])()[0]
        check_finite(values)
        return values

    def _predict_one(self, source: Any) -> Prediction:
        name = name_of(source)
        try:
            with allow_pixels(self.max_pixels):
                image = as_rgb(source)
        except (UnreadableImageError, OSError) as error:
            return Prediction(name, error=explain_error(error))
        (prediction,) = self._stream(iter([(name, image)]))
        return prediction

    def _stream(self, images: Iterable[ImageSource | None]) -> Iterator[Prediction]:
        self.model.eval()
        scheduler = BatchScheduler(
            self._launch,
            batch_size=self.batch_size,
            window=self.window_batches * self.batch_size,
            runs_ahead=self._runs_ahead,
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
        with allow_pixels(self.max_pixels):
            image = as_rgb(source)
        # The layout is stated because a picture 3 pixels high would be taken for channels first.
        processed = self.processor(images=image, input_data_format="channels_last", return_tensors="pt")
        return PendingImage(name_of(source), (image.shape[0], image.shape[1]), processed["pixel_values"][0])

    @torch.inference_mode()
    def _launch(
        self, inputs: Sequence[Tensor], sizes: Sequence[tuple[int, int]], is_retry: bool = False
    ) -> FetchResults:
        """Start a forward pass over images (3, h, w) of one processed size.

        Args:
            inputs: prepared images.
            sizes: (height, width) of each image.
            is_retry: whether a larger batch has failed. A compiled model then runs eagerly, without filling the batch
                up to the size that it was built for, which would fail again.

        Returns:
            A function that waits for the pass and returns float32 (H, W) each, at the given sizes.
        """
        missing = self.batch_size - len(inputs) if self._is_compiled and not is_retry else 0
        pixel_values = torch.stack([*inputs, *[inputs[-1]] * missing])
        # Non-blocking copies need an event to wait for, which only CUDA has here.
        is_cuda = self.device.type == "cuda"
        # An event is recorded on the current device, which need not be the model's.
        on_device = torch.cuda.device(self.device) if is_cuda else nullcontext()
        with on_device, force_eager() if self._is_compiled and is_retry else nullcontext():
            if is_cuda:
                pixel_values = pixel_values.pin_memory()
            pixel_values = pixel_values.to(self.device, self.model.dtype, non_blocking=is_cuda)
            maps = self._maps(pixel_values, sizes)
            mirrored = self._maps(pixel_values.flip(-1), sizes) if self.flip_averaging else []
            on_host = [one.to("cpu", non_blocking=is_cuda) for one in (*maps, *mirrored)]
            # torch does not annotate its events.
            end = torch.cuda.Event() if is_cuda else None  # type: ignore[no-untyped-call]
            if end is not None:
                end.record()

        def values() -> list[np.ndarray]:
            if end is not None:
                end.synchronize()
            arrays = [one.numpy() for one in on_host]
            if not mirrored:
                return arrays
            pairs = zip(arrays[: len(maps)], arrays[len(maps) :], strict=True)
            return [flip_mean(one, other[:, ::-1], self.prediction_kind) for one, other in pairs]

        return values

    def _maps(self, pixel_values: Tensor, sizes: Sequence[tuple[int, int]]) -> list[Tensor]:
        """(B, 3, h, w) -> disparity or metres, float32 (H, W) each, at the given sizes, which may be fewer than B."""
        with self.autocast():
            output = self.model(pixel_values=pixel_values)
        if self.model.config.model_type in OWN_POST_PROCESSING:
            results = self.processor.post_process_depth_estimation(output, sizes)
            return [result["predicted_depth"].float() for result in results]
        maps = output.predicted_depth.float()[: len(sizes), None]  # (B, 1, h, w)
        if self.prediction_kind == "depth":
            maps = to_metres(maps, self.model.config)
        bicubic = getattr(self.processor, "upsampling", None) == "bicubic"
        return [_resize(one, size, bicubic=bicubic) for one, size in zip(maps, sizes, strict=True)]

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of a forward pass: autocast if another precision than the model's was requested."""
        if self._autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self._autocast_dtype)


def _resize(one: Tensor, size: tuple[int, int], *, bicubic: bool) -> Tensor:
    """(1, h, w) -> float32 (H, W), as stock does or as the original does."""
    mode = "bicubic" if bicubic else "bilinear"
    return F.interpolate(one[None], size=size, mode=mode, align_corners=not bicubic)[0, 0]


def _check_counts(batch_size: int | None, window_batches: int, max_pixels: int | None) -> None:
    if batch_size is not None:
        check_count("batch_size", batch_size)
    check_count("window_batches", window_batches)
    check_max_pixels(max_pixels)
