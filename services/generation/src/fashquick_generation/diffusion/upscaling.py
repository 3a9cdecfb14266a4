"""A picture of twice the size, its details drawn by overlapping tiles of the model's own size.

The studio makes the scene anew at twice the size, so the garment has its real pixels there too; tiles are for what
diffusion drew: skin, hair, backdrop, the other clothes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.models.profiles import Profile
from fashquick_generation.diffusion.choices import Choices
from fashquick_generation.diffusion.denoising.embeddings import Embedding
from fashquick_generation.diffusion.denoising.rows import Row
from fashquick_generation.diffusion.hints import hints_for
from fashquick_generation.diffusion.stages.conditions import UPSCALE, Conditions, working_size
from fashquick_generation.diffusion.tiles import Box, joined, tiles_of
from fashquick_generation.engine import GenerationJob, UInt8Array

STRENGTH = 0.3
"""How far a tile may leave the picture: details change, what is where does not."""
OVERLAP_PX = 64
"""Of neighbouring tiles at least, where they are large enough: eight latents, over which one fades into the other."""


class Mosaic:
    """A picture that is drawn again tile by tile."""

    def __init__(self, picture: UInt8Array, conditions: Conditions, profile: Profile) -> None:
        """Lay out the tiles.

        Args:
            picture: HxWx3 uint8, sRGB.
            conditions: Of the picture.
            profile: Says how large a tile may be, and how the ControlNets look.
        """
        self._picture = picture
        self._conditions = conditions
        self._profile = profile
        self._boxes = _boxes(*conditions.size, profile)
        self._made: dict[Box, UInt8Array] = {}

    @staticmethod
    def steps_of(job: GenerationJob, profile: Profile, choices: Choices) -> int:
        """Return how many steps the tiles of a view take in all."""
        tiles = len(_boxes(UPSCALE * job.width, UPSCALE * job.height, profile))
        return tiles * choices.steps_at(STRENGTH)

    def rows(
        self,
        prompt: Embedding,
        choices: Choices,
        *,
        seed: int,
        cancel: CancelFlag,
        hearing: Callable[[], Callable[[int, int, UInt8Array | None], None]],
    ) -> Iterator[tuple[Row, Callable[[UInt8Array], None]]]:
        """Yield what is denoised for each tile, and what takes the result.

        Args:
            prompt: Of the whole picture.
            choices: How it is denoised.
            seed: Of the first tile's noise; each further one has the next.
            cancel: As in `Row`.
            hearing: Gives each row its `on_step`.
        """
        conditions = self._conditions
        for number, box in enumerate(self._boxes):
            left, top, right, bottom = box
            where = np.s_[top:bottom, left:right]
            row = Row(
                image=self._picture[where],
                mask=None,
                prompt=prompt,
                hints=hints_for(
                    conditions.pose[where],
                    conditions.depth[where],
                    self._profile,
                    choices.control,
                    choices.steps_at(STRENGTH),
                ),
                seed=seed + number,
                steps=choices.steps,
                strength=STRENGTH,
                guidance=choices.guidance,
                cancel=cancel,
                on_step=hearing(),
            )
            yield row, partial(self._made.__setitem__, box)

    def joined(self) -> UInt8Array:
        """Return the picture, HxWx3 uint8, once all tiles are made."""
        return joined(self._made.items(), *self._conditions.size)


def _boxes(width: int, height: int, profile: Profile) -> tuple[Box, ...]:
    """Tiles of about the shape of the picture's first pass, on whole latents."""
    tile = working_size(width, height, profile.working_pixels)
    return tiles_of(width, height, tile, min(OVERLAP_PX, min(tile) // 4))
