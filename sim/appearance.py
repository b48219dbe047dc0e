"""How the arm looks: a few smooth primitives per link, so that software GL draws an image in a millisecond or two."""

from __future__ import annotations

from typing import NamedTuple

import mujoco

from sim.workbench import visual

Point = tuple[float, float, float]


class Rod(NamedTuple):
    """A capsule or cylinder between two points of the link's frame [m]."""

    kind: str
    start: Point
    end: Point
    radius: float
    material: str = "shell"


class Block(NamedTuple):
    """A box or ellipsoid at a point of the link's frame [m]."""

    kind: str
    pos: Point
    size: Point
    material: str = "shell"


LOOKS: dict[str, tuple[Rod | Block, ...]] = {
    "link0": (
        Rod("cylinder", (0, 0, 0), (0, 0, 0.02), 0.095, "joint"),
        Rod("cylinder", (0, 0, 0.02), (0, 0, 0.135), 0.072),
        Block("ellipsoid", (-0.07, 0, 0.055), (0.085, 0.068, 0.055)),
        Block("box", (-0.125, 0, 0.04), (0.028, 0.05, 0.04), "joint"),
        Rod("cylinder", (0, 0, 0.134), (0, 0, 0.146), 0.062, "joint"),
    ),
    "link1": (
        Rod("cylinder", (0, 0, -0.188), (0, 0, -0.06), 0.060),
        Rod("capsule", (0, 0, -0.07), (0, 0, -0.03), 0.060),
        Rod("cylinder", (0, -0.118, 0), (0, 0.0, 0), 0.060),
        Rod("cylinder", (0, -0.126, 0), (0, -0.117, 0), 0.050, "joint"),
    ),
    "link2": (
        Rod("cylinder", (0, 0, 0), (0, 0, 0.118), 0.060),
        Rod("cylinder", (0, 0, 0.117), (0, 0, 0.126), 0.050, "joint"),
        Rod("capsule", (0, 0, 0.01), (0, -0.06, 0.0), 0.060),
        Rod("cylinder", (0, -0.04, 0), (0, -0.183, 0), 0.060),
        Rod("cylinder", (0, -0.182, 0), (0, -0.196, 0), 0.054, "joint"),
    ),
    "link3": (
        Rod("cylinder", (0, 0, -0.120), (0, 0, -0.06), 0.060),
        Rod("capsule", (0, 0, -0.07), (0.0825, 0.02, -0.0), 0.056),
        Rod("cylinder", (0.0825, 0, 0), (0.0825, 0.098, 0), 0.057),
        Rod("cylinder", (0.0825, 0.097, 0), (0.0825, 0.106, 0), 0.048, "joint"),
    ),
    "link4": (
        Rod("cylinder", (0, 0, 0), (0, 0, 0.098), 0.057),
        Rod("cylinder", (0, 0, 0.097), (0, 0, 0.106), 0.048, "joint"),
        Rod("capsule", (0, 0, 0.0), (-0.0825, 0.06, 0), 0.056),
        Rod("cylinder", (-0.0825, 0.05, 0), (-0.0825, 0.115, 0), 0.060),
        Rod("cylinder", (-0.0825, 0.114, 0), (-0.0825, 0.126, 0), 0.054, "joint"),
    ),
    "link5": (
        Rod("cylinder", (0, 0, -0.258), (0, 0, -0.19), 0.060),
        Rod("capsule", (0, 0.0, -0.195), (0, 0.045, -0.10), 0.056),
        Rod("capsule", (0, 0.045, -0.10), (0, 0.065, 0.0), 0.044),
        Rod("cylinder", (0, 0.115, 0), (0, 0.045, 0), 0.050),
        Rod("cylinder", (0, 0.124, 0), (0, 0.114, 0), 0.042, "joint"),
    ),
    "link6": (
        Rod("cylinder", (0, 0, -0.045), (0, 0, 0.05), 0.050),
        Rod("cylinder", (0, 0, 0.049), (0, 0, 0.058), 0.042, "joint"),
        Rod("capsule", (0.01, 0.0, 0), (0.088, 0.0, 0), 0.044),
        Rod("cylinder", (0.088, -0.045, 0), (0.088, 0.062, 0), 0.048),
        Rod("cylinder", (0.088, 0.058, 0), (0.088, 0.067, 0), 0.049, "accent"),
    ),
    "link7": (
        Rod("cylinder", (0, 0, 0.052), (0, 0, 0.082), 0.044, "joint"),
        Rod("cylinder", (0, 0, 0.08), (0, 0, 0.107), 0.044),
        Rod("capsule", (0.01, 0.01, 0.09), (0.04, 0.04, 0.09), 0.014, "joint"),
    ),
    "hand": (
        Rod("cylinder", (0, 0, 0), (0, 0, 0.012), 0.036, "joint"),
        Rod("capsule", (0, -0.078, 0.032), (0, 0.078, 0.032), 0.0265),
        Block("box", (0, 0, 0.028), (0.026, 0.09, 0.022)),
        Block("box", (0, 0, 0.058), (0.018, 0.085, 0.006), "joint"),
    ),
    "left_finger": (
        Block("box", (0, 0.0135, 0.012), (0.0095, 0.0095, 0.014), "metal"),
        Block("box", (0, 0.0105, 0.034), (0.0085, 0.0065, 0.012), "metal"),
        Block("box", (0, 0.0045, 0.0445), (0.0085, 0.0045, 0.0088), "joint"),
    ),
}


def dress(spec: mujoco.MjSpec) -> None:
    """Add the arm's looks to the bodies that ``sim.panda`` made."""
    for name, shapes in LOOKS.items():
        for shape in shapes:
            _add(spec.body(name), shape)
    for shape in LOOKS["left_finger"]:
        _add(spec.body("right_finger"), shape)


def _add(body: mujoco.MjsBody, shape: Rod | Block) -> None:
    if isinstance(shape, Rod):
        geom = visual(body, shape.kind, (shape.radius,), shape.material)
        geom.fromto = [*shape.start, *shape.end]
    else:
        visual(body, shape.kind, shape.size, shape.material).pos = shape.pos
