"""Cloth on a body: the same for the same asking, outside of what it lies on, and like the fabric it is made of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import Cancelled, SimulationFailed
from fashquick_common.garment import Category, CategoryGuess, Passport
from fashquick_common.garment.cloth import Texture, TextureClass, TextureGuess
from fashquick_generation.engine import Figure
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut import drafting
from fashquick_generation.studio.drape import dressing, fabrics, gates, motion
from fashquick_generation.studio.drape.collision import Collider, Shape, surface_of
from fashquick_generation.studio.drape.refining import refinement
from fashquick_generation.studio.drape.solver import Contacts, State
from fashquick_generation.studio.figure import body, measures, poses
from fashquick_generation.studio.figure.companions import companions_for
from fashquick_generation.studio.mesh import vertex_normals
from fashquick_generation.studio.sample import sample_garment
from tests.unit.generation.conftest import QUICK
from tests.unit.generation.test_studio_geometry import CUBE_FACES, CUBE_POINTS

STILL = Shape(CUBE_POINTS, vertex_normals(CUBE_POINTS, CUBE_FACES), np.zeros((8, 3)))


def quiet() -> None:
    """Hear of a frame."""


@pytest.fixture(scope="module")
def pieces() -> list[dressing.Piece]:
    model = body.load(Figure(), companions_for([Category.T_SHIRT]))
    upright = model.posed(poses.rotations(model, poses.arms_out(45.0)))
    pattern = drafting.drafted(sample_garment(), measures.measured(upright), CancelFlag())
    return [dressing.Piece(pattern, fabrics.JERSEY), dressing.Piece(pattern, fabrics.COATING)]


@pytest.fixture(scope="module")
def outfit(pieces: list[dressing.Piece]) -> dressing.Fallen:
    model = body.load(Figure(), companions_for([Category.T_SHIRT]))
    return dressing.fallen(model, pieces, effort=QUICK, on_frame=quiet, cancel=CancelFlag())


@pytest.fixture(scope="module")
def walking(outfit: dressing.Fallen) -> dressing.Dressed:
    return dressing.posed(outfit, poses.named("walk"), on_frame=quiet, cancel=CancelFlag())


def test_a_pose_does_not_depend_on_those_before(outfit: dressing.Fallen, walking: dressing.Dressed) -> None:
    before = [worn.state.x.copy() for worn in outfit.worn]
    other = dressing.posed(outfit, poses.named("a-pose"), on_frame=quiet, cancel=CancelFlag())
    again = dressing.posed(outfit, poses.named("walk"), on_frame=quiet, cancel=CancelFlag())
    for first, second, third in zip(walking.garments, again.garments, other.garments, strict=True):
        assert (first.x == second.x).all()
        assert np.abs(first.x - third.x).max() > 0.05
    assert all((x == worn.state.x).all() for x, worn in zip(before, outfit.worn, strict=True))


def test_the_outer_garment_is_outside(walking: dressing.Dressed) -> None:
    inner, outer = walking.garments
    edge = np.unique(inner.cloth.edges.ends[inner.cloth.edges.border])
    near, at = cKDTree(inner.x).query(outer.x)
    over = (near < 0.04) & ~np.isin(at, edge)
    height = ((outer.x - inner.x[at]) * vertex_normals(inner.x, inner.cloth.faces)[at]).sum(axis=1)
    assert over.sum() > 200
    assert (height[over] > -0.002).mean() > 0.97


def test_cloth_that_flies_apart_is_tried_once_more(outfit: dressing.Fallen, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def exploding(state: State, *_: object) -> State:
        tried.append(state)
        return State(np.full_like(state.x, np.nan), state.v)

    monkeypatch.setattr(motion, "advanced", exploding)
    with pytest.raises(SimulationFailed, match="diverged"):
        dressing.posed(outfit, poses.named("walk"), on_frame=quiet, cancel=CancelFlag())
    assert len(tried) == 2  # seen in the first frame, each time


def test_a_raised_flag_stops_dressing(outfit: dressing.Fallen) -> None:
    flag = CancelFlag()
    with pytest.raises(Cancelled):
        dressing.posed(outfit, poses.named("walk"), on_frame=flag.cancel, cancel=flag)
    assert flag.steps < 12


def test_cloth_far_away_or_nowhere_is_an_explosion() -> None:
    gates.check_motion(np.zeros((3, 3)))
    for wrong in (np.nan, np.inf, 5.0):
        with pytest.raises(gates.Unstable):
            gates.check_motion(np.array([[0.0, 0.0, 1.0], [0.0, wrong, 1.0]]))


def test_planes_face_outward_where_points_have_sunk_in() -> None:
    points = np.array([[0.0, 0.1, 0.95], [0.93, 0.0, 0.1], [0.0, 0.0, 1.05], [0.2, 0.1, 4.0]])
    wanted = np.array([0.01, 0.01, 0.01, -1.0])
    planes = Contacts.none(len(points))
    Collider(surface_of(CUBE_FACES, 8), wanted).touch(points, STILL, planes)
    assert (planes.clearance == wanted).all()
    depth = ((points - planes.points) * planes.normals).sum(axis=1)
    assert (np.sign(depth[:3]) == (-1, -1, 1)).all()
    assert np.abs(planes.points[:3]).max(axis=1) == pytest.approx(1.0)


def test_the_fine_mesh_begins_where_the_coarse_one_is(pieces: list[dressing.Piece]) -> None:
    coarse, fine = (dressing.sewn(pieces[0].pattern, grid_m) for grid_m in (0.05, 0.025))

    def bent(rest: Float64) -> Float64:
        return np.stack([rest[:, 0], np.sin(2 * rest[:, 0]), rest[:, 1]], axis=1)

    state = State(bent(coarse.rest), np.zeros((len(coarse.rest), 3)))
    placed = refinement(coarse, fine).applied(state)
    assert np.abs(placed.x - bent(fine.rest)).max() < 0.01


def test_fabric_follows_texture_and_category() -> None:
    def of(category: Category, texture: TextureClass | None = None, confidence: float = 0.9) -> fabrics.Fabric:
        guesses = () if texture is None else (TextureGuess(texture, confidence),)
        seen = Texture(guesses, 0.5, 0.5, 0.0, 0.2, 0.2)
        return fabrics.fabric_of(Passport((CategoryGuess(category, 1.0),), {}, (), 9, 9, 0.5, texture=seen))

    assert of(Category.TROUSERS, TextureClass.DENIM) is fabrics.DENIM
    assert of(Category.TROUSERS, TextureClass.DENIM, 0.3) is fabrics.TWILL
    assert of(Category.COAT, TextureClass.SMOOTH) is fabrics.COATING
    assert of(Category.SWEATER) is fabrics.KNIT
    soft, stiff = fabrics.CREPE, fabrics.DENIM
    assert stiff.bend_compliance(0.013) < soft.bend_compliance(0.013) / 5
    assert fabrics.KNIT.stretch_compliance(0.013) > 5 * fabrics.DENIM.stretch_compliance(0.013)
