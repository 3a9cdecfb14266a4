"""The parts of SAM 2 that pictures need, put together from the `sam2` package's own modules.

A `SAM2Base` also holds what follows things through films: memory attention, memory encoder, object pointers. They
are not built here, nor are sine positions, which only they read (89 MB for a square of 1,024 pixels).
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from sam2.modeling.backbones.hieradet import Hiera
from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
from sam2.modeling.sam.mask_decoder import MaskDecoder
from sam2.modeling.sam.prompt_encoder import PromptEncoder
from sam2.modeling.sam.transformer import TwoWayTransformer
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.sam2.checkpoints import SIDE_PX, Architecture

STRIDE_PX = 16  # pixels of the square for each cell of the embedding
MASK_SCALE = 4  # cells of mask logits for each cell of the embedding, along each side
MASKS = 3  # of one prompt, for what it may mean: the whole, a part, a part of a part

_flag: ContextVar[CancelFlag | None] = ContextVar("sam2_cancel_flag", default=None)


class Sam2Network(nn.Module):
    """Image encoder, prompt encoder and mask decoder, with the names that they have in Meta's checkpoints.

    It is never changed by a call, so any number of threads may use one.
    """

    def __init__(self, architecture: Architecture) -> None:
        """Make it with torch's random weights, on the device that is the default."""
        super().__init__()
        self.architecture = architecture
        self.image_encoder = _image_encoder(architecture)
        cells = SIDE_PX // STRIDE_PX
        self.sam_prompt_encoder = PromptEncoder(
            embed_dim=architecture.width,
            image_embedding_size=(cells, cells),
            input_image_size=(SIDE_PX, SIDE_PX),
            mask_in_chans=16,
        )
        self.sam_mask_decoder = _mask_decoder(architecture)
        self.no_mem_embed = nn.Parameter(torch.zeros(1, 1, architecture.width))
        for step in (*self.image_encoder.trunk.blocks, *self.sam_mask_decoder.transformer.layers):
            step.register_forward_pre_hook(_check_flag)

    def embed(self, squares: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Run the image encoder.

        Args:
            squares: Bx3xSxS float32, normalised; S a multiple of 32.

        Returns:
            What the decoder needs, coarse to fine: BxCx(S/16)x(S/16), Bx(C/4)x(S/8)x(S/8), Bx(C/8)x(S/4)x(S/4).
        """
        fine, middle, coarse = self.image_encoder(squares)["backbone_fpn"]
        # A film's first picture has no memory; a photo is one.
        coarse = coarse + self.no_mem_embed.reshape(1, -1, 1, 1)
        return coarse, self.sam_mask_decoder.conv_s1(middle), self.sam_mask_decoder.conv_s0(fine)

    def prompt_encoder(self, side_px: int) -> Any:
        """Return the prompt encoder for squares of one side; it shares its weights with all others."""
        encoder = copy.copy(self.sam_prompt_encoder)
        cells = side_px // STRIDE_PX
        encoder.input_image_size = (side_px, side_px)
        encoder.image_embedding_size = (cells, cells)
        encoder.mask_input_size = (MASK_SCALE * cells, MASK_SCALE * cells)
        return encoder


def empty_network(architecture: Architecture) -> Sam2Network:
    """Make a network that has shapes but no memory for its weights, which are to be put in by `load_state_dict`."""
    with torch.device("meta"), _Shapes():
        network = Sam2Network(architecture)
    network.requires_grad_(False)
    network.eval()
    return network


@contextmanager
def stopping_at(cancel: CancelFlag) -> Iterator[None]:
    """Check a flag before each block of a network that this thread runs meanwhile."""
    token = _flag.set(cancel)
    try:
        yield
    finally:
        _flag.reset(token)


def _check_flag(*_: object) -> None:
    flag = _flag.get()
    if flag is not None:
        flag.check()


def _image_encoder(architecture: Architecture) -> Any:
    trunk = Hiera(
        embed_dim=architecture.channels,
        num_heads=architecture.heads,
        stages=architecture.blocks,
        global_att_blocks=architecture.global_blocks,
        window_spec=architecture.windows,
        window_pos_embed_bkg_spatial_size=architecture.positions,
    )
    neck = FpnNeck(
        position_encoding=_NoPositions(),
        d_model=architecture.width,
        backbone_channel_list=trunk.channel_list,
        fpn_top_down_levels=[2, 3],
        fpn_interp_model="nearest",
    )
    return ImageEncoder(trunk, neck, scalp=1)


def _mask_decoder(architecture: Architecture) -> Any:
    return MaskDecoder(
        transformer_dim=architecture.width,
        transformer=TwoWayTransformer(depth=2, embedding_dim=architecture.width, num_heads=8, mlp_dim=2048),
        num_multimask_outputs=MASKS,
        iou_head_depth=3,
        iou_head_hidden_dim=256,
        use_high_res_features=True,
        iou_prediction_use_sigmoid=True,
        pred_obj_scores=True,
        pred_obj_scores_mlp=True,
        use_multimask_token_for_obj_ptr=True,
        # As `sam2.build_sam.build_sam2` sets them for pictures.
        dynamic_multimask_via_stability=True,
        dynamic_multimask_stability_delta=0.05,
        dynamic_multimask_stability_thresh=0.98,
    )


class _NoPositions(nn.Module):
    """Stands where the neck makes positions for memory attention."""

    def forward(self, features: Tensor) -> Tensor:
        """Return nothing of the right kind."""
        return features.new_empty(0)


class _Shapes(TorchFunctionMode):
    """Lets modules be made where tensors have shapes only, without what that lacks or does at great cost."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `func`, or what stands for it."""
        named = dict(kwargs or {})
        if func is nn.init.normal_:
            # Random numbers for a tensor without memory load 800 of torch's modules, 70 MB.
            return named["tensor"]
        if func in (torch.linspace, torch.randn):
            # Hiera reads its drop rates from a range; for random positions the same holds as above.
            named["device"] = "cpu"
        return func(*args, **named)


@functools.cache
def weight_bytes(architecture: Architecture) -> int:
    """Return the bytes that a network's weights take in float32."""
    network = empty_network(architecture)
    return sum(4 * math.prod(tensor.shape) for tensor in network.state_dict().values())
