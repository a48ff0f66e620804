"""Compiles `kernel.c`: `python -m modeling_vae.browser.compile_kernel`, with `pip install ziglang==0.15.2`.

The same version of ziglang makes the same bytes on every machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("kernel.c")
KERNEL = Path(__file__).parent / "scripts" / "kernel.wasm"
COMPILER = "0.15.2"
"""Version of the wheel `ziglang` that the committed kernel was compiled with."""
FLAGS = (
    *("-target", "wasm32-freestanding", "-mcpu=generic+simd128", "-std=c11", "-O3", "-ffp-contract=off"),
    *("-nostdlib", "-g0", "-Wall", "-Werror"),
    *("-Wl,--no-entry", "-Wl,--export=__heap_base", "-Wl,--strip-all", "-Wl,-z,stack-size=65536"),
)


def compiled(source: Path = SOURCE) -> bytes:
    """The WebAssembly module of a C file.

    Raises:
        RuntimeError: it does not compile; the message is the compiler's.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "kernel.wasm"
        caches = {"ZIG_LOCAL_CACHE_DIR": folder, "ZIG_GLOBAL_CACHE_DIR": folder}
        # the name without its folder: no path gets into the module
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, source.name, "-o", str(out)]
        done = subprocess.run(
            command, cwd=source.parent, env={**os.environ, **caches}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{source.name} does not compile:\n{done.stderr}")
        return out.read_bytes()


if __name__ == "__main__":
    from modeling_vae.files import write_whole

    write_whole(KERNEL, compiled())
    print(f"{KERNEL.name}: {KERNEL.stat().st_size:,} bytes")
