"""SAM 2 on photos: embed once, ask as often as wanted. It keeps nothing between calls.

What it computes is what Meta's `SAM2ImagePredictor` computes; that one keeps a photo inside, asks in one size and
needs torchvision. The paper is Ravi et al., "SAM 2: Segment anything in images and videos", ICLR 2025; prompts and
their several answers come from Kirillov et al., "Segment anything", ICCV 2023.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.sam2.checkpoints import SIDE_PX, check_side
from fashquick_segmentation.sam2.network import Sam2Network, stopping_at
from fashquick_segmentation.sam2.question import Prompt, prompt_tensors
from fashquick_segmentation.sam2.resize import enlarge, to_square

NEXT_LOGIT = 32.0  # masks that are fed back are cut to this on both sides, as Meta's predictor cuts them
PROMPTS_PER_PASS = 16  # of the decoder; one takes some 50 MB at a side of 1,024 pixels


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """What the image encoder sees in one photo; may be asked about by several threads at once.

    Attributes:
        photo_size: Height and width of the photo in pixels.
        side_px: Side of the square that it was brought to.
        digest: SHA-256 of the weights that made it.
        maps: Coarse to fine, for a side of S pixels and the width C of the network (256): 1xCx(S/16)x(S/16),
            1x(C/4)x(S/8)x(S/8), 1x(C/8)x(S/4)x(S/4); on the predictor's device; float32, or partly bfloat16.
    """

    photo_size: tuple[int, int]
    side_px: int
    digest: str
    maps: tuple[Tensor, Tensor, Tensor]

    @property
    def size_bytes(self) -> int:
        """Bytes that it takes: 16 MiB for a side of 1,024 pixels in float32."""
        return sum(tensor.untyped_storage().nbytes() for tensor in self.maps)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the decoder says to one prompt.

    Attributes:
        logits: MxLxL float32: masks of the whole photo squeezed into a square, L a quarter of the encoder's side,
            above 0 is inside; M is 3 with `multimask`, else 1.
        predicted_iou: M float32, 0 to 1: the intersection over union that it expects of each mask.
        photo_size: Height and width of the photo in pixels.
    """

    logits: NDArray[np.float32]
    predicted_iou: NDArray[np.float32]
    photo_size: tuple[int, int]

    def full_size(self, index: int) -> NDArray[np.float32]:
        """Return the logits of one mask at the photo's size, HxW float32."""
        return enlarge(self.logits[index], self.photo_size)

    def next_mask(self, index: int) -> NDArray[np.float32]:
        """Return one mask as a prompt of the next pass, LxL float32."""
        return np.asarray(np.clip(self.logits[index], -NEXT_LOGIT, NEXT_LOGIT), np.float32)


class Predictor:
    """A network on a device. Stateless; calls from several threads are allowed.

    Attributes:
        digest: SHA-256 of the weights in hexadecimal.
        precision: "float32" or "bfloat16".
    """

    def __init__(
        self, network: Sam2Network, digest: str, *, device: str = "cpu", bf16: bool = False, photos_per_pass: int = 1
    ) -> None:
        """Make it.

        Args:
            network: On that device.
            digest: SHA-256 of its weights' file.
            device: A device of torch's, such as "cpu" or "cuda:0".
            bf16: Compute in bfloat16 where torch's autocast holds it for safe. Prompts are always encoded in
                float32: in bfloat16 a point would move by up to 4 pixels.
            photos_per_pass: Photos that the encoder takes at once. On a CPU more than one gains nothing.
        """
        self._network = network
        self.digest = digest
        self._device = torch.device(device)
        self.precision = "bfloat16" if bf16 else "float32"
        self._photos_per_pass = photos_per_pass

    def warm_up(self, side_px: int = SIDE_PX) -> None:
        """Read all weights and let torch prepare: embed an empty photo and ask about its middle."""
        flag = CancelFlag()
        (embedding,) = self.encode([np.zeros((side_px, side_px, 3), np.uint8)], flag, side_px=side_px)
        middle = np.full((1, 2), side_px / 2, np.float32)
        self.decode(embedding, [Prompt(middle, np.ones(1, np.int32))], flag)

    def encode(
        self, photos: Sequence[NDArray[np.uint8]], cancel: CancelFlag, *, side_px: int = SIDE_PX
    ) -> list[Embedding]:
        """Embed photos.

        Args:
            photos: Each HxWx3 uint8, sRGB, of any size.
            cancel: Checked before each photo and each block of the encoder.
            side_px: Side of the square that each is squeezed into; a multiple of 32 from 128 to 2,048. Networks
                were trained on 1,024; others stretch the learned grid of positions.

        Returns:
            One embedding a photo, in order.

        Raises:
            BadField: The side is not possible.
            ValueError: A photo is no HxWx3 uint8 array.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline passed.
        """
        check_side(side_px)
        found: list[Embedding] = []
        for start in range(0, len(photos), self._photos_per_pass):
            some = photos[start : start + self._photos_per_pass]
            found.extend(self._encode(some, cancel, side_px))
        return found

    def decode(
        self,
        embeddings: Embedding | Sequence[Embedding],
        prompts: Sequence[Prompt],
        cancel: CancelFlag,
        *,
        multimask: bool = True,
    ) -> list[Answer]:
        """Answer prompts, those alike in one pass.

        An answer depends on its own prompt alone: prompts go into one pass only with others of as many points, so
        none is padded for its neighbours' sake.

        Args:
            embeddings: One, about which all prompts ask; or one for each prompt.
            prompts: In pixels of their photo.
            cancel: Checked before each pass and each layer of the decoder.
            multimask: Three masks for each prompt, for what it may mean, else one: the decoder's single mask, or
                the best of the three where that one is unstable.

        Returns:
            One answer a prompt, in order.

        Raises:
            ValueError: An embedding is of other weights, a prompt does not fit, or the numbers differ.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline passed.
        """
        asked = [embeddings] * len(prompts) if isinstance(embeddings, Embedding) else list(embeddings)
        for embedding in asked:
            if embedding.digest != self.digest:
                raise ValueError(f"an embedding of weights {embedding.digest} came to those of {self.digest}")
        groups: defaultdict[tuple[int, int, bool], list[int]] = defaultdict(list)
        for index, (embedding, prompt) in enumerate(zip(asked, prompts, strict=True)):
            groups[embedding.side_px, prompt.tokens, prompt.mask is not None].append(index)
        answers: dict[int, Answer] = {}
        for group in groups.values():
            for start in range(0, len(group), PROMPTS_PER_PASS):
                some = group[start : start + PROMPTS_PER_PASS]
                cancel.check()
                found = self._decode([asked[i] for i in some], [prompts[i] for i in some], cancel, multimask)
                answers.update(zip(some, found, strict=True))
        return [answers[index] for index in range(len(prompts))]

    def _encode(self, photos: Sequence[NDArray[np.uint8]], cancel: CancelFlag, side_px: int) -> list[Embedding]:
        squares = []
        with torch.inference_mode(), stopping_at(cancel):
            for photo in photos:
                cancel.check()
                squares.append(to_square(photo, side_px, self._device))
            with self._autocast():
                maps = self._network.embed(torch.stack(squares))
        # A slice of a batch would keep all of the batch in memory.
        apart = [tuple(tensor[index : index + 1].clone() for tensor in maps) for index in range(len(photos))]
        return [
            Embedding((photo.shape[0], photo.shape[1]), side_px, self.digest, (coarse, middle, fine))
            for photo, (coarse, middle, fine) in zip(photos, apart, strict=True)
        ]

    def _decode(
        self, embeddings: Sequence[Embedding], prompts: Sequence[Prompt], cancel: CancelFlag, multimask: bool
    ) -> list[Answer]:
        side_px = embeddings[0].side_px
        with torch.inference_mode(), stopping_at(cancel):
            encoder = self._network.prompt_encoder(side_px)
            sizes = [embedding.photo_size for embedding in embeddings]
            points, masks = prompt_tensors(prompts, sizes, side_px, self._device)
            sparse, dense = encoder(points=points, boxes=None, masks=masks)
            coarse, middle, fine = _stacked(embeddings)
            with self._autocast():
                logits, scores, _, _ = self._network.sam_mask_decoder(
                    image_embeddings=coarse,
                    image_pe=encoder.get_dense_pe(),
                    sparse_prompt_embeddings=sparse,
                    dense_prompt_embeddings=dense,
                    multimask_output=multimask,
                    repeat_image=False,
                    high_res_features=[fine, middle],
                )
            flat = logits.float().cpu().numpy(), scores.float().cpu().numpy()
        return [Answer(masks, ious, size) for masks, ious, size in zip(*flat, sizes, strict=True)]

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self.precision == "bfloat16")


def give_memory_back(device: str) -> None:
    """Give memory that no tensor needs any more back to a GPU, for other processes; a CPU has it already."""
    if torch.device(device).type == "cuda":
        torch.cuda.empty_cache()


def _stacked(embeddings: Sequence[Embedding]) -> list[Tensor]:
    """The maps of some embeddings, BxCxhxw each, coarse to fine; one that repeats is not copied."""
    first = embeddings[0]
    if all(embedding is first for embedding in embeddings):
        return [tensor.expand(len(embeddings), -1, -1, -1) for tensor in first.maps]
    return [torch.cat(level) for level in zip(*(embedding.maps for embedding in embeddings), strict=True)]
