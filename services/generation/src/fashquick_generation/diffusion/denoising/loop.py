"""Denoising: rows of latents through the shared networks, several at a time, each with its own everything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

from fashquick_common.errors import BytesExhausted, FashquickError, InternalError, drop_frames
from fashquick_generation.diffusion.denoising.batch import Batch
from fashquick_generation.diffusion.denoising.failures import (
    DeviceFull,
    DeviceLost,
    Room,
    device_failures,
    lost_error,
)
from fashquick_generation.diffusion.denoising.guidance import slope_of
from fashquick_generation.diffusion.denoising.latents import decoded, encoded
from fashquick_generation.diffusion.denoising.precision import computing_in, name_of
from fashquick_generation.diffusion.denoising.previews import early_look
from fashquick_generation.diffusion.denoising.rows import Denoised, Row, UInt8, check_row
from fashquick_generation.diffusion.denoising.states import RowState, begun, to_encode
from fashquick_generation.diffusion.weights.networks import Networks
from fashquick_generation.diffusion.weights.plan import RETRY_AFTER_S, rows_that_fit

T = TypeVar("T")


def denoise(networks: Networks, rows: Sequence[Row], *, alone: bool = False) -> list[Denoised | FashquickError]:
    """Denoise rows, those of one size together; each leaves when its own steps are done.

    Computes what diffusers' ControlNet pipelines for image-to-image and inpainting do.

    Args:
        networks: Shared; not changed.
        rows: In any mixture of sizes and steps.
        alone: Whether each row is computed by itself, so that it repeats bit for bit whatever it comes with. (Not on
            CUDA with colour guidance: gradients are summed there in any order.)

    Returns:
        What became of each row, in order: what `check_row` raises, `Cancelled` and `DeadlinePassed` of a row's own
        flag, what its `on_step` raises, `BytesExhausted` where even one row does not fit, `InternalError` where the
        model gives NaN in float32 too or the device is lost.
    """
    work = _Work(networks, rows, alone=alone)
    try:
        work.do(work.ready(), networks.dtype)
        while work.unsound:
            work.do([work.unsound.pop()], torch.float32)
    except DeviceLost as lost:
        work.give_up(lost)
    return [work.outcomes[place] for place in range(len(rows))]


class _Work:
    """One call's rows, by their place among them, and what became of them.

    Attributes:
        outcomes: By place.
        unsound: Places of rows that the networks' own type gave no numbers for; float32 may.
    """

    def __init__(self, networks: Networks, rows: Sequence[Row], *, alone: bool) -> None:
        self._networks = networks
        self._rows = rows
        self._alone = alone
        self._told = [0] * len(rows)  # steps; a row that begins again tells only what is new
        self.outcomes: dict[int, Denoised | FashquickError] = {}
        self.unsound: list[int] = []

    def ready(self) -> list[int]:
        """The rows that need computing; the others get their outcome."""
        for place, row in enumerate(self._rows):
            with self._owned_by(place):
                check_row(row, self._networks)
                if row.strength == 0:
                    row.cancel.check()
                    self.outcomes[place] = Denoised(row.image.copy(), 1, name_of(self._networks.dtype))
        return [place for place in range(len(self._rows)) if place not in self.outcomes]

    def do(self, places: Sequence[int], dtype: torch.dtype) -> None:
        """Denoise rows: all encoded, then all through their steps, then all decoded, so that networks wait in turn.

        Args:
            places: Which.
            dtype: To compute in.

        Raises:
            DeviceLost: The device is gone.
        """
        with computing_in(dtype, self._networks.dtype):
            finished: list[RowState] = []
            for lot in _alike(self._begun(places, dtype), self._kind):
                # Gradients pass no tensor that is made under inference_mode, which is a little faster.
                with torch.no_grad() if lot[0].aim is not None else torch.inference_mode():
                    finished.extend(self._denoised(lot))
            with torch.inference_mode():
                self._finish(finished, dtype)

    def give_up(self, lost: DeviceLost) -> None:
        """End all rows that are still open."""
        for place in range(len(self._rows)):
            self.outcomes.setdefault(place, lost_error(self._networks.device, lost))

    def _begun(self, places: Sequence[int], dtype: torch.dtype) -> list[RowState]:
        started: list[RowState] = []

        def encode(some: Sequence[int]) -> None:
            pictures = [to_encode(self._rows[place], self._networks, dtype) for place in some]
            flat = [picture for of_row in pictures for picture in of_row]
            # Rows for the UNet of 9 channels have two pictures; as many as rows go into a pass.
            passes = (flat[start : start + len(some)] for start in range(0, len(flat), len(some)))
            said = iter([one for several in passes for one in encoded(several, self._networks)])
            for place, of_row in zip(some, pictures, strict=True):
                mine = [next(said) for _ in of_row]
                with self._owned_by(place):
                    started.append(begun(self._rows[place], place, mine, self._networks, dtype))

        with torch.no_grad():  # some of it is kept for gradients, which inference_mode's tensors are not
            for lot in _alike(places, lambda place: self._rows[place].image.shape):
                self._by_batches(lot, encode)
        return sorted(started, key=lambda one: one.place)

    def _kind(self, one: RowState) -> Hashable:
        """What rows have in common that take steps together; rows with gradients, which take much memory, go alone."""
        nine = one.inpainting is not None and one.inpainting.noise is None
        return one.latents.shape, one.prompts[0].shape, nine, one.place if one.aim is not None else None

    def _denoised(self, lot: Sequence[RowState]) -> list[RowState]:
        """Take rows through all their steps; the first go on to their end before the next begin."""
        room, waiting = Room(self._most(lot[0].place)), list(lot)
        finished: list[RowState] = []
        batch: Batch | None = None
        while waiting:
            rows = [one for one in waiting[: room.most] if self._goes_on(one.place)]
            if rows:
                try:
                    with device_failures():
                        if batch is None or batch.rows != tuple(rows):
                            batch = Batch(rows, self._networks)
                        predicted, slope = self._predicted(batch)
                except DeviceFull:
                    batch = None
                if batch is None:
                    if not room.halve(len(rows)):
                        self._does_not_fit([one.place for one in rows])
                else:
                    finished.extend(self._advance(rows, predicted, slope))
            waiting = [one for one in waiting if one.done < one.steps and self._open(one.place)]
        return finished

    def _predicted(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """The noise in a batch's latents, and the slope of its row's colours where they pull; nothing is changed."""
        first = batch.rows[0]
        if first.aim is not None and self._networks.preview is not None:
            return slope_of(first.aim, first.latents, batch.predicted, first.clean, self._networks.preview)
        return batch.predicted(torch.cat([one.latents for one in batch.rows])), None

    def _advance(self, rows: Sequence[RowState], predicted: Tensor, slope: Tensor | None) -> list[RowState]:
        """Take a step with each row; returns those whose last it was."""
        try:
            with device_failures():
                looks = {}
                for one, guess in zip(rows, predicted.chunk(len(rows)), strict=True):
                    if one.wants_look:
                        looks[one.place] = one.clean(guess, one.latents)
                    one.advance(guess, slope)
                    one.together = max(one.together, len(rows))
                # The only time in a step that the device is waited for.
                sound = torch.cat([one.latents for one in rows]).isfinite().flatten(1).all(1).tolist()
        except DeviceFull:
            self._does_not_fit([one.place for one in rows])  # some have gone on and some have not
            return []
        for one, good in zip(rows, sound, strict=True):
            if good:
                self._tell(one, looks.get(one.place))
            else:
                self._unsound(one)
        return [one for one in rows if one.done == one.steps and self._open(one.place)]

    def _tell(self, one: RowState, clean: Tensor | None) -> None:
        if one.done <= self._told[one.place]:
            return
        self._told[one.place] = one.done
        look: UInt8 | None = None
        if clean is not None and self._networks.preview is not None:
            try:
                with device_failures():
                    look = early_look(clean, self._networks.preview)
            except DeviceFull:
                look = None  # the picture itself may still fit
        with self._owned_by(one.place):
            one.row.on_step(one.done, one.steps, look)

    def _unsound(self, one: RowState) -> None:
        if one.latents.dtype == torch.float32:
            self.outcomes[one.place] = InternalError(
                f"the model gave no numbers (NaN) at step {one.done} of {one.steps}, in float32 too; its weights may "
                f"be damaged: run `fashquick models verify {self._networks.profile.name}`"
            )
        else:
            self.unsound.append(one.place)

    def _finish(self, finished: Sequence[RowState], dtype: torch.dtype) -> None:
        by_place = {one.place: one for one in finished}

        def decode(some: Sequence[int]) -> None:
            pictures = decoded([by_place[place].latents for place in some], self._networks)
            for place, picture in zip(some, pictures, strict=True):
                self.outcomes[place] = (
                    picture
                    if isinstance(picture, FashquickError)
                    else Denoised(picture, by_place[place].together, name_of(dtype))
                )

        for lot in _alike(by_place, lambda place: by_place[place].latents.shape):
            self._by_batches(lot, decode)

    def _by_batches(self, places: Sequence[int], work: Callable[[Sequence[int]], None]) -> None:
        """Do rows' work that is done at once, several together, fewer if the device is full."""
        room = Room(1 if self._networks.plan.tiled_vae else self._most(places[0]))
        waiting = list(places)
        while waiting:
            some = [place for place in waiting[: room.most] if self._goes_on(place)]
            fits = True
            try:
                with device_failures():
                    if some:
                        work(some)
            except DeviceFull:
                fits = False
            if fits or not room.halve(len(some)):
                waiting = waiting[room.most :]
                if not fits:
                    self._does_not_fit(some)

    def _most(self, place: int) -> int:
        """How many rows of one's size are computed together."""
        if self._alone:
            return 1
        height, width = self._rows[place].image.shape[:2]
        return rows_that_fit(self._networks.plan, self._networks.dtype.itemsize, width, height)

    def _open(self, place: int) -> bool:
        return place not in self.outcomes and place not in self.unsound

    def _goes_on(self, place: int) -> bool:
        """Count a row's step, and end the row if its flag is raised."""
        with self._owned_by(place):
            self._rows[place].cancel.check()
        return self._open(place)

    @contextmanager
    def _owned_by(self, place: int) -> Iterator[None]:
        """Make an error the outcome of one row."""
        try:
            yield
        except FashquickError as error:
            drop_frames(error)
            self.outcomes[place] = error

    def _does_not_fit(self, places: Iterable[int]) -> None:
        for place in places:
            height, width = self._rows[place].image.shape[:2]
            self.outcomes[place] = BytesExhausted(
                f"a picture of {width}x{height} pixels does not fit in the memory that is free on "
                f"{self._networks.device}; try later, or ask for a smaller one",
                retry_after_s=RETRY_AFTER_S,
            )


def _alike(items: Iterable[T], kind: Callable[[T], Hashable]) -> list[list[T]]:
    """Put items of one kind together, in order."""
    lots: defaultdict[Hashable, list[T]] = defaultdict(list)
    for item in items:
        lots[kind(item)].append(item)
    return list(lots.values())
