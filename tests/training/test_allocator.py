"""Freed memory is kept for the next step and not requested from the kernel again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
from uegr.training.allocator import keep_freed_memory

done = {keep} and keep_freed_memory()
tensor = b"x" * 2**26
del tensor
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    tensor = b"x" * 2**26
    del tensor
print(done, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(*, keep: bool) -> tuple[str, int]:
    """Whether memory was kept, and the number of page faults."""
    process = subprocess.run([sys.executable, "-c", PROGRAM.format(keep=keep)], capture_output=True, check=True)
    done, faults = process.stdout.decode().split()
    return done, int(faults)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can keep freed memory")
def test_freed_memory_is_not_requested_from_the_kernel_again() -> None:
    (_, default_faults), (done, faults) = run(keep=False), run(keep=True)
    assert done == "True"
    assert default_faults > 1000, "the program must measure what the test is about"
    assert faults < default_faults / 10
