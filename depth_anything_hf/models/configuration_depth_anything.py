# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Model configuration: stock's, with the published sizes and with defaults derived from the encoder."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from transformers import DepthAnythingConfig as StockDepthAnythingConfig
from transformers import Dinov2Config, PreTrainedConfig

from ..geometry.depth_units import units_per_metre
from ..utils.redaction import is_local_path, redact_name
from ..utils.typed_fields import convert_argument
from .configuration_values import DEPTH_VALUES, configuration_values


logger = logging.getLogger(__name__)

FeatureLayers: TypeAlias = Literal["v1", "v2"]

# Widths of the published models and the encoder layers whose features feed their decoders
# (DepthAnything/Depth-Anything-V2, depth_anything_v2/dpt.py). Layers are counted as transformers counts backbone
# stages: stage n is the output of the n-th layer, 1-based.
PUBLISHED_SIZES: dict[str, dict[str, Any]] = {
    "small": {
        "encoder": {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6},
        "neck_hidden_sizes": [48, 96, 192, 384],
        "fusion_hidden_size": 64,
        "feature_layers": {"v1": [9, 10, 11, 12], "v2": [3, 6, 9, 12]},
    },
    "base": {
        "encoder": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12},
        "neck_hidden_sizes": [96, 192, 384, 768],
        "fusion_hidden_size": 128,
        "feature_layers": {"v1": [9, 10, 11, 12], "v2": [3, 6, 9, 12]},
    },
    "large": {
        "encoder": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16},
        "neck_hidden_sizes": [256, 512, 1024, 1024],
        "fusion_hidden_size": 256,
        "feature_layers": {"v1": [21, 22, 23, 24], "v2": [5, 12, 18, 24]},
    },
    "giant": {
        "encoder": {
            "hidden_size": 1536,
            "num_hidden_layers": 40,
            "num_attention_heads": 24,
            "use_swiglu_ffn": True,
        },
        "neck_hidden_sizes": [1536, 1536, 1536, 1536],
        "fusion_hidden_size": 384,
        "feature_layers": {"v1": [37, 38, 39, 40], "v2": [10, 20, 30, 40]},
    },
}
# Smaller than any published one, with the decoder that follows from its width. There is no DINOv2 of this size.
SIZES: dict[str, dict[str, Any]] = {
    "tiny": {
        "encoder": {"hidden_size": 192, "num_hidden_layers": 12, "num_attention_heads": 3},
        "feature_layers": {"v1": [9, 10, 11, 12], "v2": [3, 6, 9, 12]},
    },
    **PUBLISHED_SIZES,
}


class DepthAnythingConfig(StockDepthAnythingConfig):  # type: ignore[no-untyped-call]
    """Configuration of [`DepthAnythingForDepthEstimation`], readable by stock transformers.

    A saved file has `model_type: depth_anything` and opens in both. A missing `max_depth` means 1 on every
    transformers release. Stock reads the field as an integer and refuses fractions; so does this. A file of the Hub
    that says `depth_estimation` instead of `depth_estimation_type` is read as it was meant, with a warning.

    Two fields are not stock's, which keeps them without using them:

    Attributes:
        depth_unit: of a metric model's output and of `max_depth`: "m", the default, "cm" or "mm". Stock's output
            is the same number. Predictors, losses and commands of this package convert to metres
            (`geometry.depth_units.to_metres`). The default is not written into files.
        interpolate_offset: what is added to both sides of the patch grid (0 <= offset < 1) when the encoder's position
            embeddings are interpolated to it. 0.0, the default, is transformers' interpolation; 0.1 is that of the
            authors' code (DINOv2's `interpolate_pos_encoding`), with which their checkpoints were trained.

    Raises:
        ValueError: `interpolate_offset` is out of range, `depth_estimation` is neither relative nor metric,
            `depth_unit` is unknown or a relative model's, or `max_depth` of a metric model is not above 0.
    """

    if TYPE_CHECKING:
        # Optional in a file, always there in a configuration.
        backbone_config: Any = None
        max_depth: Any = 1
        interpolate_offset: float = 0.0
        depth_unit: Literal["m", "cm", "mm"] = "m"
    else:
        # Without annotation they are no fields of the dataclass, so that a file of the defaults is stock's to the
        # letter.
        interpolate_offset = 0.0
        depth_unit = "m"

    def __post_init__(self, **kwargs: Any) -> None:
        if self.max_depth is None:
            self.max_depth = 1
        if "depth_estimation" in kwargs:
            self._repair_depth_estimation_type(kwargs.pop("depth_estimation"))
        # Before stock's own, which in transformers 5.17 turns a max_depth of 0 into 1.
        require_valid_range(self)
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        if not isinstance(self.interpolate_offset, int | float) or not 0 <= self.interpolate_offset < 1:
            raise ValueError(
                f"interpolate_offset is {self.interpolate_offset!r}, expected a number of at least 0 and less than 1: "
                "0.0 (transformers) or 0.1 (the authors' code)"
            )
        require_valid_range(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values; `depth_unit` only where it is not the metre.

        Of an encoder from a local folder, which transformers names, only the folder's name is left: files with these
        values are published.
        """
        values: dict[str, Any] = super().to_dict()
        if values.get("depth_unit") == "m":
            del values["depth_unit"]
        for part in (values, values.get("backbone_config")):
            name = part.get("_name_or_path") if isinstance(part, dict) else None
            if name and is_local_path(name):
                part["_name_or_path"] = redact_name(name)  # type: ignore[index]
        return values

    def _repair_depth_estimation_type(self, meant: Any) -> None:
        """`depth-anything/Depth-Anything-V2-Metric-Indoor-Large-hf` has the field by this name; stock overlooks it."""
        if meant not in ("relative", "metric"):
            raise ValueError(f"depth_estimation is {meant!r}, expected relative or metric")
        if meant != self.depth_estimation_type:
            logger.warning(
                "the configuration has depth_estimation=%r where depth_estimation_type is meant; it is read as a %s "
                "model's. Save it again to repair the file",
                meant,
                meant,
            )
            self.depth_estimation_type = meant

    @classmethod
    def from_size(
        cls,
        size: Literal["tiny", "small", "base", "large", "giant"],
        *,
        feature_layers: FeatureLayers = "v2",
        **kwargs: Any,
    ) -> DepthAnythingConfig:
        """Return the configuration of a published model size, or of a smaller one.

        Args:
            size: "small" (24.8 M parameters), "base" (97.5 M), "large" (335.3 M) or "giant" (1.3 B, SwiGLU); or
                "tiny" (6.4 M), which is not published, has no pretrained encoder, and is for students.
            feature_layers: encoder layers whose features feed the decoder: "v2" takes four intermediate ones, "v1" the
                last four, as in Depth Anything V2 and V1.
            **kwargs: other fields of the configuration, e.g. `depth_estimation_type="metric", max_depth=20`.

        Raises:
            ValueError: the size or the feature layers are unknown, or a field is unknown or of another kind.
        """
        if not isinstance(size, str) or size not in SIZES:
            raise ValueError(f"unknown size {size!r}, expected one of {', '.join(sorted(SIZES))}")
        preset = SIZES[size]
        if not isinstance(feature_layers, str) or feature_layers not in preset["feature_layers"]:
            raise ValueError(
                f"unknown feature_layers {feature_layers!r}, expected 'v1' (the last four layers) or 'v2' (four "
                "intermediate layers); for other layers give from_encoder_config their out_indices"
            )
        encoder = Dinov2Config(image_size=518, patch_size=14, mlp_ratio=4, **preset["encoder"])
        return cls.from_encoder_config(encoder, out_indices=preset["feature_layers"][feature_layers], **kwargs)

    @classmethod
    def from_encoder_config(
        cls, encoder: PreTrainedConfig, *, out_indices: list[int] | None = None, **kwargs: Any
    ) -> DepthAnythingConfig:
        """Return the configuration of a fresh decoder on a given DINOv2 encoder.

        The decoder's widths are the published ones where a published model has this encoder's width; otherwise they
        grow from 1/8 of the encoder's width to the whole width, with 1/6 of it (in steps of 8) for the fusion.

        Args:
            encoder: a `Dinov2Config` or `Dinov2WithRegistersConfig`; copied, not changed.
            out_indices: the four layers whose features feed the decoder, 1-based; default: the published V2 layers of
                an encoder of this width and depth, else four evenly spaced ones that end at the last layer.
            **kwargs: other fields of the configuration, which win over the derived ones.

        Raises:
            ValueError: `out_indices` are not four increasing layer numbers of the encoder, or a field is unknown, of
                another kind or that of the encoder.
        """
        if "backbone_config" in kwargs:
            raise ValueError("backbone_config is that of the encoder, whose fields are changed there; leave it out")
        kwargs = configuration_values(cls, kwargs, DEPTH_VALUES)
        out_indices = convert_argument("out_indices", out_indices, list[int] | None)
        width, depth = encoder.hidden_size, encoder.num_hidden_layers
        if width % encoder.num_attention_heads:
            # transformers would make heads that are together narrower.
            raise ValueError(
                f"hidden_size of the encoder is {width}, expected a multiple of its num_attention_heads, "
                f"{encoder.num_attention_heads}"
            )
        preset = next((p for p in PUBLISHED_SIZES.values() if p["encoder"]["hidden_size"] == width), None)
        if out_indices is None:
            same_depth = preset if preset and preset["encoder"]["num_hidden_layers"] == depth else None
            out_indices = (
                same_depth["feature_layers"]["v2"] if same_depth else [round(depth * k / 4) for k in (1, 2, 3, 4)]
            )
        if len(out_indices) != 4 or sorted(set(out_indices)) != list(out_indices) or out_indices[0] < 1:
            raise ValueError(
                f"out_indices must be four increasing layer numbers, counted from 1, got {list(out_indices)}; "
                f"e.g. {[round(depth * k / 4) for k in (1, 2, 3, 4)]} for an encoder of {depth} layers"
            )
        if out_indices[-1] > depth:
            raise ValueError(
                f"out_indices {list(out_indices)} reach beyond the encoder's {depth} layers; the last must be at most "
                f"{depth}"
            )
        backbone_config = encoder.to_dict()
        # `stage_names` and `out_features` describe the encoder file's own use as a backbone; they are derived again.
        for key in ("stage_names", "out_features", "architectures"):
            backbone_config.pop(key, None)
        backbone_config.update(out_indices=list(out_indices), reshape_hidden_states=False, apply_layernorm=True)
        derived: dict[str, Any] = {
            "patch_size": encoder.patch_size,
            "reassemble_hidden_size": width,
            "neck_hidden_sizes": preset["neck_hidden_sizes"]
            if preset
            else [width // 8, width // 4, width // 2, width],
            "fusion_hidden_size": preset["fusion_hidden_size"] if preset else max(8, round(width / 6 / 8) * 8),
        }
        return cls(backbone_config=type(encoder)(**backbone_config), **{**derived, **kwargs})


def require_valid_range(config: StockDepthAnythingConfig) -> None:
    """Raise ValueError unless `max_depth` and `depth_unit` fit the kind of the model.

    Loaders set fields of a configuration after it has checked itself, so a model checks it once more.
    """
    units_per_metre(config)
    unit = getattr(config, "depth_unit", "m")
    is_metric = config.depth_estimation_type == "metric"
    if is_metric and config.max_depth is not None and config.max_depth < 1:
        raise ValueError(
            f"max_depth of a metric model is {config.max_depth}, expected a whole number of at least 1 in its "
            f"depth_unit {unit!r}; a cap below a metre is one in millimetres: 0.35 m is max_depth=350 with "
            "depth_unit='mm'"
        )
    if not is_metric and unit != "m":
        raise ValueError(
            f"depth_unit is {unit!r}, but a relative model's disparity has no unit; leave it out (or set it back to "
            "'m' beside depth_estimation_type='relative')"
        )
