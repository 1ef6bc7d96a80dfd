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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep memory")
def test_what_was_freed_is_not_asked_from_the_kernel_again() -> None:
    def run(keep: bool) -> tuple[str, int]:
        made = subprocess.run([sys.executable, "-c", PROGRAM.format(keep=keep)], capture_output=True, check=True)
        done, faults = made.stdout.decode().split()
        return done, int(faults)

    (_, default), (done, kept) = run(False), run(True)
    assert done == "True"
    assert default > 1000  # the test sees what it is about
    assert kept < default / 10
