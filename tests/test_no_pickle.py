"""Nothing that comes from a file or a wire is ever run: no pickle, in any of its disguises, and no eval."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(p for top in ("robot_rl", "controllers", "drivers", "sim", "launch") for p in (ROOT / top).rglob("*.py"))
MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
CALLS = {
    "torch.load": "load safetensors instead",
    "torch.save": "save safetensors instead",
    "torch.jit.load": "load safetensors instead",
    "torch.hub.load": "it runs what it downloads",
    "yaml.load": "call yaml.safe_load",
    "yaml.unsafe_load": "call yaml.safe_load",
    "yaml.full_load": "call yaml.safe_load",
    "pandas.read_pickle": "no pickle",
    "os.system": "call subprocess.run with a list",
}


def name_of(node: ast.expr) -> str:
    """Dotted name of a call's function; empty if it has none."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id])) if isinstance(node, ast.Name) else ""


def sins(text: str) -> list[str]:
    """What a module does that runs what it reads."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found += [node.module] if (node.module or "").split(".")[0] in MODULES else sorted(names & set(CALLS))
        elif isinstance(node, ast.Call):
            name = name_of(node.func)
            found += [name] if name in BUILTINS or name in CALLS else []
            found += [k.arg for k in node.keywords if k.arg in ("allow_pickle", "shell") and truth(k.value)]
        elif isinstance(node, ast.Constant) and node.value in MODULES:
            found.append(f"the name {node.value!r}")
    return found


def truth(value: ast.expr) -> bool:
    """Whether an argument is, or may be, true."""
    return not (isinstance(value, ast.Constant) and not value.value)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_runs_what_it_reads(path: Path) -> None:
    assert not sins(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from pickle import loads",
        "import torch\ntorch.load('x')",
        "from torch import load",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "np.load('x', allow_pickle=flag)",
        "eval('1')",
        "import importlib\nimportlib.import_module('pickle')",
        "yaml.load(f)",
        "subprocess.run('x', shell=True)",
    ],
)
def test_it_would_be_seen(text: str) -> None:
    assert sins(text)


def test_what_is_harmless_is_let_through() -> None:
    assert not sins(
        "import re, yaml\nre.compile('a'); model.eval(); np.load('x', allow_pickle=False); yaml.safe_load(f)"
    )
