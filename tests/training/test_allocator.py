"""The allocator's setting: freed memory is not asked for again from the system."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
from modeling_vae.training.allocator import keep_freed_memory
if {keep}:
    keep_freed_memory()
torch.set_num_threads(1)
for turn in range(42):
    if turn == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = torch.ones(16 * 2**20)  # 64 MB
    del block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is one of glibc")
def test_a_block_that_was_freed_is_not_faulted_in_again():
    with_default, with_kept = (
        int(subprocess.run([sys.executable, "-c", FAULTS.format(keep=keep)], capture_output=True, check=True).stdout)
        for keep in (False, True)
    )
    assert with_kept < with_default / 5  # the heap may have other places for it, but few
