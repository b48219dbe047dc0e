"""Memory of a real-time thread: locked, and touched before it is needed, so that no tick waits for a page."""

from __future__ import annotations

import ctypes
import resource

_MCL_CURRENT, _MCL_FUTURE = 1, 2
_POPULATE_WRITE = 23
"""Of madvise: make pages present and writable, their contents as they are (Linux 5.14)."""
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Of mallopt."""
_ATTRIBUTES = 64
"""At least as long as a pthread_attr_t [bytes]."""
_KEPT = 64
"""What is never freed of a touched stretch [bytes]: glibc would give a heap back in which nothing is left."""
HEAP = 16 << 20
"""How much of the heap is touched [bytes]."""


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def lock_memory() -> bool:
    """Keep every page of the process in memory, also those to come; whether that was granted."""
    try:
        return _libc().mlockall(_MCL_CURRENT | _MCL_FUTURE) == 0
    except (OSError, AttributeError):
        return False


def prefault() -> bool:
    """Touch this thread's stack and a stretch of heap, which stays with the process from then on; whether it worked."""
    try:
        _touch_heap(_libc())
        return _touch_stack(_libc())
    except (OSError, AttributeError):
        return False


def _touch_heap(libc: ctypes.CDLL) -> None:
    libc.mallopt(_TRIM_THRESHOLD, -1)
    libc.mallopt(_MMAP_MAX, 0)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    libc.realloc.restype, libc.realloc.argtypes = ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_size_t)
    block = libc.malloc(HEAP)
    if block:
        ctypes.memset(block, 0, HEAP)
        libc.realloc(block, _KEPT)


def stack_of_thread() -> tuple[int, int]:
    """Lowest usable address and size of this thread's stack [bytes]."""
    libc, attributes = _libc(), ctypes.create_string_buffer(_ATTRIBUTES)
    libc.pthread_self.restype = ctypes.c_ulong
    low, size, guard = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_size_t()
    if libc.pthread_getattr_np(ctypes.c_ulong(libc.pthread_self()), attributes) != 0:
        raise OSError("this system does not tell where a stack is")
    libc.pthread_attr_getstack(attributes, ctypes.byref(low), ctypes.byref(size))
    libc.pthread_attr_getguardsize(attributes, ctypes.byref(guard))
    libc.pthread_attr_destroy(attributes)
    return int(low.value or 0) + guard.value, size.value - guard.value


def _touch_stack(libc: ctypes.CDLL) -> bool:
    low, size = stack_of_thread()
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return libc.madvise(low, size, _POPULATE_WRITE) == 0


def page_faults() -> int:
    """How often this thread has had to wait for a page so far."""
    usage = resource.getrusage(resource.RUSAGE_THREAD)
    return usage.ru_minflt + usage.ru_majflt
