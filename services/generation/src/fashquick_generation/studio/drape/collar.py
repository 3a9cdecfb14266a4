"""Collars and hoods on the body: bands that stand on the neckline, once the cloth has come to rest.

They are shaped, not simulated: a collar is stiff, and its way around a neck is always the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from fashquick_common.errors import SimulationFailed
from fashquick_common.garment import Neckline
from fashquick_generation.studio.arrays import Bool, Float64, Int, Int32
from fashquick_generation.studio.cut.collar import Collar
from fashquick_generation.studio.cut.gates import LAY_FLAT
from fashquick_generation.studio.cut.pattern import Pattern, Role, Side
from fashquick_generation.studio.drape.cloth import Cloth
from fashquick_generation.studio.figure.body import Part, PosedBody
from fashquick_generation.studio.mesh import edges_of, vertex_normals

ROWS = 6
"""Points across a band."""
LEAN_DEGREES = {Neckline.COLLAR: 22.0, Neckline.HIGH: 38.0}
"""How far a band leans towards the neck; what would be inside of it is pushed out again."""
OFF_BODY_M = 0.006
"""Least distance of a band from the skin."""
OFF_CLOTH_M = 0.004
"""Least distance of a fold from the cloth that it lies on."""
BELOW_CHIN_M = 0.004
"""Least distance of a collar's rim from the height of the chin in front."""
OVER_CHIN_M = 0.035
"""How far it may reach over that height behind the neck, below the ears at the sides."""
LEAST_M = 0.0015
"""Height of a band where a collar tapers out."""
BACK_BLEND = 0.35
"""Part of the way around the back over which a collar goes from its height at the side to that at the back."""
FOLD_SHARE = 1.25
"""Length of a shirt collar's fold at the back over the height of its stand."""
FOLD_SPREAD = 0.35
"""How far it goes outward for each step down."""
FOLD_OUT_M = 0.006
"""Distance between stand and fold."""
HOOD_ROWS = 12
"""Points across a hood that lies on the back."""
HOOD_TURN = 1.15 * np.pi
"""How far a hood's roll goes around, from its seam up, out and down: its edge is tucked under."""
HOOD_RISE_M = (0.018, 0.034, 0.055)
"""How far a hood stands up at the throat, beside the neck and behind it."""
HOOD_OUT_M = (0.024, 0.046, 0.075)
"""How far it reaches out from its seam there."""
HOOD_DROP_M = (0.0, 0.018, 0.12)
"""How far its outer side hangs below its seam there."""
HOOD_FOLDS = 7
"""Folds around the neck."""
HOOD_FOLD_DEPTH = 0.14
"""Of a fold, as a share of the roll's width."""
HOOD_MIRRORS = 4
"""How often a hood shows its ring of pixels, mirrored each time, from its seam to its edge."""
SMOOTHINGS = 3
"""Passes of smoothing along a band."""


def with_collar(
    pattern: Pattern, cloth: Cloth, x: Float64, texture: Float64, body: PosedBody
) -> tuple[Cloth, Float64, Float64]:
    """Put a garment's collar or hood on it.

    Args:
        pattern: The garment's.
        cloth: Its mesh.
        x: Vx3 float64 metres, where its vertices are.
        texture: Vx2 float64, their pixels in the photo.
        body: Who wears it.

    Returns:
        The same with the collar's vertices and faces added; unchanged where there is no collar.

    Raises:
        SimulationFailed: The mesh has no neckline that goes once around.
    """
    if pattern.collar is None:
        return cloth, x, texture
    around = _around(cloth, pattern.collar)
    band = _shaped(around, pattern.collar.kind, x, body, vertex_normals(x, cloth.faces))
    columns, rows = band.shape[:2]
    turned = {Neckline.HOOD: 0, Neckline.COLLAR: ROWS - 1, Neckline.HIGH: rows}[pattern.collar.kind]
    faces = _quads(columns, rows, turned) + np.int32(len(x))
    back = np.tile(np.repeat(around.back, rows - 1), 2)
    count = columns * rows
    whole = np.concatenate([cloth.faces, faces]).astype(np.int32)
    grown = replace(
        cloth,
        rest=np.concatenate([cloth.rest, np.repeat(cloth.rest[around.vertices], rows, axis=0)]),
        faces=whole,
        back_face=np.concatenate([cloth.back_face, back]),
        panel=np.concatenate([cloth.panel, np.repeat(around.back.astype(np.float64), rows)]),
        neck_edge=np.concatenate([cloth.neck_edge, np.zeros(count, bool)]),
        edges=edges_of(whole),
    )
    return (
        grown,
        np.concatenate([x, band.reshape(count, 3)]),
        np.concatenate([texture, around.pixels.reshape(count, 2)]),
    )


@dataclass(frozen=True, slots=True)
class _Around:
    """The neckline, once around: over the front from the wearer's right to the left, and back behind the neck.

    Attributes:
        vertices: N int, of the cloth.
        back: N bool, whether the band between a vertex and the next one shows the back's cloth.
        rise: N float64 metres, height of the band.
        fold: N float64 metres, length of its fold.
        pixels: NxRx2 float64, pixels of the photo.
    """

    vertices: Int
    back: Bool
    rise: Float64
    fold: Float64
    pixels: Float64


def _around(cloth: Cloth, collar: Collar) -> _Around:
    right, left = cloth.corner[Role.NECK, Side.MIDDLE], cloth.corner[Role.SHOULDER, Side.LEFT]
    front, behind = _chain(cloth, right, left, back=False), _chain(cloth, left, right, back=True)
    at, behind_at = _along(cloth.rest[front])[:-1], _along(cloth.rest[behind])[:-1]
    stations = np.linspace(0, 1, len(collar.rise_m))
    rise = np.interp(at, stations, collar.rise_m)
    # Behind the neck, heights go from the side's to the back's and back again.
    middle = np.clip(np.minimum(behind_at, 1 - behind_at) / BACK_BLEND, 0, 1)
    sides = np.interp(behind_at, (0, 1), collar.rise_m[[-1, 0]])
    behind_rise = sides + middle * (collar.back_m - sides)
    folded = FOLD_SHARE * collar.back_m if collar.kind is Neckline.COLLAR else 0.0
    is_hood = collar.kind is Neckline.HOOD
    lower, upper = (
        np.stack([np.interp(np.r_[at, 1 - behind_at], stations, line[:, k]) for k in (0, 1)], axis=1)
        for line in (collar.seam, collar.rim)
    )
    own_back = collar.kind is Neckline.COLLAR
    if own_back:
        # Its front has points and buttons: the back panel's cloth goes on behind, mirrored at the seam.
        straight = [line[-1] + behind_at[:, None] * (line[0] - line[-1]) for line in (collar.seam, collar.rim)]
        lower[len(at) :], upper[len(at) :] = straight[0], 2 * straight[0] - straight[1]
    rows = np.linspace(0, 1, HOOD_ROWS if is_hood else ROWS)
    if collar.kind is Neckline.COLLAR:
        rows = np.r_[rows, rows[::-1]]  # What is folded over shows the same cloth again.
    if is_hood:
        rows = _mirrored(rows, HOOD_MIRRORS)  # Little of its outside is seen in the photo.
    return _Around(
        vertices=np.concatenate([front[:-1], behind[:-1]]),
        back=np.r_[np.zeros(len(at), bool), np.full(len(behind_at), own_back)],
        rise=np.maximum(np.concatenate([rise, behind_rise]), LEAST_M),
        fold=np.concatenate([np.zeros(len(at)), folded * np.sqrt(middle)]),
        pixels=lower[:, None] + rows[None, :, None] * (upper - lower)[:, None],
    )


def _mirrored(share: Float64, times: int) -> Float64:
    """0 to 1 and back again, `times` in all, as `share` goes from 0 to 1."""
    turn: Float64 = 1 - np.abs(1 - (times * share) % 2)
    return turn


def _chain(cloth: Cloth, first: int, last: int, *, back: bool) -> Int:
    """Vertices of a panel's border from one to another."""
    border = cloth.edges.border & (cloth.back_face[cloth.edges.faces[:, 0]] == back)
    around: dict[int, list[int]] = {}
    for a, b in cloth.edges.ends[border].tolist():
        around.setdefault(a, []).append(b)
        around.setdefault(b, []).append(a)
    chain = [first]
    for _ in range(len(around)):
        if chain[-1] == last:
            return np.array(chain)
        onward = [vertex for vertex in around.get(chain[-1], []) if vertex not in chain[-2:]]
        if not onward:
            break
        chain.append(onward[0])
    raise SimulationFailed("the garment's neckline is not one line, so no collar can stand on it; " + LAY_FLAT)


def _along(line: Float64) -> Float64:
    """Share of a line's length up to each point."""
    travelled = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))]
    share: Float64 = travelled / max(travelled[-1], 1e-9)
    return share


def _shaped(around: _Around, kind: Neckline, x: Float64, body: PosedBody, normals: Float64) -> Float64:
    """NxRx3 float64: the band's points, column by column, from the neckline on."""
    base = x[around.vertices]
    axis, low = _axis(body.vertices[body.of(Part.NECK)])
    outward = base - low - ((base - low) @ axis)[:, None] * axis
    outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-9
    behind = (1 + outward[:, 1]) / 2  # The figure looks towards negative y.
    near = body.of(Part.TORSO, Part.NECK, Part.UPPER_ARM_LEFT, Part.UPPER_ARM_RIGHT)
    skin, garment = _Surface(body.vertices[near], body.normals[near]), _Surface(x, normals)
    if kind is Neckline.HOOD:
        return _off(_off(_hood(base, axis, outward, behind), skin, OFF_BODY_M), garment, OFF_CLOTH_M)
    lean = np.radians(LEAN_DEGREES[kind])
    chin = float(body.vertices[body.of(Part.HEAD), 2].min())
    ceiling = chin - BELOW_CHIN_M + (BELOW_CHIN_M + OVER_CHIN_M) * behind
    room = np.maximum(ceiling - base[:, 2], LEAST_M)
    rise = np.minimum(around.rise, room / np.cos(lean))
    way = np.cos(lean) * axis - np.sin(lean) * outward
    up = np.repeat(base[:, None], ROWS, axis=1)
    for row in range(1, ROWS):  # Step by step, or it would go through the neck.
        up[:, row:] = (up[:, row - 1] + (rise / (ROWS - 1))[:, None] * way)[:, None]
        up = _off(up, skin, OFF_BODY_M)
    # Shoulders push up what leans into them.
    height = up[..., 2] - base[:, None, 2]
    up[..., 2] = base[:, None, 2] + height * np.minimum(room / np.maximum(height.max(axis=1), 1e-9), 1)[:, None]
    if kind is Neckline.HIGH:
        return up
    share = np.linspace(0, 1, ROWS)
    out = np.minimum(share / share[1], 1)[None, :, None] * FOLD_OUT_M * outward[:, None]
    down = (around.fold[:, None] * share)[..., None] * (axis - FOLD_SPREAD * outward)[:, None]
    fold = up[:, -1:] + (out - down) * np.minimum(around.fold / FOLD_OUT_M, 1)[:, None, None]
    return np.concatenate([up, _off(fold, garment, OFF_CLOTH_M)], axis=1)


def _hood(base: Float64, axis: Float64, outward: Float64, behind: Float64) -> Float64:
    """A hood that lies on the back: up around the neck, then out and down, far behind and little at the throat."""
    rise, out, drop = (np.interp(behind, (0, 0.5, 1), size) for size in (HOOD_RISE_M, HOOD_OUT_M, HOOD_DROP_M))
    t = np.linspace(0, 1, HOOD_ROWS)
    around = np.linspace(0, 2 * np.pi, len(base), endpoint=False)[:, None]
    folds = 1 + HOOD_FOLD_DEPTH * np.sin(HOOD_FOLDS * around + np.pi * t) * np.sin(np.pi * t)
    across = folds * (1 - np.cos(HOOD_TURN * t)) / 2
    hanging = np.clip((t - 0.4) / 0.6, 0, 1)
    up = rise[:, None] * folds * np.sin(HOOD_TURN * t) - drop[:, None] * hanging**1.5
    hood: Float64 = base[:, None] + (out[:, None] * across)[..., None] * outward[:, None] + up[..., None] * axis
    return hood


def _axis(neck: Float64) -> tuple[Float64, Float64]:
    """Direction of the neck, upward, and the middle of its lower part."""
    height = neck[:, 2]
    low, high = (neck[height <= np.percentile(height, 30)], neck[height >= np.percentile(height, 70)])
    along = high.mean(axis=0) - low.mean(axis=0)
    unit: Float64 = along / np.linalg.norm(along)
    return unit, low.mean(axis=0)


class _Surface:
    """What a band must not go through: points and their outward normals."""

    def __init__(self, points: Float64, normals: Float64) -> None:
        self._points, self._normals = points, normals
        self._tree = cKDTree(points)

    def lifted(self, band: Float64, gap: float) -> Float64:
        """NxRx3 points, those nearer than `gap` or behind moved out."""
        nearest = self._tree.query(band.reshape(-1, 3))[1].reshape(band.shape[:2])
        normals = self._normals[nearest]
        away = ((band - self._points[nearest]) * normals).sum(axis=2)
        out: Float64 = band + np.maximum(gap - away, 0)[..., None] * normals
        return out


def _off(band: Float64, surface: _Surface, gap: float) -> Float64:
    """A band pushed off a surface and smoothed around, all but its first row."""
    out = band.copy()
    for k in range(SMOOTHINGS):
        out[:, 1:] = surface.lifted(out[:, 1:], gap)
        if k < SMOOTHINGS - 1:
            out[:, 1:] = (np.roll(out, 1, axis=0) + 2 * out + np.roll(out, -1, axis=0))[:, 1:] / 4
    return out


def _quads(columns: int, rows: int, turned: int) -> Int32:
    """Triangles of a closed band of points, row after row within each column.

    They are counter-clockwise from outside up to the row `turned`, where cloth is folded outward, and then from above.
    """
    column, row = (grid.ravel() for grid in np.meshgrid(np.arange(columns), np.arange(rows - 1), indexing="ij"))
    after = (column + 1) % columns
    a, b, c, d = (which * rows + row + up for which, up in ((column, 0), (after, 0), (after, 1), (column, 1)))
    first, second = (np.where(row < turned, one, other) for one, other in ((b, d), (d, b)))
    triangles = [np.stack([a, first, c], axis=1), np.stack([a, c, second], axis=1)]
    return np.concatenate(triangles).astype(np.int32)
