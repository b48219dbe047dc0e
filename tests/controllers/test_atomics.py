"""The words that processes share keep their order on ARM too: read in the machine code, not believed."""

import importlib.util
import re
from pathlib import Path

import numba
import numpy as np
import pytest
from llvmlite import binding

from controllers.numeric import jit

ADDRESS = np.zeros(8, np.int64)
FLAT, SLOTS = np.zeros(15), np.zeros((3, 15))


@pytest.fixture(scope="module")
def arm():
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    try:
        target = binding.Target.from_triple("aarch64-unknown-linux-gnu")
    except RuntimeError:
        pytest.skip("this llvmlite was built without the ARM back end")
    return target.create_target_machine(opt=2, features="+v8a")


def machine_code(kernel, machine):
    """A kernel translated for another processor; numba's own reference counts, which are for this one, left out."""
    text = kernel.inspect_llvm(kernel.signatures[0])
    text = re.sub(r"^target (datalayout|triple).*$", "", text, flags=re.M)
    text = re.sub(r"= (tail )?call i8 @llvm\.x86\.[^\n]*", "= add i8 0, 1", text)
    module = binding.parse_assembly(text)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    module.verify()
    return machine.emit_assembly(module)


def order(code, *patterns):
    """Position of each pattern after the one before; fails when one is missing."""
    at = 0
    for pattern in patterns:
        found = re.search(pattern, code[at:])
        assert found, f"{pattern} does not follow in\n{code}"
        at += found.end()


def body(code, name):
    """The instructions of the function whose mangled name holds ``name`` and that numba calls itself."""
    parts = re.split(r"^(?=_ZN)", code, flags=re.M)
    mine = [part for part in parts if name in part.split(":")[0] and "cpython" not in part.split(":")[0]]
    assert mine
    return max(mine, key=len)


@pytest.fixture(scope="module")
def compiled():
    """The module compiled anew: code from the cache comes without its text."""
    patch = pytest.MonkeyPatch()
    patch.setattr(jit, "kernel", numba.njit(nogil=True, error_model="numpy"))
    spec = importlib.util.spec_from_file_location("fresh_atomics", Path(jit.__file__).with_name("atomics.py"))
    atomics = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(atomics)
    patch.undo()
    base = ADDRESS.ctypes.data
    ADDRESS[:] = [0, 0, 1, 2, 0, 0, 0, 0]
    atomics.write_locked(base, FLAT, FLAT.copy())
    atomics.read_locked(base, FLAT, FLAT.copy(), 3)
    atomics.put_slot(base + 16, base + 8, FLAT, SLOTS)
    atomics.take_slot(base + 16, base + 24, SLOTS, FLAT)
    atomics.load_word(base)
    atomics.store_word(base, 0)
    return atomics


def test_a_word_is_read_with_acquire_and_written_with_release(arm, compiled):
    assert re.search(r"\bldap?r\b", body(machine_code(compiled.load_word, arm), "load_word"))
    assert re.search(r"\bstlr\b", body(machine_code(compiled.store_word, arm), "store_word"))


def test_the_seqlock_writer_marks_its_copy_before_and_after(arm, compiled):
    order(
        body(machine_code(compiled.write_locked, arm), "write_locked"),
        r"\bstlr\b",
        r"\bdmb\s+ish\b",
        r"\bstr|\bstp|memcpy|memmove|st1",
        r"\bstlr\b",
    )


def test_the_seqlock_reader_checks_the_count_after_its_copy(arm, compiled):
    order(
        body(machine_code(compiled.read_locked, arm), "read_locked"),
        r"\bldap?r\b",
        r"\bldr\b|\bldp\b|memcpy|memmove|ld1",
        r"\bdmb\s+ish(ld)?\b",
        r"\bldap?r\b",
    )


@pytest.mark.parametrize("name", ["put_slot", "take_slot"])
def test_slots_are_swapped_with_acquire_and_release(arm, compiled, name):
    code = body(machine_code(getattr(compiled, name), arm), name)
    assert re.search(r"\bswpal\b", code) or (re.search(r"\bldaxr\b", code) and re.search(r"\bstlxr\b", code))
