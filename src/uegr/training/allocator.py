"""Memory that is kept once it was requested: a step's tensors are as large as the last step's."""

import ctypes

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # glibc's malloc.h
LARGEST = 2**31 - 1
TOP_PAD = 2**26


def keep_freed_memory() -> bool:
    """Have glibc keep freed memory for the next request, whatever its size.

    By default glibc maps the pages of a large tensor from the kernel and returns them when it is freed, and the kernel
    clears each page again at every step. benchmarks/results/allocator.json has the time this saves. The peak is the
    same; between peaks a process keeps its memory.

    Returns:
        Whether it was done; nothing is done elsewhere than under glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # macOS, musl, Windows
        return False
    settings = {M_MMAP_THRESHOLD: LARGEST, M_TRIM_THRESHOLD: LARGEST, M_TOP_PAD: TOP_PAD}
    return all(mallopt(parameter, value) == 1 for parameter, value in settings.items())
