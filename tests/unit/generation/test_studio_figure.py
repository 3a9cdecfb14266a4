"""The figure: shapes of body, companion clothes, poses and finishes."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from fashquick_common.errors import BadField
from fashquick_common.garment import Category
from fashquick_generation.engine import Figure, Phenotype, View
from fashquick_generation.studio.figure import baked, body, finishes, phenotypes, poses, posing
from fashquick_generation.studio.figure.body import Part
from fashquick_generation.studio.figure.companions import Companion, companions_for
from fashquick_generation.studio.figure.measures import Measures, measured

SHOES = frozenset({Companion.SHOES})
BODIES = (Figure("woman", "XS"), Figure("woman"), Figure("man", "3XL"))


def measures_of(figure: Figure) -> Measures:
    model = body.load(figure, SHOES)
    return measured(model.posed(poses.rotations(model, poses.arms_out(45.0))))


def refused(view: View) -> BadField:
    with pytest.raises(BadField) as caught:
        posing.posed_by(view, body.load(Figure("woman"), SHOES))
    return caught.value


def test_bodies_are_those_that_anny_makes() -> None:
    with np.load(Path(__file__).with_name("anny_bodies.npz")) as anny:
        for values, skin, joints in zip(anny["phenotypes"], anny["skin"], anny["joints"], strict=True):
            phenotype = Phenotype(**dict(zip(baked.ANCHORS, values.tolist(), strict=True)))
            ours = baked.read().points(phenotype)
            assert np.abs(ours[baked.SKIN][anny["rows"]] - skin).max() < 0.0005
            assert np.abs(ours[baked.JOINTS] - joints).max() < 0.0005


def test_each_phenotype_changes_the_body_its_own_way() -> None:
    middle = {field.name: 0.5 for field in fields(Phenotype)}

    def of(**changed: float) -> Measures:
        return measures_of(Figure(phenotype=Phenotype(**middle | changed)))

    assert of(weight=0.0).waist_girth_m < of().waist_girth_m < of(weight=1.0).waist_girth_m
    assert of(height=0.0).shoulder_height_m + 0.3 < of(height=1.0).shoulder_height_m
    assert of(gender=1.0).shoulder_width_m < of(gender=0.0).shoulder_width_m
    assert of(proportions=1.0).waist_girth_m < of(proportions=0.0).waist_girth_m


@pytest.mark.parametrize("preset", ["woman", "man"])
def test_sizes_grow_in_order_and_leave_the_height(preset: str) -> None:
    of = [measures_of(Figure(preset, size)) for size in phenotypes.SIZES[preset]]
    for girth in ("chest_girth_m", "waist_girth_m", "hip_girth_m"):
        steps = np.diff([getattr(one, girth) for one in of])
        assert (steps > 0.008).all()
    assert np.ptp([one.shoulder_height_m for one in of]) < 0.03


def test_measures_stand_above_one_another() -> None:
    for figure in BODIES:
        m = measures_of(figure)
        heights = (m.ankle_height_m, m.knee_height_m, m.crotch_height_m, m.hip_height_m, m.waist_height_m)
        assert list(heights) == sorted(heights)
        assert m.waist_girth_m < m.hip_girth_m
        assert m.ankle_girth_m < m.knee_girth_m < m.thigh_girth_m
        assert m.waist_height_m + m.back_length_m > m.shoulder_height_m


def test_companions_lie_outside_of_the_skin_they_hide() -> None:
    for figure in BODIES:
        model = body.load(figure, frozenset(Companion))
        rest = model.posed(np.tile(np.eye(3), (len(model.bones), 1, 1)))
        tree, normals = cKDTree(rest.vertices), rest.normals
        for name in (Companion.LEGGINGS, Companion.TROUSERS, Companion.TOP):
            points = rest.companions[name][rest.companions[name][:, 2] > rest.keypoints["left_ankle"][2]]
            _, nearest = tree.query(points)
            outward = ((points - rest.vertices[nearest]) * normals[nearest]).sum(axis=1)
            assert np.quantile(outward, 0.02) > 0, (figure, name)


def test_skin_shows_only_where_no_companion_is() -> None:
    bare = body.load(Figure(), frozenset())
    dressed = body.load(Figure(), frozenset({Companion.TOP, Companion.LEGGINGS, Companion.SHOES}))
    of_each = dressed.parts[dressed.bare].min(axis=1)
    assert len(bare.bare) == len(bare.body.faces)
    assert np.isin(of_each, (Part.THIGH_LEFT, Part.SHIN_RIGHT, Part.FOOT_LEFT)).sum() == 0
    assert np.isin(of_each, (Part.HEAD, Part.HAND_LEFT, Part.FOREARM_RIGHT)).sum() > 3000


def test_what_no_garment_covers_is_dressed() -> None:
    assert companions_for([Category.T_SHIRT]) == {Companion.TROUSERS, Companion.SHOES}
    assert companions_for([Category.COAT]) == {Companion.TOP, Companion.TROUSERS, Companion.SHOES}
    assert companions_for([Category.SHIRT, Category.COAT]) == {Companion.TROUSERS, Companion.SHOES}
    assert companions_for([Category.DRESS]) == {Companion.LEGGINGS, Companion.SHOES}
    assert companions_for([Category.SKIRT]) == {Companion.TOP, Companion.LEGGINGS, Companion.SHOES}
    assert companions_for([Category.TROUSERS]) == {Companion.TOP, Companion.SHOES}
    assert companions_for([Category.SHIRT, Category.TROUSERS]) == {Companion.SHOES}


@pytest.mark.parametrize("pose", list(poses.POSES))
def test_slim_and_full_bodies_take_every_pose_with_both_feet_on_the_floor(pose: str) -> None:
    for figure in (Figure("woman"), Figure("man", "3XL")):
        model = body.load(figure, SHOES)
        posed = model.posed(poses.rotations(model, posing.posed_by(View(pose), model)))
        left, right = np.split(posed.companions[Companion.SHOES][:, 2], 2)
        assert min(left.min(), right.min()) == pytest.approx(0, abs=1e-9)
        assert max(left.min(), right.min()) < 0.012
        assert posing.arm_depth(posed) < posing.PRESSED_M


def test_joints_turn_on_top_of_the_pose() -> None:
    model = body.load(Figure(), SHOES)
    plain, turned = (
        model.posed(poses.rotations(model, posing.posed_by(View(angles=angles), model)))
        for angles in ({}, {"head": (0.0, 0.0, 40.0)})
    )
    nose = plain.keypoints["nose"] - turned.keypoints["nose"]
    assert np.linalg.norm(nose) > 0.03
    assert np.allclose(plain.keypoints["left_wrist"], turned.keypoints["left_wrist"])


def test_an_arm_is_not_put_into_the_body() -> None:
    error = refused(View(angles={"upperarm01.L": (0.0, 35.0, 0.0)}))
    assert error.field == "view.angles"
    assert "into the body" in error.message


@pytest.mark.parametrize(
    ("bone", "turn", "said"),
    [
        ("tail", (0.0, 0.0, 0.0), "tail"),
        ("head", (0.0, float("nan"), 0.0), "nan"),
        ("lowerleg01.R", (-40.0, 0.0, 0.0), "-5 to 140"),
        ("upperleg01.R", (0.0, -40.0, 0.0), "-25 to 45"),
    ],
)
def test_joints_beyond_what_people_reach_are_refused(bone: str, turn: tuple[float, float, float], said: str) -> None:
    error = refused(View(angles={bone: turn}))
    assert error.field == "view.angles"
    assert bone in error.message
    assert said in error.message


def test_a_body_is_built_once() -> None:
    assert body.load(Figure("man", "L"), SHOES) is body.load(Figure("man", "L"), SHOES)
    same = replace(phenotypes.phenotype_of(Figure("man", "L")))
    assert body.load(Figure("curvy", phenotype=same), SHOES) is body.load(Figure("man", "L"), SHOES)


def test_unknown_names_are_refused() -> None:
    for make, field in (
        (lambda: finishes.named("gold"), "finish"),
        (lambda: body.load(Figure(size="9"), SHOES), "size"),
    ):
        with pytest.raises(BadField) as caught:
            make()
        assert caught.value.field == field
    assert finishes.named("") is finishes.FINISHES[finishes.DEFAULT]
