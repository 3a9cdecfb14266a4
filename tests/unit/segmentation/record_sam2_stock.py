"""Record what Meta's own `SAM2ImagePredictor` answers, for `test_sam2_stock.py` to compare with.

Run from the repository's root: python -m tests.unit.segmentation.record_sam2_stock

The predictor's transforms want torchvision, which cannot be loaded beside our torch. A stand-in has the three of its
classes that they use; its `Resize` is the antialiased bilinear interpolation of torch that torchvision's calls for
tensors. Weights are random, of the true architecture "tiny"; answers are kept at every `STEP`-th pixel.
"""

from __future__ import annotations

import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sam2.build_sam import build_sam2
from torch import Tensor, nn
from torch.nn import functional

from tests.unit.segmentation.sam2_weights import drawn_photo, random_tensor

RECORDING = Path(__file__).parent / "data" / "sam2_stock.npz"
CONFIG = "configs/sam2.1/sam2.1_hiera_t.yaml"
STEP = 8
PHOTO_SIZE = 300, 440
LARGE_SIZE = 1100, 1500  # larger than a square, so that antialiasing shows
SIDES = (1024, 512)
POINTS = np.array([[220.0, 150.0], [30.0, 40.0]], np.float32)
LABELS = np.array([1, 0], np.int32)
BOX = np.array([110.0, 60.0, 330.0, 245.0], np.float32)
# Name of a question: its points and labels, its box, whether it goes on from the best mask of "point", multimask.
QUESTIONS: dict[str, tuple[int, bool, bool, bool]] = {
    "point": (1, False, False, True),
    "points box": (2, True, False, True),
    "box single": (0, True, False, False),
    "point again": (1, False, True, False),
    "mask": (0, False, True, True),
}


class ToTensor:
    """torchvision.transforms.ToTensor for HxWx3 uint8 arrays."""

    def __call__(self, picture: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(picture.transpose(2, 0, 1).copy()).to(torch.float32).div(255)


class Resize(nn.Module):
    """torchvision.transforms.Resize for 3xHxW float tensors, bilinear and antialiased as by default."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.height, self.width = size

    def forward(self, picture: Tensor) -> Tensor:
        return functional.interpolate(
            picture[None], size=[self.height, self.width], mode="bilinear", align_corners=False, antialias=True
        )[0]


class Normalize(nn.Module):
    """torchvision.transforms.Normalize for 3xHxW float tensors."""

    def __init__(self, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])

    def forward(self, picture: Tensor) -> Tensor:
        return picture.sub(self.mean).div(self.std)


def stock_predictor(side: int) -> Any:
    """Meta's predictor on random weights, for squares of one side."""
    transforms = types.ModuleType("torchvision.transforms")
    vars(transforms).update(ToTensor=ToTensor, Resize=Resize, Normalize=Normalize)
    sys.modules["torchvision"] = types.ModuleType("torchvision")
    sys.modules["torchvision.transforms"] = transforms
    from sam2.sam2_image_predictor import SAM2ImagePredictor  # noqa: PLC0415 - after the stand-in is there

    overrides = [f"++model.image_size={side}"]
    model = build_sam2(CONFIG, None, device="cpu", hydra_overrides_extra=overrides)
    weights = {name: random_tensor(name, tuple(tensor.shape)) for name, tensor in model.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "random.pt"
        torch.save({"model": weights}, file)
        model = build_sam2(CONFIG, str(file), device="cpu", hydra_overrides_extra=overrides)
    predictor = SAM2ImagePredictor(model)
    # It has those of 1,024 written in.
    predictor._bb_feat_sizes = [(side // 4, side // 4), (side // 8, side // 8), (side // 16, side // 16)]
    return predictor


def record() -> dict[str, NDArray[np.float32]]:
    """Ask all questions at all sides."""
    photo, large = drawn_photo(*PHOTO_SIZE), drawn_photo(*LARGE_SIZE)
    kept: dict[str, NDArray[np.float32]] = {}
    for side in SIDES:
        predictor = stock_predictor(side)
        predictor.set_image(photo)
        kept[f"{side}/square"] = predictor._transforms(photo).numpy()[:, ::32, ::32]
        kept[f"{side}/large square"] = predictor._transforms(large).numpy()[:, ::32, ::32]
        mask = None
        for name, (points, box, again, multimask) in QUESTIONS.items():
            logits, scores, low = predictor.predict(
                point_coords=POINTS[:points] if points else None,
                point_labels=LABELS[:points] if points else None,
                box=BOX if box else None,
                mask_input=mask if again else None,
                multimask_output=multimask,
                return_logits=True,
            )
            if name == "point":
                mask = low[[int(np.argmax(scores))]]
            kept[f"{side}/{name}/low"] = low[:, ::STEP, ::STEP]
            kept[f"{side}/{name}/full"] = logits[:, :: 2 * STEP, :: 2 * STEP]
            kept[f"{side}/{name}/scores"] = scores
    return kept


def main() -> None:
    """Write the recording."""
    RECORDING.parent.mkdir(exist_ok=True)
    np.savez_compressed(RECORDING, **record())


if __name__ == "__main__":
    main()
