"""The four checkpoints of SAM 2.1: names, files in the model store and architectures, as plain values.

From Meta's configurations `sam2/configs/sam2.1/sam2.1_hiera_{t,s,b+,l}.yaml` (Ravi et al., "SAM 2: Segment anything
in images and videos", ICLR 2025; the backbone is Hiera: Ryali et al., ICML 2023). Loads no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from fashquick_common.errors import BadField

BACKEND = "sam2"  # name of the backend that uses them
SIDE_PX = 1024  # side of the square that the checkpoints were trained on
# The backbone halves four times and halves again in windows of 8 patches of 4 pixels.
SIDE_MULTIPLE_PX = 32
SIDE_MIN_PX, SIDE_MAX_PX = 128, 2048  # below nothing is left to see; above attention takes gigabytes


@dataclass(frozen=True, slots=True)
class Architecture:
    """What differs between the networks.

    Attributes:
        channels: Of the backbone's first stage; each further stage has twice as many.
        heads: Attention heads of the first stage; likewise.
        blocks: Number of blocks in each of the four stages.
        global_blocks: Numbers of the blocks that attend to the whole picture, the others to windows.
        windows: Side of those windows in each stage, in tokens.
        positions: Height and width of the learned grid of positions, which is stretched to the picture.
        width: Channels of the embedding and of the decoder.
    """

    channels: int
    heads: int
    blocks: tuple[int, int, int, int]
    global_blocks: tuple[int, ...]
    windows: tuple[int, int, int, int] = (8, 4, 14, 7)
    positions: tuple[int, int] = (7, 7)
    width: int = 256


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights by the name that callers use.

    Attributes:
        name: Such as "sam2.1-hiera-tiny".
        stem: Name of its files in the model store without their endings.
        architecture: The network that they are of.
    """

    name: str
    stem: str
    architecture: Architecture

    @property
    def original(self) -> str:
        """The file as Meta publishes it: torch's zip archive with a pickle inside."""
        return f"{self.stem}.pt"

    @property
    def converted(self) -> str:
        """The file that `weights.convert` writes: less than the original has, and no pickle."""
        return f"{self.stem}.safetensors"


TINY = Checkpoint(
    "sam2.1-hiera-tiny", "sam2.1_hiera_tiny", Architecture(96, 1, blocks=(1, 2, 7, 2), global_blocks=(5, 7, 9))
)
SMALL = Checkpoint(
    "sam2.1-hiera-small", "sam2.1_hiera_small", Architecture(96, 1, blocks=(1, 2, 11, 2), global_blocks=(7, 10, 13))
)
BASE_PLUS = Checkpoint(
    "sam2.1-hiera-base-plus",
    "sam2.1_hiera_base_plus",
    Architecture(112, 2, blocks=(2, 3, 16, 3), global_blocks=(12, 16, 20), positions=(14, 14)),
)
LARGE = Checkpoint(
    "sam2.1-hiera-large",
    "sam2.1_hiera_large",
    Architecture(144, 2, blocks=(2, 6, 36, 4), global_blocks=(23, 33, 43), windows=(8, 4, 16, 8)),
)
CHECKPOINTS = {checkpoint.name: checkpoint for checkpoint in (TINY, SMALL, BASE_PLUS, LARGE)}


def check_side(side_px: int) -> None:
    """Return if the network can be run on squares of this side.

    Raises:
        BadField: It cannot.
    """
    if not SIDE_MIN_PX <= side_px <= SIDE_MAX_PX or side_px % SIDE_MULTIPLE_PX:
        raise BadField(
            f"SAM 2 cannot look at squares of {side_px} pixels; "
            f"choose a multiple of {SIDE_MULTIPLE_PX} from {SIDE_MIN_PX} to {SIDE_MAX_PX}, best {SIDE_PX}",
            field="side_px",
        )
