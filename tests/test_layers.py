"""Imports point down only (docs/architecture.md), and torch and ROS stay where they belong."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = [
    {"robot_rl.core"},
    {"controllers"},
    {"drivers", "sim", "robot_rl.web"},
    {"robot_rl.transport", "robot_rl.data", "robot_rl.teleop", "robot_rl.nets", "robot_rl.tasks"},
    {"robot_rl.envs", "robot_rl.rewards"},
    {"robot_rl.learner", "robot_rl.actor"},
    {"robot_rl.methods"},
    {"robot_rl.nodes", "robot_rl.report"},
    {"robot_rl.apps"},
]
RANK = {package: rank for rank, packages in enumerate(LAYERS) for package in packages}
WITHOUT_TORCH = {"robot_rl.core", "controllers", *LAYERS[2], *LAYERS[3], "robot_rl.envs"} - {"robot_rl.nets"}
THIRD_PARTY = {
    "robot_rl.core": {"numpy", "yaml"},
    "controllers": {"numpy", "numba", "llvmlite", "scipy", "controllers"},
}
FILES = sorted(p for top in ("robot_rl", "controllers", "drivers", "sim") for p in (ROOT / top).rglob("*.py"))


def package_of(module: str) -> str:
    """The layer's package that a dotted name lies in, or the name's first part."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "robot_rl" else parts[0]


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    relative = [n for n in nodes if isinstance(n, ast.ImportFrom) and n.level]
    assert not relative, f"{path}: write imports in full"
    plain = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    of = [n for n in nodes if isinstance(n, ast.ImportFrom) and n.module]
    return plain | {f"{n.module}.{a.name}" for n in of for a in n.names} | {n.module for n in of} - {"robot_rl"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    mine = package_of(module)
    if path.name == "__init__.py":
        assert not path.read_text(encoding="utf-8").strip(), f"{path} must be empty"
        return
    assert mine in RANK, f"{mine} has no place in tests/test_layers.py"
    for name in imports(path):
        other = package_of(name)
        if other in RANK and other != mine:
            assert RANK[other] < RANK[mine], f"{module} imports {name}, which lies above it or beside it"
        assert name.split(".")[0] != "torch" or mine not in WITHOUT_TORCH, f"{module} imports torch"
        assert name.split(".")[0] != "rclpy" or mine in {"robot_rl.nodes", "robot_rl.apps"}, f"{module} imports rclpy"
    third_party = {n.split(".")[0] for n in imports(path)} - set(sys.stdlib_module_names) - {"robot_rl"}
    allowed = THIRD_PARTY.get(mine, third_party)
    assert third_party <= allowed, f"{module} imports {third_party - allowed}; {mine} may use {allowed}"


def test_there_is_no_import_cycle() -> None:
    modules = {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in FILES if p.name != "__init__.py"}
    graph = {name: imports(path) & set(modules) - {name} for name, path in modules.items()}
    while leaves := {name for name, needs in graph.items() if not needs}:
        graph = {name: needs - leaves for name, needs in graph.items() if name not in leaves}
    assert not graph, f"these modules import each other, or import ones that do: {sorted(graph)}"


def test_a_robot_computer_needs_no_torch_and_no_ros() -> None:
    low = {"robot_rl.core", "controllers", "drivers", "sim"}
    names = [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in FILES if p.name != "__init__.py"]
    modules = [n for n in names if package_of(n) in low]
    code = f"import sys, importlib\nfor n in {modules}: importlib.import_module(n)\n"
    code += "sys.exit(' '.join({'torch', 'rclpy', 'gymnasium', 'grpc'} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


def test_launch_is_no_package() -> None:
    assert not list((ROOT / "launch").rglob("__init__.py")), "ROS has a module of that name"
