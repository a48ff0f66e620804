"""The whole way over the Hub and back, and what each fault on the way gives, on a Hub of one's own on loopback.

    .venv/bin/python benchmarks/hub_round_trip.py

It trains a few steps on small pictures, so the figures of the model mean nothing; every process, request and file is
real. All waits are bounded; it takes some eight minutes, most of them spent waiting for a Hub that never answers.
What it prints are the tables of docs/hub.md; the exit code says whether every row is as it must be.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from hub.local_hub import LocalHub  # noqa: E402
from hub_trip.faults import Faults  # noqa: E402
from hub_trip.journey import Journey  # noqa: E402
from hub_trip.table import Table  # noqa: E402


def main() -> int:
    """Run it all; 0 where every row is as it must be."""
    journey = Table("The round trip", ("step", "what was shown", "seconds"))
    faults = Table("Faults", ("what goes wrong", "what one gets", "seconds"))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary, LocalHub() as hub:
        trip = Journey(hub, Path(temporary))
        try:
            for name, step in trip.steps():
                journey.add(name, step)
            if trip.published.is_dir():
                for name, case in Faults(hub, trip.client, trip.published, trip.recipe).cases():
                    faults.add(name, case)
        finally:
            trip.close()
    print(f"\n{journey}\n\n{faults}")
    return 0 if journey.good and faults.good and faults.rows else 1


if __name__ == "__main__":
    sys.exit(main())
