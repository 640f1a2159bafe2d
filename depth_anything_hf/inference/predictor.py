# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The only path from images to predictions: decode ahead, batch equal sizes, keep the order, survive broken images."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from ..data.decoding.errors import UnreadableImageError
from ..data.decoding.images import read_image
from ..geometry.alignment import fit_scale_and_shift
from ..geometry.disparity import PredictionKind
from ..models.compilation import force_eager
from ..models.loading import as_dtype, dtype_name, load_model, size_of
from ..models.modeling_depth_anything import DepthAnythingForDepthEstimation


logger = logging.getLogger(__name__)

ImageSource: TypeAlias = "str | os.PathLike[str] | tuple[str, np.ndarray] | tuple[str, Callable[[], np.ndarray]]"

# Stock model types that give metres whatever their configuration says.
METRIC_MODEL_TYPES = ("depth_pro", "glpn", "tipsv2_dpt", "zoedepth")
# Their raw output is not the depth of the image: ZoeDepth pads it, Depth Pro needs the focal length.
OWN_POST_PROCESSING = ("depth_pro", "zoedepth")
DECODING_THREADS = min(16, os.cpu_count() or 1)
# Images per pass where nobody says, on anything but a CPU.
ACCELERATOR_BATCH = 8


@dataclass
class Prediction:
    """What became of one image.

    Attributes:
        name: as given.
        values: float32 (H, W) at the image's own size, disparity or metres (`DepthPredictor.prediction_kind`);
            None after an error.
        error: why there are no values; None if there are.
        image_size: (height, width) after the EXIF orientation; None if the image could not be read.
        failed_in_model: whether the model's pass itself failed, most often for want of memory; a later try may not.
    """

    name: str
    values: np.ndarray | None = None
    error: str | None = None
    image_size: tuple[int, int] | None = None
    failed_in_model: bool = False


@dataclass
class _Item:
    """An image on its way through the predictor: prepared, then predicted."""

    name: str
    image_size: tuple[int, int] | None = None
    pixel_values: Tensor | None = None  # (3, h, w), normalised; None once a pass has it
    prediction: Prediction | None = None


class BatchScheduler:
    """The model's passes of one stream of images; where a pass fails, its images are tried one by one.

    Args:
        launch: begins a pass over inputs (3, h, w) for image sizes, told whether a larger one has failed, and returns
            what waits for its results.
        runs_ahead: whether the results of a pass are fetched only when the next one has begun.
    """

    def __init__(self, launch: Callable[..., Callable[[], list[np.ndarray]]], runs_ahead: bool) -> None:
        self._launch = launch
        self._runs_ahead = runs_ahead
        self._under_way: tuple[list[_Item], list[Tensor], Callable[[], list[np.ndarray]]] | None = None

    def run_all(self, by_size: dict[tuple[int, ...], list[_Item]]) -> None:
        """Predicts all groups, and finishes what is under way."""
        while by_size:
            self.run(by_size.pop(next(iter(by_size))))
        self.finish()

    def run(self, group: list[_Item], *, again: bool = False) -> None:
        """Predicts images of one processed size; when it returns, the pass may still be under way."""
        inputs = [item.pixel_values for item in group if item.pixel_values is not None]
        for item in group:
            item.pixel_values = None
        try:
            values: Callable[[], list[np.ndarray]] | None = self._launch(inputs, _sizes(group), again)
        except Exception as error:
            # Out of memory, most often. The retry stands outside so that the failed pass's tensors are freed first.
            values, reason = None, _explain(error)
        if values is None:
            self.finish()
            self._retry(group, inputs, reason)
            return
        earlier, self._under_way = self._under_way, (group, inputs, values)
        if earlier is not None:
            self._take(*earlier)
        if not self._runs_ahead:
            self.finish()

    def finish(self) -> None:
        """Waits for the pass that is under way, if there is one."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            self._take(*under_way)

    def _take(self, group: list[_Item], inputs: list[Tensor], values: Callable[[], list[np.ndarray]]) -> None:
        try:
            predicted: list[np.ndarray] | None = values()
        except Exception as error:
            predicted, reason = None, _explain(error)
        if predicted is None:
            self._retry(group, inputs, reason)
            return
        for item, array in zip(group, predicted, strict=True):
            item.prediction = _checked_prediction(item, array)

    def _retry(self, group: list[_Item], inputs: list[Tensor], reason: str) -> None:
        if len(group) == 1:
            name, size = group[0].name, group[0].image_size
            group[0].prediction = Prediction(name, error=reason, image_size=size, failed_in_model=True)
            return
        logger.warning("a batch of %d images failed, trying them one by one: %s", len(group), reason)
        for item, pixel_values in zip(group, inputs, strict=True):
            item.pixel_values = pixel_values
            self.run([item], again=True)
        self.finish()


class DepthPredictor:
    """Predicts disparity or depth for any number of images of any sizes.

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
        kind: "disparity" or "depth", for a model whose configuration does not say it; e.g. `facebook/dpt-dinov2-*`
            give metres, and nothing in their files says so.
        window_batches: so many batches of images may be open while equal sizes gather: the more sizes are mixed, the
            more of them fill the batches, and the more memory is taken.
        flip_averaging: predict the mirrored image too, mirror the result back, and give the mean of both, for twice
            the time. Two disparities of one image agree in scale and shift only roughly, so that the mirrored one is
            first brought to the other by least squares; where that fit reverses it, it is left out. Depth in metres
            is averaged as it is.
        compile: runs the model through `torch.compile` (on a GPU as a CUDA graph), which takes a minute or so to build
            for each processed size; for many images of few sizes. Batches that are not full are filled up with a
            copy, so that all have one size. For models of this package.

    Raises:
        ValueError: a batch size or window below 1, a precision that the model cannot run in, or a model of others to
            be compiled.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        processor: Any,
        *,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        batch_size: int = 1,
        prediction_kind: PredictionKind | None = None,
        window_batches: int = 4,
        flip_averaging: bool = False,
        compile: bool = False,
    ) -> None:
        for name, value in (("batch_size", batch_size), ("window_batches", window_batches)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if prediction_kind not in ("disparity", "depth", None):
            raise ValueError(f"prediction_kind must be 'disparity' or 'depth', got {prediction_kind!r}")
        self.model = cast(Any, model)
        if device is not None:
            self.model.to(device)
        self.processor = processor
        self.batch_size = batch_size
        self.window_batches = window_batches
        self.flip_averaging = flip_averaging
        self.prediction_kind: PredictionKind = prediction_kind or _prediction_kind_of(model)
        self._autocast_dtype = _autocast_dtype(model.dtype, as_dtype(dtype))
        self._is_compiled = compile
        if compile:
            if not isinstance(model, DepthAnythingForDepthEstimation):
                raise ValueError(f"only models of this package can be compiled here, not {type(model).__name__}")
            model.optimize_for_inference(dtype=model._inference_dtype, compile=True)
        # A GPU works by itself: what it computed is fetched when it has got the next batch.
        self._runs_ahead = self.device.type == "cuda"

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        batch_size: int | None = 1,
        input_size: int | None = None,
        prediction_kind: PredictionKind | None = None,
        window_batches: int = 4,
        flip_averaging: bool = False,
        compile: bool = False,
        **kwargs: Any,
    ) -> DepthPredictor:
        """Opens a checkpoint: Depth Anything as this package's model, other depth models as transformers' own.

        Depth Anything predicts by `optimize_for_inference`, unless an `attn_implementation` is asked for or the
        checkpoint has adapters or quantised layers.

        Args:
            name_or_path: model id on the Hub, or a folder.
            device: None takes this process's CUDA device, else Apple's, else the CPU.
            dtype: precision of the weights and the computation ("float32", "bfloat16", "float16" or torch's); None
                keeps the checkpoint's.
            batch_size: as for the class; None takes 8 on an accelerator and 1 on a CPU, where larger ones gain little
                and take more memory the more sizes are mixed.
            input_size: side that images are resized to instead of the checkpoint's; larger is sharper and slower.
            prediction_kind, window_batches, flip_averaging, compile: as for the class.
            **kwargs: to the model's `from_pretrained`; `revision`, `token` and the like also to the configuration and
                the processor.

        Raises:
            ValueError: not a depth model, an input size that does not fit it, an unknown precision, or weights that
                are damaged, incomplete or of another shape than the configuration says.
            OSError: no such folder or id on the Hub, or files missing in it.
        """
        name = os.fspath(name_or_path)
        model, processor = load_model(name, dtype=dtype, input_size=input_size, options=kwargs)
        if isinstance(model, DepthAnythingForDepthEstimation) and "attn_implementation" not in kwargs:
            # It refuses layers of other kinds, which then work as they are.
            with suppress(ValueError):
                model.optimize_for_inference()
        device = torch.device(device or default_device())
        if device.type == "cuda" and isinstance(model, DepthAnythingForDepthEstimation):
            # The decoder's maps are channels last; weights of the same order save a conversion at every pass.
            nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if batch_size is None:
            batch_size = 1 if device.type == "cpu" else ACCELERATOR_BATCH
        return cls(
            model,
            processor,
            device=device,
            batch_size=batch_size,
            prediction_kind=prediction_kind,
            window_batches=window_batches,
            flip_averaging=flip_averaging,
            compile=compile,
        )

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def input_size(self) -> int | None:
        """The side that the processor resizes to (its height, where it has two); None if it keeps the size."""
        return size_of(self.processor)

    @property
    def precision(self) -> str:
        """E.g. "float32", "bfloat16", or "bfloat16 autocast"."""
        if self._autocast_dtype is not None:
            return f"{dtype_name(self._autocast_dtype)} autocast"
        return dtype_name(self.model.dtype)

    def __call__(self, images: Iterable[ImageSource | None]) -> Iterator[Prediction]:
        """Predicts a stream of images with bounded memory.

        Args:
            images: paths; or pairs of a name and a uint8 (H, W, 3) image, or a function that returns one and is called
                in a decoding thread. The stream is read a little ahead. None between images is a bar line: those
                before it and those after it share no batch, so that the results of neither depend on the other.

        Yields:
            One `Prediction` for each image, in the order of the input. An image that cannot be read or predicted gives
            one with an error text and does not disturb its neighbours.
        """
        self.model.eval()
        window = self.window_batches * self.batch_size
        in_order: deque[_Item] = deque()
        by_size: dict[tuple[int, ...], list[_Item]] = {}
        passes = BatchScheduler(self._launch, self._runs_ahead)
        for item in self._prepare_ahead(images):
            if item is None:
                passes.run_all(by_size)
                yield from _finished(in_order)
                continue
            in_order.append(item)
            if item.pixel_values is not None:
                group = by_size.setdefault(tuple(item.pixel_values.shape), [])
                group.append(item)
                if len(group) == self.batch_size:
                    passes.run(by_size.pop(tuple(item.pixel_values.shape)))
            while len(in_order) >= window and in_order[0].prediction is None:
                oldest = in_order[0].pixel_values
                if oldest is None:
                    passes.finish()
                else:
                    passes.run(by_size.pop(tuple(oldest.shape)))
            yield from _finished(in_order)
        passes.run_all(by_size)
        yield from _finished(in_order)

    def predict(self, image: np.ndarray | str | os.PathLike[str] | Image.Image) -> np.ndarray:
        """One image (uint8 (H, W, 3), path, or PIL image) -> float32 (H, W); an error is raised."""
        self.model.eval()
        item = self._prepare(("image", image if isinstance(image, np.ndarray) else read_image(image)))
        assert item.pixel_values is not None and item.image_size is not None
        values = self._launch([item.pixel_values], [item.image_size])()[0]
        _check_finite(values)
        return values

    def _prepare_ahead(self, images: Iterable[ImageSource | None]) -> Iterator[_Item | None]:
        """Decodes and resizes in threads while the model works; in order, a bounded number ahead."""
        look_ahead = DECODING_THREADS + self.batch_size
        pool = ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decode")
        futures: deque[Future[_Item | None]] = deque()
        try:
            for source in images:
                futures.append(pool.submit(self._prepare_or_explain, source))
                if len(futures) > look_ahead:
                    yield futures.popleft().result()
            while futures:
                yield futures.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _prepare_or_explain(self, source: ImageSource | None) -> _Item | None:
        if source is None:
            return None
        try:
            return self._prepare(source)
        except Exception as error:
            # Decoders, datasets and processors raise all kinds of exceptions; each costs one image, not the run.
            name = _name_of(source)
            return _Item(name, prediction=Prediction(name, error=_explain(error)))

    def _prepare(self, source: ImageSource) -> _Item:
        if isinstance(source, tuple):
            name, image = source[0], source[1]() if callable(source[1]) else source[1]
        else:
            name, image = _name_of(source), read_image(source)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ValueError(f"{name}: expected a uint8 image (H, W, 3), got {image.dtype} {image.shape}")
        # The layout is stated because a picture 3 pixels high would be taken for channels first.
        processed = self.processor(images=image, input_data_format="channels_last", return_tensors="pt")
        return _Item(name, (image.shape[0], image.shape[1]), processed["pixel_values"][0])

    @torch.inference_mode()
    def _launch(
        self, inputs: Sequence[Tensor], sizes: Sequence[tuple[int, int]], again: bool = False
    ) -> Callable[[], list[np.ndarray]]:
        """Begins a pass over images (3, h, w) of one processed size.

        Args:
            inputs: prepared images.
            sizes: (height, width) of each image.
            again: whether a larger pass has failed. A compiled model then takes the usual way, without filling the
                batch up to the size that it was built for, which would fail again.

        Returns:
            What waits for its end and gives float32 (H, W) each, at the given sizes.
        """
        missing = self.batch_size - len(inputs) if self._is_compiled and not again else 0
        pixel_values = torch.stack([*inputs, *[inputs[-1]] * missing])
        # Copies that are not waited for need an event to wait for, which only CUDA has here.
        is_cuda = self.device.type == "cuda"
        # An event marks a place in the work of the current device, which need not be the model's.
        on_device = torch.cuda.device(self.device) if is_cuda else nullcontext()
        with on_device, force_eager() if self._is_compiled and again else nullcontext():
            if is_cuda:
                pixel_values = pixel_values.pin_memory()
            pixel_values = pixel_values.to(self.device, self.model.dtype, non_blocking=is_cuda)
            maps = self._maps(pixel_values, sizes)
            mirrored = self._maps(pixel_values.flip(-1), sizes) if self.flip_averaging else []
            on_host = [one.to("cpu", non_blocking=is_cuda) for one in (*maps, *mirrored)]
            end = torch.cuda.Event() if is_cuda else None
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
        """(B, 3, h, w) -> float32 (H, W) each, at the given sizes, which may be fewer than B."""
        with self.autocast():
            output = self.model(pixel_values=pixel_values)
        if self.model.config.model_type in OWN_POST_PROCESSING:
            results = self.processor.post_process_depth_estimation(output, sizes)
            return [result["predicted_depth"].float() for result in results]
        maps = output.predicted_depth.float()[: len(sizes), None]  # (B, 1, h, w)
        bicubic = getattr(self.processor, "upsampling", None) == "bicubic"
        return [_resize(one, size, bicubic=bicubic) for one, size in zip(maps, sizes, strict=True)]

    def autocast(self) -> AbstractContextManager[Any]:
        """The context of a forward pass: autocast where the predictor was asked for another precision."""
        if self._autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self._autocast_dtype)


def default_device() -> torch.device:
    """This process's CUDA device (by `LOCAL_RANK` or `SLURM_LOCALID`), else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        # Slurm may show each of its processes one GPU only, whatever their number.
        under_slurm = int(os.environ.get("SLURM_LOCALID", 0)) % torch.cuda.device_count()
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", under_slurm)))
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _sizes(group: Sequence[_Item]) -> list[tuple[int, int]]:
    return [item.image_size for item in group if item.image_size is not None]


def _finished(in_order: deque[_Item]) -> Iterator[Prediction]:
    while in_order:
        prediction = in_order[0].prediction
        if prediction is None:
            return
        in_order.popleft()
        yield prediction


def _resize(one: Tensor, size: tuple[int, int], *, bicubic: bool) -> Tensor:
    """(1, h, w) -> float32 (H, W), as stock does or as the original does."""
    mode = "bicubic" if bicubic else "bilinear"
    return F.interpolate(one[None], size=size, mode=mode, align_corners=not bicubic)[0, 0]


def flip_mean(straight: np.ndarray, mirrored_back: np.ndarray, kind: PredictionKind) -> np.ndarray:
    """Mean of a prediction and that of the mirrored image, mirrored back.

    Args:
        straight: float32 (H, W).
        mirrored_back: float32 (H, W).
        kind: "disparity" brings the second to the scale and shift of the first by least squares, and leaves it out
            where that reverses it; "depth" takes both as they are.

    Returns:
        float32 (H, W).
    """
    if kind == "disparity" and np.isfinite(straight).all() and np.isfinite(mirrored_back).all():
        scale, shift = fit_scale_and_shift(mirrored_back, straight, np.ones(straight.shape, dtype=bool))
        if scale <= 0:
            return straight
        mirrored_back = scale * mirrored_back + shift
    return ((straight + mirrored_back) / 2).astype(np.float32)


def _checked_prediction(item: _Item, values: np.ndarray) -> Prediction:
    try:
        _check_finite(values)
    except ValueError as error:
        return Prediction(item.name, error=str(error), image_size=item.image_size)
    return Prediction(item.name, values, image_size=item.image_size)


def _check_finite(values: np.ndarray) -> None:
    broken = values.size - int(np.isfinite(values).sum())
    if broken:
        raise ValueError(
            f"the model gave NaN or infinity at {broken} of {values.size} pixels; "
            "with float16, try bfloat16 or float32"
        )


def _name_of(source: ImageSource) -> str:
    return source[0] if isinstance(source, tuple) else os.fspath(source)


def _explain(error: Exception) -> str:
    """Errors that name the file speak for themselves, others are led by their type."""
    speaks_for_itself = isinstance(error, UnreadableImageError | FileNotFoundError)
    return str(error) if speaks_for_itself else f"{type(error).__name__}: {error}"


def _prediction_kind_of(model: PreTrainedModel) -> PredictionKind:
    config = model.config
    is_metric = getattr(config, "depth_estimation_type", None) == "metric" or config.model_type in METRIC_MODEL_TYPES
    return "depth" if is_metric else "disparity"


def _autocast_dtype(model_dtype: torch.dtype, wanted: torch.dtype | None) -> torch.dtype | None:
    if wanted is None or wanted == model_dtype:
        return None
    if model_dtype != torch.float32 or wanted not in (torch.bfloat16, torch.float16):
        raise ValueError(
            f"a {dtype_name(model_dtype)} model cannot run in {dtype_name(wanted)} by autocast; "
            "convert it first, e.g. model.float()"
        )
    return wanted
