"""`make bench`: the measured tables of docs/benchmarks.md, written anew, with the machine named.

    python benchmarks/tables.py                # all of them
    python benchmarks/tables.py server         # one of them

Each is what a script of this folder prints; what goes wrong with one is said, and its table stays as it was.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
SCRIPTS = {
    "server": ["server.py", "hub_configs/cats-128"],
    "browser": ["browser_drawing.py"],
}
"""Of each table the script that prints it, as Markdown, and its arguments."""


def machine() -> str:
    """What the figures were measured on, and how busy that was."""
    said = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = re.findall(r"model name\s*: (.*)", said)
    name = names[0] if names else platform.processor() or platform.machine()
    load = f", load {os.getloadavg()[0]:.1f} when it began" if hasattr(os, "getloadavg") else ""
    return f"{datetime.date.today()}: {name}, {os.cpu_count()} cores{load}; Python {platform.python_version()}."


def measured(name: str) -> str:
    """The table that a script prints.

    Raises:
        subprocess.CalledProcessError: it ended with an error.
    """
    script, *arguments = SCRIPTS[name]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return "\n".join(line for line in done.stdout.splitlines() if line.startswith("|"))


def replaced(page: str, name: str, table: str) -> str:
    """The page with another table between the marks of this name."""
    marks = rf"(<!-- measured: {name} -->\n).*?(\n<!-- end -->)"
    if not re.search(marks, page, flags=re.DOTALL):
        raise ValueError(f"{PAGE.name} has no place for {name}: write <!-- measured: {name} --> and <!-- end -->.")
    return re.sub(marks, lambda found: f"{found[1]}\n{machine()}\n\n{table}\n{found[2]}", page, flags=re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[], help=f"of {', '.join(SCRIPTS)} (default: all)")
    failed = []
    for name in parser.parse_args().names or SCRIPTS:
        try:
            PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), name, measured(name)), encoding="utf-8")
        except subprocess.CalledProcessError as error:
            failed.append(f"{name}: ended with status {error.returncode}, so its table stays as it was")
    print("\n".join(failed) or f"written to {PAGE.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
