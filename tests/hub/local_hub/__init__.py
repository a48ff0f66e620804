"""A Hugging Face Hub on loopback, for tests: the real client libraries work against it unmodified.

Model, dataset and space repositories live in memory in a content-addressed store
(repo -> refs -> commits -> files). Only what a publisher and a loader of this project need is served.

    with LocalHub(user="alice") as hub:                   # in a thread; hub.env() is for child processes
        subprocess.run([...], env={**os.environ, **hub.env(hf_home=tmp_path)}, check=True)
        hub.fault("*/commit/*", status=503, times=2)      # the next two commits are refused
        hub.fault("*/resolve/*/model.safetensors", method="GET", cut=1000)
        with hub.hold("*/commit/*") as held: ...          # the next one waits, unmade, until held.release()

The clients read the environment when they are imported, so tests drive them in child processes, see `clients.py`.

Two loopback ports are used: the Hub itself, and a "CDN" on another origin that takes and gives large files, so that
a client which leaks its token across origins is seen (`hub.leaks()`).

Not served: git, Xet storage (who pushes paths sets HF_HUB_DISABLE_XET), organisations, listings, discussions, Jobs,
buckets, inference, webhooks.
"""

from .faults import Fault, Held, Logged
from .server import LocalHub
from .store import Commit, Entry, Repo

__all__ = ["Commit", "Entry", "Fault", "Held", "LocalHub", "Logged", "Repo"]
