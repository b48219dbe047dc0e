"""Memory that is touched before a loop needs it costs no page fault in the loop."""

import ctypes
import threading

import pytest

from controllers.loop.memory import page_faults, prefault, stack_of_thread

PAGE = 4096
DEEP = 1 << 20


def in_a_thread(work):
    """In a thread with a stack of its own, of which nothing has been touched."""
    found = []
    old = threading.stack_size(8 << 20)
    try:
        thread = threading.Thread(target=lambda: found.append(work()))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(old)
    return found[0]


def faults_deep_in_the_stack():
    """Write where only a deep call would come to, far below what is in use."""
    low, size = stack_of_thread()
    assert size > 4 << 20
    before = page_faults()
    ctypes.memset(low + PAGE, 0, DEEP)
    return page_faults() - before


def test_a_touched_stack_costs_no_faults_and_an_untouched_one_does():
    def touched():
        if not prefault():
            pytest.skip("this kernel cannot populate pages")
        return faults_deep_in_the_stack()

    assert in_a_thread(faults_deep_in_the_stack) > 10
    assert in_a_thread(touched) <= 2


@pytest.mark.parametrize("held", [1, 60 << 20], ids=["empty", "almost full"])
def test_touched_heap_is_used_again_without_faults(held):
    """Also where a thread's heap, which glibc ends at 64 MiB, has no room left, so that another one is begun."""

    def work():
        prefault()  # memory comes from the heap from here on
        hold = ctypes.create_string_buffer(held)
        prefault()
        before = page_faults()
        block = ctypes.create_string_buffer(4 << 20)
        ctypes.memset(block, 1, len(block))
        return page_faults() - before, len(hold)

    assert in_a_thread(work)[0] < 50, "4 MiB are 1024 pages"
