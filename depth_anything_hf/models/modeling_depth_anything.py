# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The model: a DINOv2 encoder, the DPT neck and head, and a loss when labels are given."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import AutoModel, Dinov2Model, Dinov2WithRegistersModel, PreTrainedModel
from transformers import initialization as init

from ..cpu.layers import CPU_HEADS, faster_linears
from ..geometry.depth_units import max_depth_in_metres, to_metres
from ..geometry.disparity import PredictionKind
from ..losses.reduction import mean_over_images
from ..losses.relative import relative_depth_losses
from ..losses.silog import silog_loss
from ..utils.paths import expand_home
from .adapters import find_adapters, open_adapters, own_adapter_names
from .attention_weights import with_attentions
from .configuration_depth_anything import DepthAnythingConfig, require_valid_range
from .dpt_head import DepthAnythingHead, DepthAnythingNeck
from .missing import name_what_is_missing
from .outputs import DepthAnythingOutput
from .parameter_names import accept_all_names, unused_prefixes
from .position_embeddings import exported_position_embeddings, is_exporting, offset_position_embeddings


ENCODERS = {"dinov2": Dinov2Model, "dinov2_with_registers": Dinov2WithRegistersModel}

# Metres; the loss of a metric model, which takes the logarithm, ignores labels below. No published one has such.
SMALLEST_METRIC_DEPTH = 1e-3


def _predict_map(model: DepthAnythingForDepthEstimation, pixel_values: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, H, W); what is compiled is a function of the model, so that copies of it stay apart."""
    height, width = pixel_values.shape[-2:]
    features, _, _ = model.encode(pixel_values)
    maps = [model.patch_grid(tokens, height, width) for tokens in features]
    predicted: Tensor = model.head(model.neck(maps), (height, width))
    return predicted


class DepthAnythingForDepthEstimation(PreTrainedModel):  # type: ignore[no-untyped-call]
    """Depth Anything for training and inference; its files and stock transformers' are the same.

    `backbone`, `neck` and `head` carry stock's parameter names, and the encoder is transformers' own `Dinov2Model`
    (or its variant with registers): a stock checkpoint opens here and a checkpoint saved here opens in
    `AutoModelForDepthEstimation` and `pipeline("depth-estimation")`.
    """

    config_class = DepthAnythingConfig
    config: DepthAnythingConfig
    base_model_prefix = "depth_anything"
    main_input_name = "pixel_values"
    # Lists, as transformers declares them.
    input_modalities = ["image"]  # noqa: RUF012
    supports_gradient_checkpointing = True
    _no_split_modules = [  # noqa: RUF012
        "Dinov2Layer",
        "Dinov2WithRegistersLayer",
        "DepthAnythingNeck",
        "DepthAnythingHead",
    ]
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    # The loss is a mean over the images of one call. Because `forward` takes any keyword, `transformers.Trainer` would
    # otherwise expect a sum over all accumulated batches, and not divide by their number.
    accepts_loss_kwargs = False

    def __init__(self, config: DepthAnythingConfig) -> None:
        if config._attn_implementation is None and config.backbone_config._attn_implementation is None:
            config._attn_implementation = CPU_HEADS
        super().__init__(config)
        encoder_config = config.backbone_config
        if encoder_config.model_type not in ENCODERS:
            raise ValueError(
                f"this model needs a DINOv2 encoder ({' or '.join(ENCODERS)}), backbone_config.model_type is "
                f"{encoder_config.model_type!r}"
            )
        if config.depth_estimation_type not in ("relative", "metric"):
            raise ValueError(f"depth_estimation_type is {config.depth_estimation_type!r}, expected relative or metric")
        require_valid_range(config)
        self.patch_size = int(config.patch_size if isinstance(config.patch_size, int) else config.patch_size[0])
        # Stage n is the output of the n-th layer, stage 0 that of the embeddings; negative ones count from the end.
        stages = encoder_config.num_hidden_layers + 1
        self.out_indices: list[int] = [int(index) % stages for index in encoder_config.out_indices]
        # The class token, and the registers where the encoder has them, come before the patch tokens.
        self.prefix_tokens = 1 + int(getattr(encoder_config, "num_register_tokens", 0) or 0)
        self.interpolate_offset = float(getattr(config, "interpolate_offset", 0.0))
        self.backbone = ENCODERS[encoder_config.model_type](encoder_config)
        accept_all_names(self.backbone)
        self._inference_dtype: torch.dtype | None = None
        self._compiled: Callable[..., Tensor] | None = None
        self.neck = DepthAnythingNeck(config)
        self.head = DepthAnythingHead(config)
        self.post_init()  # type: ignore[no-untyped-call]
        self._freeze_parameters_without_use()

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:
        """Open a checkpoint of this package or of stock transformers; see `PreTrainedModel.from_pretrained`.

        Adapters alone are opened with their base and stay layers of their own, see `adapters.open_adapters`.
        """
        name = expand_home(args[0] if args else kwargs.pop("pretrained_model_name_or_path", None))
        if (adapters := find_adapters(name, kwargs)) is not None:
            return open_adapters(cls, adapters, *args[1:], **kwargs)
        with own_adapter_names(name) as place:
            loaded = super().from_pretrained(place, *args[1:], **kwargs)
        model = loaded[0] if isinstance(loaded, tuple) else loaded
        # Loading replaces the parameters, frozen ones included.
        model._freeze_parameters_without_use()
        return loaded

    def save_pretrained(self, save_directory: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
        """Save as `PreTrainedModel.save_pretrained` does, `~/` at the start of the folder expanded."""
        super().save_pretrained(expand_home(save_directory), *args, **kwargs)

    @classmethod
    def from_encoder(
        cls,
        encoder_name_or_path: str,
        *,
        encoder_options: dict[str, Any] | None = None,
        **config_options: Any,
    ) -> DepthAnythingForDepthEstimation:
        """Put a fresh decoder on a pretrained DINOv2 encoder: where the paper starts teacher and students.

        Args:
            encoder_name_or_path: e.g. "facebook/dinov2-small", or a folder.
            encoder_options: passed to the encoder's `from_pretrained` (`revision`, `attn_implementation`, `dtype`...).
            **config_options: fields of [`DepthAnythingConfig`], e.g. `depth_estimation_type="metric", max_depth=20`
                or `out_indices=[9, 10, 11, 12]`.

        Raises:
            ValueError: the checkpoint is not a DINOv2 encoder, or `config_options` do not fit it or are for loading.
            OSError: no such folder or id on the Hub, or files missing in it.
        """
        loading = {"dtype", "torch_dtype", "revision", "attn_implementation", "token"} & config_options.keys()
        if loading:
            raise ValueError(f"{', '.join(sorted(loading))}: load the encoder so, by encoder_options={{...}}")
        encoder_name_or_path = expand_home(encoder_name_or_path)
        with name_what_is_missing(encoder_name_or_path):
            encoder = AutoModel.from_pretrained(encoder_name_or_path, **(encoder_options or {}))
        if encoder.config.model_type not in ENCODERS:
            raise ValueError(
                f"{encoder_name_or_path} is a {encoder.config.model_type!r} model, expected a DINOv2 encoder such as "
                "facebook/dinov2-small"
            )
        config = cls.config_class.from_encoder_config(encoder.config, **config_options)
        config._attn_implementation = (encoder_options or {}).get("attn_implementation", CPU_HEADS)
        model = cls(config)
        model.to(encoder.dtype)
        model.backbone.load_state_dict(encoder.state_dict(), strict=True)
        return model

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Initialize the decoder as PyTorch does; the encoder, a model of its own, initializes itself as stock does.

        With stock's standard deviation of 0.02 a fresh decoder's output is about 1e-6 and does not train. PyTorch's
        default, Kaiming initialization for a leaky ReLU of slope sqrt(5), is also the authors'. The last bias lifts a
        fresh relative head to `INITIAL_DISPARITY`.
        """
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            init.kaiming_uniform_(module.weight, a=5**0.5)
            if module.bias is not None:
                limit = (module.weight.shape[1] * module.weight[0, 0].numel()) ** -0.5
                init.uniform_(module.bias, -limit, limit)
                initial_bias: Any = getattr(module, "initial_bias", None)
                if initial_bias is not None:
                    init.constant_(module.bias, initial_bias)

    def _freeze_parameters_without_use(self) -> None:
        # So that DDP needs no find_unused_parameters.
        unused = unused_prefixes(self.config.backbone_config, self.out_indices)
        for name, parameter in self.named_parameters():
            if name.startswith(unused):
                parameter.requires_grad_(False)

    def optimize_for_inference(
        self, enabled: bool = True, *, dtype: torch.dtype | None = None, compile: bool = False
    ) -> DepthAnythingForDepthEstimation:
        """Choose the precision of predictions, and whether they are compiled: in evaluation mode, without gradients.

        Parameters, names and saved files stay as they are, and training computes as before. What is faster without
        being chosen, such as the kernels for CPUs, every forward pass has in any case.

        Args:
            enabled: False undoes it.
            dtype: compute in this precision, e.g. `torch.bfloat16`, by autocast; the parameters keep theirs. A model
                that only predicts is faster and smaller when it is opened in that precision instead.
            compile: run predictions that ask for nothing but the map through `torch.compile`; on a GPU as a CUDA
                graph. Building takes about a minute for each new size of images and of the batch.

        Returns:
            The model.
        """
        self._inference_dtype = dtype if enabled else None
        self._compiled = None
        if enabled and compile:
            # Reduced overhead is PyTorch's name for CUDA graphs.
            mode = "reduce-overhead" if self.device.type == "cuda" else "default"
            self._compiled = torch.compile(_predict_map, mode=mode, dynamic=False)
        return self

    def _is_predicting(self) -> bool:
        return not (self.training or torch.is_grad_enabled())

    def _precision(self) -> AbstractContextManager[Any]:
        if self._inference_dtype is None or not self._is_predicting():
            return nullcontext()
        return torch.autocast(self.device.type, self._inference_dtype)

    def _positions(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """Position embeddings of the class token and the patches (1, 1 + N, C) for an image of this size."""
        embeddings = self.backbone.embeddings
        grid = (height // self.patch_size, width // self.patch_size)
        if is_exporting():
            return exported_position_embeddings(embeddings, grid, self.interpolate_offset)
        if not self.interpolate_offset:
            return cast(Tensor, embeddings.interpolate_pos_encoding(tokens, height, width))
        return offset_position_embeddings(embeddings.position_embeddings, grid, self.interpolate_offset)

    def embed(self, pixel_values: Tensor) -> Tensor:
        """Embed images (B, 3, H, W): the encoder's first state (B, prefix + N, C); see `config.interpolate_offset`."""
        embeddings = self.backbone.embeddings
        if not (self.interpolate_offset or is_exporting()):
            return cast(Tensor, embeddings(pixel_values))
        height, width = pixel_values.shape[-2:]
        # As stock's embeddings do; mixed precision converts by itself.
        patches = embeddings.patch_embeddings(pixel_values.to(embeddings.patch_embeddings.projection.weight.dtype))
        # `len` of a tensor would fix the batch of an exported graph.
        tokens = torch.cat([embeddings.cls_token.expand(patches.shape[0], -1, -1), patches], dim=1)
        tokens = tokens + self._positions(tokens, height, width).to(tokens.dtype)
        if self.prefix_tokens > 1:
            registers = embeddings.register_tokens.expand(tokens.shape[0], -1, -1)
            tokens = torch.cat([tokens[:, :1], registers, tokens[:, 1:]], dim=1)
        return cast(Tensor, embeddings.dropout(tokens))

    def encode(
        self, pixel_values: Tensor, *, to_the_end: bool = False, keep_all: bool = False
    ) -> tuple[list[Tensor], Tensor, list[Tensor]]:
        """Run the encoder as far as it is needed.

        Args:
            pixel_values: (B, 3, H, W), normalized.
            to_the_end: also run the layers behind the last one of `out_indices`.
            keep_all: also keep the state before the first and after each layer.

        Returns:
            Features of the layers in `out_indices`, each (B, prefix + N, C) and normalized where the configuration
            says so; the last state; and the kept states.
        """
        hidden = self.embed(pixel_values)
        layers = self.backbone.encoder.layer[: None if to_the_end else self.out_indices[-1]]
        normalize = self.backbone.layernorm if self.config.backbone_config.apply_layernorm else nn.Identity()
        states = [hidden] if keep_all else []
        features = [normalize(hidden)] if 0 in self.out_indices else []
        with faster_linears(hidden, layers):
            for number, layer in enumerate(layers, start=1):
                hidden = layer(hidden)
                if keep_all:
                    states.append(hidden)
                if number in self.out_indices:
                    features.append(normalize(hidden))
        return features, hidden, states

    def patch_grid(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """View patch tokens (B, prefix + N, C) as a feature map (B, C, H/14, W/14), channels last in memory."""
        rows_and_columns = (height // self.patch_size, width // self.patch_size)
        return torch.unflatten(tokens[:, self.prefix_tokens :], 1, rows_and_columns).permute(0, 3, 1, 2)

    def forward(
        self,
        pixel_values: Tensor,
        labels: Tensor | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        output_patch_tokens: bool = False,
        return_dict: bool | None = None,
        **kwargs: Any,
    ) -> DepthAnythingOutput | tuple[Tensor, ...]:
        """Predict disparity (relative model) or depth (metric model).

        Args:
            pixel_values: (B, 3, H, W) images normalized with ImageNet's mean and standard deviation; H and W are
                multiples of the patch size (14).
            labels: (B, H, W), NaN where unknown: disparity for a relative model (any scale and shift; sky is 0), depth
                in metres for a metric model. The loss is the paper's: scale-and-shift-invariant error plus twice the
                gradient matching for a relative model, SILog over all valid pixels of the batch for a metric one.
                Depth beyond `max_depth` is ignored.
            output_hidden_states: also return the encoder's states.
            output_attentions: also return the attention weights of every layer; needs `attn_implementation="eager"`.
            output_patch_tokens: also return the encoder's final normalized patch tokens, for feature alignment.
            return_dict: False gives a tuple.
            **kwargs: ignored; `transformers` passes some to every model.

        Raises:
            ValueError: H or W is not a multiple of the patch size, the labels have another shape, or attention weights
                are requested of a kernel that keeps none.
        """
        if self.config.output_attentions if output_attentions is None else output_attentions:
            wanted: dict[str, Any] = {
                "output_hidden_states": output_hidden_states,
                "output_patch_tokens": output_patch_tokens,
            }
            return with_attentions(self, pixel_values, labels=labels, return_dict=return_dict, **wanted)
        height, width = pixel_values.shape[-2:]
        self._check_size(height, width)
        # None means the configuration's default, as in stock.
        keep_all = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        last_hidden = pixel_values
        states: list[Tensor] = []
        with self._precision():
            if self._compiled is not None and self._is_predicting() and not (keep_all or output_patch_tokens):
                # A CUDA graph reuses the memory of its output.
                predicted_depth = self._compiled(self, pixel_values).clone()
            else:
                features, last_hidden, states = self.encode(
                    pixel_values, to_the_end=output_patch_tokens, keep_all=bool(keep_all)
                )
                fused = self.neck([self.patch_grid(tokens, height, width) for tokens in features])
                predicted_depth = self.head(fused, (height, width))
        patch_tokens = None
        if output_patch_tokens:
            patch_tokens = self.backbone.layernorm(last_hidden)[:, self.prefix_tokens :]
        output = DepthAnythingOutput(
            loss=None if labels is None else self.loss(predicted_depth, labels),
            predicted_depth=predicted_depth,
            hidden_states=tuple(states) if keep_all else None,
            patch_tokens=patch_tokens,
        )
        as_dict = self.config.return_dict if return_dict is None else return_dict
        return output if as_dict else output.to_tuple()

    def loss(self, predicted_depth: Tensor, labels: Tensor) -> Tensor:
        """Compute the default training loss, a scalar; images without a valid pixel do not count. See `forward`."""
        if predicted_depth.shape != labels.shape:
            raise ValueError(
                f"labels have shape {tuple(labels.shape)}, expected the prediction's {tuple(predicted_depth.shape)}"
            )
        if self.config.depth_estimation_type == "metric":
            predicted_depth = to_metres(predicted_depth, self.config)
            valid = (labels >= SMALLEST_METRIC_DEPTH) & (labels <= cast(float, max_depth_in_metres(self.config)))
            return mean_over_images(silog_loss(predicted_depth, labels, valid, over="batch"))[0]
        ssi, gradient = relative_depth_losses(predicted_depth, labels)
        return mean_over_images(ssi + 2 * gradient)[0]

    def _check_size(self, height: int, width: int) -> None:
        patch = self.patch_size
        if height % patch or width % patch:
            nearest = tuple(max(patch, round(side / patch) * patch) for side in (height, width))
            raise ValueError(
                f"the image is {height}x{width}, but height and width must be multiples of {patch}; "
                f"the nearest valid size is {nearest[0]}x{nearest[1]}"
            )

    @property
    def prediction_kind(self) -> PredictionKind:
        """Kind of `predicted_depth`: a relative model's "disparity", a metric one's "depth" in `config.depth_unit`."""
        return "depth" if self.config.depth_estimation_type == "metric" else "disparity"
