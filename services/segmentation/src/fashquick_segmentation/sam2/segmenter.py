"""The SAM 2 backend: prompts from the embedded network's reading, candidates, the best of them, once more.

SAM 2 finds outlines better than what the thing is; the embedded network knows what a garment is. So the one asks, the
other answers, and what they agree on is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadField, NoGarment
from fashquick_common.models import ModelStore
from fashquick_segmentation.embedded.segmenter import EmbeddedSegmenter, Reading, working_size
from fashquick_segmentation.engine import Candidate, Hints, Presentation, Question, Segmentation
from fashquick_segmentation.refinement.coach import HOW_TO
from fashquick_segmentation.refinement.finishing import Finding, enlarged, finish
from fashquick_segmentation.refinement.measures import intersection_over_union
from fashquick_segmentation.sam2.caller import NAME, caller_prompt
from fashquick_segmentation.sam2.checkpoints import BACKEND, SIDE_PX
from fashquick_segmentation.sam2.embeddings import EmbeddingCache
from fashquick_segmentation.sam2.predictor import Answer, Embedding, Predictor
from fashquick_segmentation.sam2.prompts import OFF, ON, Box, Points, PromptSet, automatic_prompts
from fashquick_segmentation.sam2.question import Prompt, mask_side
from fashquick_segmentation.sam2.registry import ModelRegistry
from fashquick_segmentation.sam2.selection import Choice, Proposal, select

AGAIN = "again"  # Name of the answer to the best mask, fed back.
_LOGIT_MOST = 8.0  # Of a probability that is fed as a mask: 0.9997; SAM's own masks reach further.


class Sam2Segmenter:
    """Finds the garment with SAM 2. Calls from several threads are allowed."""

    def __init__(
        self,
        registry: ModelRegistry,
        checkpoint: str,
        prior: EmbeddedSegmenter,
        *,
        digest: str,
        embeddings: EmbeddingCache,
        side_px: int = SIDE_PX,
    ) -> None:
        """Make it; nothing is loaded yet.

        Args:
            registry: Lends the networks.
            checkpoint: Name of the one to use.
            prior: Says where the garment may be.
            digest: SHA-256 of the checkpoint's file, as the store lists it.
            embeddings: Kept for further prompts on the same photo.
            side_px: Side of the square that the network looks at.
        """
        self._registry = registry
        self._checkpoint = checkpoint
        self._prior = prior
        self._digest = digest
        self._embeddings = embeddings
        self._side_px = side_px

    @property
    def name(self) -> str:
        """The backend's name."""
        return BACKEND

    @property
    def digest(self) -> str:
        """SHA-256 of the weights' file in hexadecimal."""
        return self._digest

    @property
    def on_gpu(self) -> bool:
        """Whether it computes on a GPU."""
        return self._registry.device != "cpu"

    def using(self, checkpoint: str) -> Sam2Segmenter:
        """Return the same with another checkpoint; see `fashquick_segmentation.engine.Checkpointed.using`.

        Both share the loaded networks, their budget and the embeddings.
        """
        if checkpoint not in self._registry.names:
            raise BadField(
                f"SAM 2 has no checkpoint {checkpoint[:80]!r}; choose of {', '.join(self._registry.names)}, "
                "or leave it empty for the server's default",
                field="sam2.checkpoint",
            )
        return Sam2Segmenter(
            self._registry,
            checkpoint,
            self._prior,
            digest=self._registry.digest(checkpoint),
            embeddings=self._embeddings,
            side_px=self._side_px,
        )

    def warm_up(self) -> None:
        """Load the network and run it once, the embedded one too; raises what `ModelRegistry.use` raises."""
        self._prior.warm_up()
        self._registry.warm_up([self._checkpoint], self._side_px)

    def segment(self, photo: NDArray[np.uint8], hints: Hints, cancel: CancelFlag) -> Segmentation:
        """Find the garment; see `fashquick_segmentation.engine.Segmenter.segment`."""
        reading = self._prior.read(photo, hints.mask, cancel)
        if not reading.mask.any():
            raise NoGarment(f"nothing in this photo looks like a garment; {HOW_TO}")
        prompts = automatic_prompts(reading.small, reading.probability, reading.mask, hints.presentation)
        with self._registry.use(self._checkpoint, cancel) as predictor:
            [embedding] = self._embeddings.encode(predictor, [photo], cancel, side_px=self._side_px)
            choices = self._choices(predictor, embedding, prompts, reading, cancel)
        if not choices:
            raise NoGarment(f"SAM 2 finds no outline where a garment may be; {HOW_TO}")
        masks = [_mask_at(choice.proposal.logits, reading.small) for choice in choices]
        finding = Finding(
            reading.small,
            masks[0],
            expected=choices[0].total,
            agreement=intersection_over_union(masks[0], reading.mask),
            hint=reading.hint,
            presentation=hints.presentation,
            others=reading.others,
        )
        size = photo.shape[1::-1]
        others = [_candidate(choice, mask, size, cancel) for choice, mask in zip(choices[1:], masks[1:], strict=True)]
        return finish(photo, finding, others, cancel)

    def answer(
        self, photo: NDArray[np.uint8], question: Question, presentation: Presentation, cancel: CancelFlag
    ) -> Segmentation:
        """Find what the caller points at; see `fashquick_segmentation.engine.Promptable.answer`."""
        labels = np.where(question.on_garment, ON, OFF).astype(np.int32)
        box = None if question.box is None else Box(*question.box)
        points = Points(question.points, labels)
        asked = caller_prompt(points, box, question.mask, photo.shape[:2], question.counted_in)
        with self._registry.use(self._checkpoint, cancel) as predictor:
            [embedding] = self._embeddings.encode(predictor, [photo], cancel, side_px=self._side_px)
            [first] = predictor.decode(embedding, [self._prompt(asked)], cancel)
            best = int(np.argmax(first.predicted_iou))
            [again] = predictor.decode(embedding, [self._prompt(asked, first.next_mask(best))], cancel, multimask=False)
        small = working_size(photo)
        mask, before = _mask_at(again.logits[0], small), _mask_at(first.logits[best], small)
        if not mask.any():
            raise NoGarment("SAM 2 finds nothing at this prompt; put a point in the middle of the garment")
        finding = Finding(
            small,
            mask,
            expected=float(np.clip(again.predicted_iou[0], 0, 1)),
            agreement=intersection_over_union(mask, before),
            presentation=presentation,
        )
        ranked = sorted(range(len(first.logits)), key=lambda index: -float(first.predicted_iou[index]))
        others = [
            Candidate(
                enlarged(_mask_at(first.logits[index], small), photo.shape[1::-1]),
                float(np.clip(first.predicted_iou[index], 0, 1)),
                source=f"{NAME} {index}",
            )
            for index in ranked
        ]
        return finish(photo, finding, others, cancel)

    def _choices(
        self,
        predictor: Predictor,
        embedding: Embedding,
        prompts: Sequence[PromptSet],
        reading: Reading,
        cancel: CancelFlag,
    ) -> tuple[Choice, ...]:
        """Ask, choose, feed the best mask back with its own prompt, choose again."""
        height, width = embedding.photo_size
        across, down = width / reading.small.shape[1], height / reading.small.shape[0]
        asked = [prompt.scaled(across, down) for prompt in prompts]
        answers = predictor.decode(embedding, [self._prompt(prompt) for prompt in asked], cancel)
        proposals: list[Proposal] = []
        origin: dict[str, tuple[int, int]] = {}  # Number of the prompt and of its mask, by source.
        for number, (prompt, answer) in enumerate(zip(asked, answers, strict=True)):
            for index, proposal in enumerate(_proposals(prompt.name, answer)):
                proposals.append(proposal)
                origin[proposal.source] = number, index
        chosen = select(proposals, reading.small, reading.probability)
        if not chosen:
            return ()
        cancel.check()
        number, index = origin[chosen[0].proposal.source]
        followed = self._prompt(asked[number], answers[number].next_mask(index))
        [again] = predictor.decode(embedding, [followed], cancel, multimask=False)
        return select([*proposals, *_proposals(AGAIN, again)], reading.small, reading.probability)

    def _prompt(self, prompt: PromptSet, mask: NDArray[np.float32] | None = None) -> Prompt:
        """What the decoder takes; `mask` goes before the prompt's own prior."""
        if mask is None and prompt.prior is not None:
            side = mask_side(self._side_px)
            likely = np.clip(cv2.resize(prompt.prior, (side, side), interpolation=cv2.INTER_AREA), 1e-6, 1 - 1e-6)
            mask = np.clip(np.log(likely / (1 - likely)), -_LOGIT_MOST, _LOGIT_MOST).astype(np.float32)
        corners = prompt.box
        box = None if corners is None else (corners.left, corners.top, corners.right, corners.bottom)
        return Prompt(prompt.points.at, prompt.points.labels, box, mask)


@dataclass(frozen=True, slots=True)
class Sam2Options:
    """How a server runs SAM 2.

    Attributes:
        checkpoint: Name of the one to use when a call names none.
        device: "cpu", "cuda", or "auto" for a GPU where torch finds one.
        bf16: Whether to compute in bfloat16.
        memory_bytes: Most bytes of loaded weights.
        cache_bytes: Most bytes of embeddings kept for further prompts.
        side_px: Side of the square that the network looks at.
    """

    checkpoint: str
    device: str
    bf16: bool
    memory_bytes: int
    cache_bytes: int
    side_px: int


def sam2_registry(store: ModelStore, options: Sam2Options) -> ModelRegistry:
    """Make the registry of a server; nothing is read yet."""
    on_gpu = options.device == "cuda" or (options.device == "auto" and torch.cuda.is_available())
    return ModelRegistry(
        store,
        options.memory_bytes,
        default=options.checkpoint,
        device="cuda" if on_gpu else "cpu",
        bf16=options.bf16,
    )


def sam2_segmenter(registry: ModelRegistry, options: Sam2Options, prior: EmbeddedSegmenter) -> Sam2Segmenter | None:
    """Make the backend of a server; None when the registry's default checkpoint is not in the store."""
    state = next((state for state in registry.states() if state.is_default), None)
    if state is None or state.sha256 is None:
        return None
    return Sam2Segmenter(
        registry,
        state.name,
        prior,
        digest=state.sha256,
        embeddings=EmbeddingCache(options.cache_bytes),
        side_px=options.side_px,
    )


def _proposals(name: str, answer: Answer) -> Iterator[Proposal]:
    for number, (logits, iou) in enumerate(zip(answer.logits, answer.predicted_iou, strict=True)):
        yield Proposal(logits, float(iou), f"{name} {number}")


def _candidate(choice: Choice, mask: NDArray[np.bool_], size: tuple[int, ...], cancel: CancelFlag) -> Candidate:
    cancel.check()
    return Candidate(enlarged(mask, size), choice.total, asdict(choice.scores), choice.proposal.source)


def _mask_at(logits: NDArray[np.float32], small: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The mask of some logits at working size."""
    return np.asarray(cv2.resize(logits, small.shape[1::-1], interpolation=cv2.INTER_LINEAR)) > 0
