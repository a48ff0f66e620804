"""Many visitors of one studio at once: what they wait, what goes wrong, and what the server keeps.

    python benchmarks/studio_load.py --clients 50 --seconds 60

Starts the studio as a process of its own, with a bundled model, and clients in this one: each draws, edits, edits a
photo of its own, and now and then asks for a film, one after the other, with a pause as a person makes one. Prints the
waits of each kind (median, 95th percentile, most), the errors, the processor time of both, and the server's memory in
the middle and at the end.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gradio_client import Client, handle_file
from PIL import Image

ROOT = Path(__file__).parents[1]
PATIENCE = 180
PAUSE = 2.0
"""Mean seconds between an answer and the next request of a visitor."""


class Waits:
    """Seconds of every request by its kind, and what went wrong."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.errors: list[str] = []

    def time(self, kind: str, ask: Callable[[], object]) -> None:
        start = time.monotonic()
        try:
            ask()
        except Exception as error:  # whatever it is, it is a finding
            with self.lock:
                self.errors.append(f"{kind}: {type(error).__name__}: {str(error)[:120]}")
            return
        with self.lock:
            self.seconds[kind].append(time.monotonic() - start)

    def print(self) -> None:
        print(f"{'kind':<12} {'count':>6} {'median':>8} {'p95':>8} {'most':>8}")
        for kind, seconds in sorted(self.seconds.items()):
            p95 = float(np.percentile(seconds, 95))
            print(f"{kind:<12} {len(seconds):>6} {statistics.median(seconds):>8.2f} {p95:>8.2f} {max(seconds):>8.2f}")
        print(f"errors: {len(self.errors)}")
        for error in self.errors[:10]:
            print("  ", error)


def visit(url: str, photo: Path, seed: int, until: float, waits: Waits) -> None:
    """One visitor, until the time is up."""
    chance = random.Random(seed)
    client = Client(url, verbose=False, download_files=False, httpx_kwargs={"timeout": PATIENCE})
    names = list(client.predict(api_name="/attributes"))
    while time.monotonic() < until:
        face = {"seed": chance.randrange(10_000), "face": chance.randrange(20)}
        changes = {chance.choice(names): round(chance.uniform(-3, 3), 1)}
        kind = chance.choices(("edit", "new_faces", "edit_photo", "film"), (70, 15, 10, 5))[0]
        asks: dict[str, Callable[[], object]] = {
            "edit": lambda: client.predict(face, changes, api_name="/edit"),  # noqa: B023  # asked at once
            "new_faces": lambda: client.predict(face["seed"], 20, api_name="/new_faces"),  # noqa: B023
            "edit_photo": lambda: client.predict(handle_file(photo), changes, api_name="/edit_photo"),  # noqa: B023
            "film": lambda: client.predict([face, {"seed": 1}], 24, 2.0, 128, api_name="/morph"),  # noqa: B023
        }
        waits.time(kind, asks[kind])
        time.sleep(chance.expovariate(1 / PAUSE))
    client.close()


def memory(process: int) -> float:
    """Megabytes that a process holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor_seconds(process: int) -> float:
    """Of a process, in its own code and in the system's."""
    spent = Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].split()[11:13]
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")


def wait_for(url: str) -> None:
    for _ in range(PATIENCE):
        try:
            urllib.request.urlopen(f"{url}config", timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(1)
    raise TimeoutError(f"the studio does not answer at {url}.")


def own_photo(folder: Path, number: int) -> Path:
    """A photo that nobody else has: colours by chance."""
    noise = np.random.default_rng(number).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    path = folder / f"photo-{number}.jpg"
    Image.fromarray(noise).resize((640, 480), Image.Resampling.BICUBIC).save(path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--model", default="cats-128")
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "-m", "app", "--model", options.model, "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "server").mkdir()
        environment = {**os.environ, "TMPDIR": str(folder / "server")}
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        try:
            wait_for(url)
            waits, begun = Waits(), time.monotonic()
            until, spent_before = begun + options.seconds, processor_seconds(server.pid)
            threads = [
                threading.Thread(target=visit, args=(url, own_photo(folder, number), number, until, waits))
                for number in range(options.clients)
            ]
            for thread in threads:
                thread.start()
            time.sleep(options.seconds / 2)
            middle = memory(server.pid)
            for thread in threads:
                thread.join()
            end, spent = memory(server.pid), processor_seconds(server.pid) - spent_before
            took = time.monotonic() - begun
        finally:
            server.terminate()
            server.wait(PATIENCE)
        waits.print()
        left = sum(path.is_file() for path in (folder / "server").rglob("*"))
        print(f"processor: the server {spent:.0f} s and the clients {time.process_time():.0f} s of {took:.0f} s")
        print(f"memory of the server: {middle:.0f} MB in the middle, {end:.0f} MB at the end; files left: {left}")


if __name__ == "__main__":
    main()
