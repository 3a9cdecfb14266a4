"""Whole pictures by diffusion on small random networks: what holds whatever the weights are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import (
    BadField,
    BadMask,
    BytesExhausted,
    Cancelled,
    FashquickError,
    ModelNotInstalled,
    PictureRefused,
)
from fashquick_common.garment import PaletteColour
from fashquick_common.models.profiles import Role
from fashquick_generation.diffusion import safety
from fashquick_generation.diffusion.denoising.embeddings import EncodedPrompts, PromptEncoder
from fashquick_generation.diffusion.generator import DiffusionGenerator
from fashquick_generation.diffusion.weights.architecture import random_network
from fashquick_generation.diffusion.weights.networks import Networks
from fashquick_generation.engine import (
    REPAIR_MAPS,
    Event,
    GenerationJob,
    MapKind,
    Picture,
    Progress,
    RepairJob,
    Task,
    View,
    generated,
)
from fashquick_generation.studio import StudioGenerator
from fashquick_generation.wishes import DiffusionWishes, PromptWishes, RegionKind
from tests.support.diffusion import small_networks, small_profile

QUICK = small_profile(working_pixels=64 * 96)


class HeldNetworks:
    """A registry with one profile in memory."""

    default = "small"

    def __init__(self, networks: Networks) -> None:
        self.networks = networks

    @contextmanager
    def use(self, name: str, cancel: CancelFlag | None = None) -> Iterator[Networks]:
        assert name == self.default
        yield self.networks

    def digest(self, name: str) -> str:
        return "0" * 64


class PatientStudio:
    """The studio, that makes what it was asked for before only once."""

    name = "studio"
    digest = "1" * 64

    def __init__(self, studio: StudioGenerator) -> None:
        self._studio = studio
        self._made: dict[tuple[object, ...], list[Event]] = {}

    def warm_up(self) -> None:
        pass

    def generate(self, job: GenerationJob, hear: Callable[[Event], None], cancel: CancelFlag) -> Mapping[str, float]:
        key = (*(view.yaw_degrees for view in job.views), job.width, job.maps)
        if key not in self._made:
            self._made[key] = []
            self._studio.generate(job, self._made[key].append, cancel)
        for event in self._made[key]:
            hear(event)
        return {}


@pytest.fixture(scope="session")
def studio(generator: StudioGenerator) -> PatientStudio:
    return PatientStudio(generator)


@pytest.fixture(scope="module")
def dressed(printed_job: GenerationJob) -> GenerationJob:
    [garment] = printed_job.garments
    palette = (
        PaletteColour((60, 90, 160), (38.0, 5.0, -40.0), 0.8, "royal blue"),
        PaletteColour((250, 220, 40), (88.0, -5.0, 82.0), 0.2, "yellow"),
    )
    garment = replace(garment, passport=replace(garment.passport, palette=palette))
    return replace(printed_job, garments=(garment,), width=192 + 64, height=384, maps=frozenset({MapKind.BASE}))


@pytest.fixture(scope="module")
def diffusion(studio: PatientStudio) -> DiffusionGenerator:
    return DiffusionGenerator(HeldNetworks(small_networks(profile=QUICK)), studio)


@pytest.fixture(scope="module")
def heard(diffusion: DiffusionGenerator, dressed: GenerationJob) -> list[Event]:
    events: list[Event] = []
    wishes = DiffusionWishes(steps=8)
    diffusion.generate(replace(dressed, diffusion=wishes, maps=frozenset(MapKind)), events.append, CancelFlag())
    return events


@pytest.fixture(scope="module")
def made(heard: list[Event]) -> Picture:
    [picture] = [event for event in heard if isinstance(event, Picture)]
    return picture


def wished(job: GenerationJob, **wishes: object) -> GenerationJob:
    return replace(job, diffusion=replace(DiffusionWishes(steps=4), **wishes))


def pictured(diffusion: DiffusionGenerator, job: GenerationJob) -> Picture:
    [picture] = generated(diffusion, job).pictures
    return picture


def test_progress_never_falls_and_previews_come(heard: list[Event]) -> None:
    progress = [event for event in heard if isinstance(event, Progress)]
    fractions = [event.fraction for event in progress]
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1
    assert next(event.step for event in progress if event.step != "studio") == "initial"
    assert any(event.preview is not None for event in progress if event.step == "initial")


def test_the_picture_is_another_than_the_studios_where_no_garment_is_and_keeps_the_garments_colours(
    made: Picture,
) -> None:
    base, garment = made.maps[MapKind.BASE].astype(float), made.maps[MapKind.GARMENT_MASK]
    apart = np.abs(made.rgb - base).mean(axis=2)
    assert apart[garment == 0].mean() > 3
    inside = garment == 255
    assert np.abs(made.rgb[inside].mean(axis=0) - base[inside].mean(axis=0)).max() < 12


def test_the_record_says_how_it_was_made(made: Picture) -> None:
    making = made.making
    assert making is not None
    assert "royal blue" in making.prompt
    assert "yellow" in making.prompt
    assert (making.profile, making.plan, making.device, making.steps) == ("small", "plain", "cpu", 8)
    assert {record.kind for record in making.regions} >= {RegionKind.GARMENT, RegionKind.FACE}
    assert all((record.seed is None) == bool(record.note) for record in making.regions)
    assert made.facts["peak_resident_bytes"] > 1e6


def test_all_maps_are_there_and_only_those_asked_for(
    made: Picture, diffusion: DiffusionGenerator, dressed: GenerationJob
) -> None:
    assert made.maps.keys() == set(MapKind)
    bare = pictured(diffusion, wished(replace(dressed, maps=frozenset({MapKind.DEPTH}))))
    assert bare.maps.keys() == {MapKind.DEPTH}
    assert bare.key_points == ()


def test_without_strength_the_picture_is_the_studios(studio: PatientStudio, dressed: GenerationJob) -> None:
    still = replace(QUICK, strengths={"initial": 0.0, "garment": 0.0, "face": 0.0, "hand": 0.0})
    diffusion = DiffusionGenerator(HeldNetworks(small_networks(profile=still)), studio)
    picture = pictured(diffusion, wished(dressed))
    assert np.abs(picture.rgb.astype(int) - picture.maps[MapKind.BASE]).max() <= 2


def test_deterministic_repeats_bit_for_bit_and_another_seed_does_not(
    diffusion: DiffusionGenerator, dressed: GenerationJob
) -> None:
    alone = wished(dressed, deterministic=True)
    first, second = pictured(diffusion, alone), pictured(diffusion, alone)
    assert np.array_equal(first.rgb, second.rgb)
    other = pictured(diffusion, replace(alone, seed=alone.seed + 1))
    assert not np.array_equal(first.rgb, other.rgb)
    assert diffusion.together(alone) is None


def test_the_default_profile_is_one_profile_named_or_not(diffusion: DiffusionGenerator, dressed: GenerationJob) -> None:
    assert diffusion.together(wished(dressed, profile="small")) == diffusion.together(wished(dressed))


def worked(diffusion: DiffusionGenerator, tasks: list[Task]) -> list[object]:
    return list(diffusion.work_on(tasks, CancelFlag()))


def listening() -> tuple[list[Event], Callable[[Event], None]]:
    events: list[Event] = []
    return events, events.append


def test_calls_share_steps_and_each_gets_what_it_would_get_alone(
    diffusion: DiffusionGenerator, dressed: GenerationJob
) -> None:
    jobs = [wished(dressed), replace(wished(dressed), seed=77)]
    assert diffusion.together(jobs[0]) == diffusion.together(jobs[1]) is not None
    ears = [listening() for _ in jobs]
    outcomes = worked(diffusion, [Task(one, hear, CancelFlag()) for one, (_, hear) in zip(jobs, ears, strict=True)])
    assert all(not isinstance(outcome, FashquickError) for outcome in outcomes)
    for one, (events, _) in zip(jobs, ears, strict=True):
        [picture] = [event for event in events if isinstance(event, Picture)]
        assert picture.making is not None
        assert picture.making.batch_size >= 2
        alone = pictured(diffusion, one)
        # Batches add in another order, and each pass rounds to bytes what the next begins with.
        assert (np.abs(picture.rgb.astype(int) - alone.rgb) > 2).mean() < 1e-4


def test_of_calls_together_one_is_cancelled_and_one_is_wrong_and_the_third_gets_its_picture(
    diffusion: DiffusionGenerator, dressed: GenerationJob
) -> None:
    flag, (events, hear) = CancelFlag(), listening()

    def leave(event: Event) -> None:
        if isinstance(event, Progress) and event.step == "initial":
            flag.cancel()

    outcomes = worked(
        diffusion,
        [
            Task(wished(dressed), leave, flag),
            Task(wished(dressed, strength=7.0), lambda _: None, CancelFlag()),
            Task(wished(dressed), hear, CancelFlag()),
        ],
    )
    assert isinstance(outcomes[0], Cancelled)
    assert isinstance(outcomes[1], BadField)
    assert not isinstance(outcomes[2], FashquickError)
    assert any(isinstance(event, Picture) for event in events)


def test_a_prompt_that_cannot_be_encoded_ends_its_call_alone(
    diffusion: DiffusionGenerator, dressed: GenerationJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = PromptEncoder.encode

    def encode_others(encoder: PromptEncoder, positive: str, negative: str, networks: Networks) -> EncodedPrompts:
        if "fox" in positive:
            raise BytesExhausted("no room for the text encoder", retry_after_s=1.0)
        return encode(encoder, positive, negative, networks)

    monkeypatch.setattr(PromptEncoder, "encode", encode_others)
    events, hear = listening()
    refused = wished(dressed, prompt=PromptWishes(replace="a red fox"))
    outcomes = worked(
        diffusion, [Task(refused, lambda _: None, CancelFlag()), Task(wished(dressed), hear, CancelFlag())]
    )
    assert isinstance(outcomes[0], BytesExhausted)
    assert not isinstance(outcomes[1], FashquickError)
    assert any(isinstance(event, Picture) for event in events)


def test_a_cancelled_call_stops_within_a_step(diffusion: DiffusionGenerator, dressed: GenerationJob) -> None:
    flag = CancelFlag()
    steps: list[float] = []

    def hear(event: Event) -> None:
        if isinstance(event, Progress) and event.step == "initial":
            steps.append(event.fraction)
            if len(steps) == 2:
                flag.cancel()

    with pytest.raises(Cancelled):
        diffusion.generate(wished(dressed, steps=40), hear, flag)
    assert len(steps) == 2


def repair_of(picture: Picture, seed: int = 9) -> RepairJob:
    assert picture.making is not None
    region = np.where(picture.maps[MapKind.GARMENT_MASK] >= 128, np.uint8(255), np.uint8(0))
    return RepairJob(picture.rgb, region, {kind: picture.maps[kind] for kind in REPAIR_MAPS}, picture.making, seed)


def test_a_repair_changes_the_region_and_nothing_else(diffusion: DiffusionGenerator, made: Picture) -> None:
    job = repair_of(made)
    events, hear = listening()
    diffusion.repair(job, hear, CancelFlag())
    [picture] = [event for event in events if isinstance(event, Picture)]
    assert np.array_equal(picture.rgb[job.region == 0], made.rgb[job.region == 0])
    assert not np.array_equal(picture.rgb[job.region > 0], made.rgb[job.region > 0])
    assert picture.making is not None
    assert picture.making.regions[-1].kind is RegionKind.REPAIR
    assert picture.making.regions[-1].seed == 9
    assert picture.making.regions[-1].note == ""
    assert any(isinstance(event, Progress) and event.step == "repair" for event in events)


def test_a_deterministic_repair_is_done_alone(diffusion: DiffusionGenerator, made: Picture) -> None:
    assert diffusion.together(replace(repair_of(made), deterministic=True)) is None


def test_a_repair_by_other_weights_says_so(diffusion: DiffusionGenerator, made: Picture) -> None:
    job = repair_of(made)
    events, hear = listening()
    diffusion.repair(replace(job, prior=replace(job.prior, weights="e" * 64)), hear, CancelFlag())
    [picture] = [event for event in events if isinstance(event, Picture)]
    assert picture.making is not None
    assert picture.making.weights == "e" * 64
    assert "5" * 64 in picture.making.regions[-1].note


def test_repairs_of_calls_are_done_together(diffusion: DiffusionGenerator, made: Picture) -> None:
    assert made.making is not None
    single = replace(made, making=replace(made.making, batch_size=1))
    jobs = [repair_of(single, 1), repair_of(single, 2)]
    assert diffusion.together(jobs[0]) == diffusion.together(jobs[1])
    ears = [listening() for _ in jobs]
    worked(diffusion, [Task(one, hear, CancelFlag()) for one, (_, hear) in zip(jobs, ears, strict=True)])
    [first], [second] = ([event for event in events if isinstance(event, Picture)] for events, _ in ears)
    assert first.making is not None
    assert first.making.batch_size == 2
    assert not np.array_equal(first.rgb, second.rgb)


def test_a_repaired_picture_is_checked_as_a_new_one_is(
    studio: PatientStudio, made: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []

    def refuse(picture: np.ndarray, _: Networks) -> None:
        seen.append(picture)
        raise PictureRefused("the safety checker refuses the picture")

    monkeypatch.setattr(safety, "check_safety", refuse)
    events, hear = listening()
    with pytest.raises(ModelNotInstalled, match="safety"):
        DiffusionGenerator(HeldNetworks(small_networks(profile=QUICK)), studio).repair(
            replace(repair_of(made), safety=True), hear, CancelFlag()
        )
    assert not any(event.step == "repair" for event in events if isinstance(event, Progress))
    checking = small_networks(profile=QUICK, safety=random_network("small", Role.SAFETY))
    with pytest.raises(PictureRefused):
        DiffusionGenerator(HeldNetworks(checking), studio).repair(
            replace(repair_of(made), safety=True), hear, CancelFlag()
        )
    assert [picture.shape for picture in seen] == [made.rgb.shape]
    assert not any(isinstance(event, Picture) for event in events)


def test_a_record_that_asks_for_what_no_prompt_may_is_refused(diffusion: DiffusionGenerator, made: Picture) -> None:
    job = repair_of(made)
    assert job.prior.region_prompts
    for prior in (
        replace(job.prior, prompt="a naked figure", region_prompts={}),
        replace(job.prior, region_prompts={RegionKind.GARMENT: "a Teenage look"}),
    ):
        events, hear = listening()
        with pytest.raises(BadField, match="adults and dressed") as refused:
            diffusion.repair(replace(job, prior=prior), hear, CancelFlag())
        assert refused.value.field == "prior.prompt"
        assert events == []


def test_a_repair_keeps_what_holds_of_every_prompt_whatever_its_record_says(
    diffusion: DiffusionGenerator, made: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode, read = PromptEncoder.encode, list[tuple[str, str]]()

    def encode_and_note(encoder: PromptEncoder, positive: str, negative: str, networks: Networks) -> EncodedPrompts:
        read.append((positive, negative))
        return encode(encoder, positive, negative, networks)

    monkeypatch.setattr(PromptEncoder, "encode", encode_and_note)
    job = repair_of(made)
    bare = replace(job.prior, prompt="a red fox", negative_prompt="fog", region_prompts={})
    for prior in (job.prior, bare):
        diffusion.repair(replace(job, prior=prior), lambda _: None, CancelFlag())
    assert read == [
        (job.prior.region_prompts[RegionKind.GARMENT], job.prior.negative_prompt),
        ("a red fox, adult", "fog, child, teenager, underage, nudity"),
    ]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"region": np.zeros((384, 256), np.uint8)}, BadMask),
        ({"region": np.full((64, 64), 255, np.uint8)}, BadMask),
        ({"maps": {}}, BadField),
        ({"picture": np.zeros((384, 250, 3), np.uint8)}, BadField),
    ],
    ids=["empty region", "region of another size", "no maps", "odd size"],
)
def test_a_repair_of_nonsense_is_refused(
    diffusion: DiffusionGenerator, made: Picture, change: dict[str, object], error: type[FashquickError]
) -> None:
    with pytest.raises(error):
        diffusion.repair(replace(repair_of(made), **change), lambda _: None, CancelFlag())


@pytest.mark.parametrize(
    "wishes",
    [
        {"steps": 0},
        {"steps": 1000},
        {"strength": -0.1},
        {"strength": 1.1},
        {"strength": float("nan")},
        {"guidance": 0.0},
        {"control": 3.0},
        {"colour_guidance": 2.0},
    ],
    ids=str,
)
def test_numbers_out_of_range_are_refused_before_any_work(
    diffusion: DiffusionGenerator, dressed: GenerationJob, wishes: dict[str, float]
) -> None:
    events, hear = listening()
    with pytest.raises(BadField, match=next(iter(wishes))):
        diffusion.generate(wished(dressed, **wishes), hear, CancelFlag())
    assert events == []


def test_sizes_are_multiples_of_8_and_the_error_names_the_next(
    diffusion: DiffusionGenerator, dressed: GenerationJob
) -> None:
    with pytest.raises(BadField, match="256"):
        diffusion.generate(wished(replace(dressed, width=259)), lambda _: None, CancelFlag())


@pytest.mark.parametrize("size", [{"width": 1032}, {"height": 1544}], ids=str)
def test_a_picture_too_large_to_be_upscaled_is_refused_before_any_work(
    diffusion: DiffusionGenerator, dressed: GenerationJob, size: dict[str, int]
) -> None:
    events, hear = listening()
    with pytest.raises(BadField, match="1024 x 1536"):
        diffusion.generate(wished(replace(dressed, **size), upscale=True), hear, CancelFlag())
    assert events == []


def test_words_that_no_prompt_may_have_are_refused_before_any_work(
    diffusion: DiffusionGenerator, dressed: GenerationJob
) -> None:
    events, hear = listening()
    with pytest.raises(BadField, match="'topless'"):
        diffusion.generate(wished(dressed, prompt=PromptWishes(add="topless")), hear, CancelFlag())
    assert events == []


def test_an_upscaled_picture_is_twice_as_large_with_its_maps(
    diffusion: DiffusionGenerator, dressed: GenerationJob
) -> None:
    picture = pictured(diffusion, wished(dressed, upscale=True, steps=2))
    assert picture.rgb.shape == (768, 512, 3)
    assert picture.maps[MapKind.BASE].shape == (768, 512, 3)


def test_views_are_denoised_together(diffusion: DiffusionGenerator, dressed: GenerationJob) -> None:
    views = (View(), View(yaw_degrees=180.0))
    pictures = generated(diffusion, wished(replace(dressed, views=views))).pictures
    assert [picture.view for picture in pictures] == [0, 1]
    front, back = (picture.making for picture in pictures)
    assert front is not None
    assert back is not None
    assert front.batch_size >= 2
    assert "back" in back.prompt
    assert {record.kind: record.note for record in back.regions}[RegionKind.FACE]


def test_a_safety_check_without_a_checker_is_refused_with_what_to_do(
    diffusion: DiffusionGenerator, dressed: GenerationJob
) -> None:
    with pytest.raises(ModelNotInstalled, match="safety"):
        diffusion.generate(wished(dressed, safety=True), lambda _: None, CancelFlag())


def test_a_prompt_of_the_callers_own_is_the_one_of_all_regions(
    diffusion: DiffusionGenerator, dressed: GenerationJob
) -> None:
    making = pictured(diffusion, wished(dressed, steps=2, prompt=PromptWishes(replace="a red fox"))).making
    assert making is not None
    assert making.prompt.startswith("a red fox")
    assert making.region_prompts == {}
