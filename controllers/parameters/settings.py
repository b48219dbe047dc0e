"""What a controller is told at its start: gains, limits, the workspace and the energy budget."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from controllers.arms.arm_model import ArmModel
from controllers.law.state import INTERPOLATORS, SHAPES, config_dtype
from controllers.parameters.checks import check, working_cap
from robot_rl.core.errors import ConfigError
from robot_rl.core.names import check_name
from robot_rl.core.records import Array

Pair = tuple[float, float]
Triple = tuple[float, float, float]
Quad = tuple[float, float, float, float]
SPECIAL = ("stiffness", "tau_max", "tau_rate", "brake_rate", "q_null", "interpolator", "half_spaces", "spheres")
SPECIAL += ("kinetic_max", "delay_ticks", "mass_error")
JOINT_WISE = ("tau_max", "q_null", "friction_coulomb", "friction_viscous", "friction_credit")


@dataclass(frozen=True, kw_only=True)
class ControllerConfig:
    """Parameters of the passive impedance controller; pairs are (linear, angular). Defaults: preset ``rl_explore``."""

    period: float = 0.001
    """Time between ticks [s]."""
    stiffness: tuple[float, ...] = (600.0, 30.0)
    """Translational [N/m] and rotational [N m/rad] stiffness, 2 numbers, or 6 for one per axis."""
    k_min: Pair = (50.0, 5.0)
    """Smallest stiffness that a command may ask for [N/m, N m/rad]."""
    k_max: Pair = (1000.0, 50.0)
    """Largest stiffness that a command may ask for [N/m, N m/rad]."""
    zeta: float = 0.9
    """Damping ratio of every mode [-]."""
    damping_min: Pair = (0.0, 0.0)
    """Damping that is there even without stiffness [N s/m, N m s/rad]."""
    clip: Pair = (0.03, 0.15)
    """Displacement at which the springs saturate [m, rad]."""
    wrench_max: Pair = (20.0, 4.0)
    """Largest spring force per axis [N] and moment [N m]."""
    task_quat: Quad = (0.0, 0.0, 0.0, 1.0)
    """Axes of the task frame seen from base, xyzw: what a stiffness in frame TASK is given in."""
    box_min: Triple = (0.2, -0.5, 0.0)
    """Lower corner of the workspace for the reference, in the box's frame [m]."""
    box_max: Triple = (0.8, 0.5, 0.8)
    """Upper corner of the workspace for the reference, in the box's frame [m]."""
    box_pose: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    """The box's frame seen from base, pose (7,)."""
    half_spaces: tuple[Quad, ...] = ()
    """Allowed half-spaces n . p <= d, each (nx, ny, nz, d) [-, m], at most 8."""
    spheres: tuple[Quad, ...] = ()
    """Forbidden spheres, each (x, y, z, radius) [m], at most 8."""
    tilt_axis: Triple = (0.0, 0.0, -1.0)
    """Direction in base axes that the tool's z axis is kept near."""
    tilt_max: float = math.pi
    """Largest angle between the two [rad]; pi for any."""
    T0: float = 2.0
    """Energy in the tank after a reset [J]."""
    T_max: float = 4.0
    """Most energy the tank keeps; what would exceed it is discarded [J]."""
    P_max: float = 20.0
    """Largest power drawn from the tank and given to the arm [W]."""
    T_res: float = 0.2
    """Reserve that is never drawn on purpose [J]."""
    refill_power: float = 0.0
    """Leaky bucket: power given to the tank for nothing [W]. Above 0 the arm is power-limited, not strictly passive."""
    friction_credit: tuple[float, ...] = ()
    """Friction torque that every joint is sure to have, (n,) [N m]: what it eats is given back to the tank. The joint
    port is then no longer strictly passive, the environment's port still is."""
    charge_measured: bool = False
    """Let the ledger of measured torques, when the robot reports them, overrule the one of commanded torques."""
    loss_ticks: int = 0
    """Lost packets in a row that the barrier has energy in hand for; see ``parameters.line``."""
    delay_ticks: int = 0
    """Age of the newest state, beyond its own tick, that the cap on kinetic energy has room for."""
    mass_error: float = 0.5
    """How much heavier than its model the arm, with its load, may be, as a share: the cap has room for that too."""
    kinetic_max: float = 1.0
    """Largest kinetic energy of the arm [J]; held from below, see ``checks.working_cap``."""
    kinetic_rate: float = 20.0
    """How hard the kinetic energy is kept under its cap [1/s]."""
    tau_max: tuple[float, ...] = ()
    """Torque limits, (n,) [N m]; empty for the arm's own."""
    tau_rate: float = 500.0
    """Torque rate in normal use [N m/s]."""
    brake_rate: float = 1000.0
    """Torque rate when braking [N m/s]."""
    speed_share: float = 0.9
    """Share of a joint's speed limit, which may depend on its position, at which damping sets in."""
    interpolator: str = "filter"
    """How the reference goes to a goal: filter (critically damped), linear, min_jerk, jerk_limited."""
    omega: float = 2.0 * np.pi * 6.0
    """Natural frequency of the reference filter [rad/s]."""
    v_max: Pair = (0.25, 0.8)
    """Speed of the reference [m/s, rad/s]."""
    a_max: Pair = (2.0, 5.0)
    """Acceleration of the reference [m/s^2, rad/s^2]."""
    j_max: Pair = (50.0, 100.0)
    """Jerk of the reference, kept by the interpolator jerk_limited [m/s^3, rad/s^3]."""
    chunk_blend: float = 0.1
    """Time over which a new chunk of waypoints takes over from the one it replaces [s]."""
    leash: Pair = (0.06, 0.3)
    """Farthest that the reference may lead the measured pose [m, rad]."""
    lead_max: Pair = (0.1, 0.5)
    """Farthest that the goal may lead the reference; a farther command is shortened [m, rad]."""
    jump_max: Pair = (0.3, np.pi / 2)
    """A command further than this from the goal, ``RobotState.reference``, is rejected [m, rad]."""
    hold_timeout: float = 0.1
    """Time after a command's ``valid_until`` at which the arm holds [s]."""
    feed_forward_max: Pair = (5.0, 1.0)
    """Largest feed-forward force [N] and moment [N m] per axis that a command may ask for; more is cut."""
    feed_forward_rate: Pair = (200.0, 10.0)
    """How fast the feed-forward wrench may change [N/s, N m/s]."""
    velocity_feed_forward: float = 0.0
    """Share of the reference's velocity that damping lets pass, 0 (safest, for learning) to 1 (tracking)."""
    coriolis: float = 0.0
    """Share of the Coriolis and centrifugal torque that is compensated."""
    friction_coulomb: tuple[float, ...] = ()
    """Identified Coulomb friction, (n,) [N m]; empty for none."""
    friction_viscous: tuple[float, ...] = ()
    """Identified viscous friction, (n,) [N m s/rad]; empty for none."""
    friction_scale: float = 0.8
    """Share of the identified friction that is compensated; above 0.8 limit cycles appear."""
    friction_speed: float = 0.03
    """Joint speed at which Coulomb friction counts as developed [rad/s]."""
    friction_max: float = 2.0
    """Largest torque of the friction compensation [N m]."""
    null_stiffness: float = 5.0
    """Posture spring in the null space [N m/rad]."""
    null_damping: float = 2.0
    """Damping in the null space [N m s/rad]."""
    null_tau_max: float = 5.0
    """Largest torque of the posture spring [N m]."""
    q_null: tuple[float, ...] = ()
    """Posture for the null space, (n,) [rad]; empty for the arm's home."""
    limit_margin: float = 0.1
    """Distance from a joint's end at which its repelling spring starts [rad]."""
    limit_stiffness: float = 100.0
    """Stiffness of the springs at the joints' ends [N m/rad]."""
    limit_damping: float = 2.0
    """Damping there against motion further out [N m s/rad]."""
    wall_stiffness: float = 600.0
    """Stiffness of the walls around the workspace [N/m]; of the tilt cone in N m/rad, a tenth of it."""
    sigma_min: float = 0.04
    """Smallest singular value of the Jacobian below which the task inertia is damped [-]."""
    sigma_damping: float = 0.02
    """Mobility added in a singular posture [1/kg, 1/(kg m^2)]."""
    condition_slow: float = 17.0
    """Condition number of the Jacobian from which the reference slows down; inf: never [-]."""
    condition_stop: float = 30.0
    """Condition number at which it no longer moves towards the singular posture [-]."""
    error_max: Pair = (0.2, 0.8)
    """Error beyond which the reference is given up in favour of the measured pose, if it lasts [m, rad]."""
    error_patience: float = 2.0
    """How long such an error may last without becoming smaller [s]."""
    force_warn: float = math.inf
    """Contact force that is reported, and that counts as soft once it has lasted [N]."""
    force_patience: float = 0.5
    """How long a force above ``force_warn`` passes for a short contact [s]."""
    force_soft: float = math.inf
    """Contact force from which the springs get softer and the reference no longer moves into the contact [N]."""
    force_hard: float = math.inf
    """Contact force at which the arm brakes and the reference retracts [N]."""
    force_rate: float = 60.0
    """Bandwidth of the filter on the contact force [rad/s]."""
    soften_min: float = 0.2
    """What is left of the springs when the force reaches ``force_hard`` [-]."""
    retract_speed: float = 0.02
    """Speed at which the reference leaves a contact that is too hard [m/s]."""
    filter_enabled: bool = True
    """Off: the ledger only watches. For experiments in the twin."""

    def record(self, model: ArmModel) -> np.void:
        """What the kernels read; ``ConfigError`` when something does not fit ``model``."""
        rec = np.zeros((), config_dtype(model.n))[()]
        for name in JOINT_WISE:
            if getattr(self, name) and len(getattr(self, name)) != model.n:
                raise ConfigError(f"{name} has {len(getattr(self, name))} numbers: {model.name} has {model.n} joints")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in SPECIAL and value != ():
                rec[field.name] = value
        late = self.P_max * self.delay_ticks * self.period if self.delay_ticks else 0.0
        rec["kinetic_max"] = working_cap(self.kinetic_max, late, self.mass_error)
        rec["stiffness"] = self.six_stiffnesses()
        rec["interpolator"] = INTERPOLATORS.index(check_name("interpolator", self.interpolator, INTERPOLATORS[:-1]))
        rec["tau_max"] = self.tau_max or model.tau_max
        rec["tau_rate"] = np.minimum(self.tau_rate, model.dtau_max)
        rec["brake_rate"] = np.minimum(self.brake_rate, model.dtau_max)
        rec["q_null"] = self.q_null or model.home
        self._write_shapes(rec)
        check(rec, model)
        return rec

    def _write_shapes(self, rec: np.void) -> None:
        for name in ("half_spaces", "spheres"):
            shapes = getattr(self, name)
            if len(shapes) > SHAPES:
                raise ConfigError(f"{name} has {len(shapes)} entries: the controller takes at most {SHAPES}")
            if shapes:
                rec[name][: len(shapes)] = shapes
            rec[f"n_{name}"] = len(shapes)
        for i in range(rec["n_half_spaces"]):
            length = np.linalg.norm(rec["half_spaces"][i, :3])
            if not length > 0.0:
                raise ConfigError("half_spaces: a normal has length 0; give its direction")
            rec["half_spaces"][i] /= length

    def six_stiffnesses(self) -> Array:
        """The stiffness per axis, (6,)."""
        k = np.array(self.stiffness, dtype=float)
        if k.shape == (2,):
            k = np.repeat(k, 3)
        if k.shape != (6,):
            raise ConfigError(f"stiffness has {k.size} numbers: give 2 (linear, angular) or 6")
        return k
