"""The figure on a turntable, as an animated picture."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from fashquick_common.cancel import CancelFlag
from fashquick_generation.engine import Backdrop, BackdropKind, Framing
from fashquick_generation.studio.arrays import UInt8
from fashquick_generation.studio.photograph import framing as frames_of
from fashquick_generation.studio.photograph.render import Shot, Sitting, photographed
from fashquick_generation.studio.texture.textures import Texture

FRAMES = 24
FRAME_MS = 110
"""A turn in 2.6 s, slow enough to look at the clothes."""
QUALITY = 80
"""Of lossy WebP: no blocks on cloth, a third of the bytes of the default for stills."""
ENCODER_METHOD = 2
"""WebP's effort, 0 to 6: from 3 on encoding takes longer than the pictures."""


def turntable(
    sitting: Sitting,
    cloth: Sequence[Texture],
    backdrop: Backdrop,
    *,
    width: int,
    height: int,
    seed: int,
    framing: Framing = Framing.FULL,
    frames: int = FRAMES,
    on_share: Callable[[float], None],
    cancel: CancelFlag,
) -> bytes:
    """Turn the figure once around, towards the wearer's left first; camera, light and backdrop stand still.

    Args:
        sitting: Of whom.
        cloth: Pixels of each garment, for pictures of this size.
        backdrop: What is behind; before a transparent one the frames have an alpha, with the shadow in it.
        width: Pixels.
        height: Pixels.
        seed: Of the dither.
        framing: How much of the figure.
        frames: Pictures of a turn.
        on_share: Told the share of the work that is done, after each frame.
        cancel: Checked between steps.

    Returns:
        An animated WebP file that repeats for ever.
    """
    images = []
    for k, camera in enumerate(frames_of.cameras_around(framing, sitting.world, width, height, frames)):
        shot = photographed(sitting, camera, cloth, backdrop, seed=seed, on_share=lambda _: None, cancel=cancel)
        images.append(Image.fromarray(with_shadow(shot) if backdrop.kind is BackdropKind.TRANSPARENT else shot.rgb))
        on_share((k + 1) / frames)
    out = io.BytesIO()
    _Film(images, cancel).save(
        out,
        "WEBP",
        save_all=True,
        duration=FRAME_MS,
        loop=0,
        quality=QUALITY,
        method=ENCODER_METHOD,
    )
    return out.getvalue()


class _Film(Image.Image):
    """Frames of one size, with a look at the flag before the encoder takes the next."""

    def __init__(self, frames: Sequence[Image.Image], cancel: CancelFlag) -> None:
        super().__init__()
        self.n_frames = len(frames)
        self._frames, self._cancel = frames, cancel
        self.seek(0)

    def tell(self) -> int:
        return self._place

    def seek(self, frame: int) -> None:
        self._cancel.check()
        shown = self._frames[frame]
        self._place = frame
        self._mode, self._size, self.im = shown.mode, shown.size, shown.im


def with_shadow(shot: Shot) -> UInt8:
    """A picture before a transparent backdrop with its shadow in one layer.

    Returns:
        HxWx4 uint8, sRGB and straight alpha.
    """
    figure = shot.alpha / np.float32(255)
    alpha = figure + (1 - figure) * (shot.shadow / np.float32(255))
    colour = shot.rgb * (figure / np.maximum(alpha, 1e-6))[..., None]
    return np.dstack([np.round(colour), np.round(255 * alpha)]).astype(np.uint8)
