"""`modeling-vae directions --shard I/N` and `--merge`: a pass that is shared out gives what one pass gives."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from patience import PATIENCE
from training.making import write_pictures

from modeling_vae import AttributeDirections
from modeling_vae.commands.main import main
from modeling_vae.fitting import new_directions
from modeling_vae.fitting.moment_files import MomentShard

from .measured import publish_tiny

ROOT = Path(__file__).parents[2]
COLUMNS = ["--attributes", "bright:boolean", "side:numeric"]
TRIED = ["--tried", "8"]
SHARES = 3
SLOWLY = """
import sys, time
from modeling_vae.commands.main import main
from modeling_vae.fitting import new_directions
from modeling_vae.model.latent_moments import LatentMoments

def slowly(self, *arguments):
    update(self, *arguments)
    print("a batch", flush=True)
    time.sleep(60)

new_directions.BATCH, update = 17, LatentMoments.update
LatentMoments.update = slowly
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("shared") / "pictures")


@pytest.fixture(scope="module")
def folder(pictures, tmp_path_factory) -> Path:
    return publish_tiny(tmp_path_factory.mktemp("model") / "model", pictures)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """120 pictures in eight batches, the last not full, so that three shares have three, three and two."""
    monkeypatch.setattr(new_directions, "BATCH", 17)


def shard(folder: Path, pictures: Path, number: int, file: Path, *more: str) -> int:
    share = ["--shard", f"{number}/{SHARES}", "--moments", str(file)]
    return main(["directions", str(folder), "--data", str(pictures), *(more or COLUMNS), *share])


@pytest.fixture
def shards(folder, pictures, tmp_path) -> list[Path]:
    files = [tmp_path / f"part-{number}.safetensors" for number in range(1, SHARES + 1)]
    for number, file in enumerate(files, 1):
        assert shard(folder, pictures, number, file) == 0
    return files


def test_merged_shards_give_the_directions_of_one_pass(folder, pictures, shards, tmp_path):
    one, many = tmp_path / "one", tmp_path / "many"
    data = ["--data", str(pictures), *TRIED]
    assert main(["directions", str(folder), *data, *COLUMNS, "--output", str(one)]) == 0
    files = [str(file) for file in (shards[2], shards[0], shards[1])]  # in any order
    assert main(["directions", str(folder), *data, "--merge", *files, "--output", str(many)]) == 0
    first, second = (AttributeDirections.from_pretrained(place) for place in (one, many))
    assert first.directions == second.directions and set(first.names) == {"bright", "side"}
    for name in ("differences", "mean", "covariance"):
        assert torch.equal(getattr(first, name), getattr(second, name)), name
    assert (one / "directions.safetensors").read_bytes() == (many / "directions.safetensors").read_bytes()


def test_the_sums_of_shards_are_those_of_one_pass(folder, pictures, shards, tmp_path):
    whole = tmp_path / "whole.safetensors"
    share = ["--shard", "1/1", "--moments", str(whole)]
    assert main(["directions", str(folder), "--data", str(pictures), *COLUMNS, *share]) == 0
    one, (first, second, third) = MomentShard.read(whole).moments, (MomentShard.read(file).moments for file in shards)
    assert [part.count for part in (first, second, third)] == [51, 35, 34] and one.count == 120
    both = first.merge(second).merge(third)
    assert both.groups.keys() == one.groups.keys() and both.numeric["side"].count == one.numeric["side"].count == 120
    for ours, theirs in (
        (both.total, one.total), (both.products, one.products), (both.variances, one.variances),
        (both.groups["bright:true"].total, one.groups["bright:true"].total),
        (both.numeric["side"].yz, one.numeric["side"].yz),
    ):  # fmt: skip
        assert ours.dtype == torch.float64
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_a_killed_shard_is_begun_anew_and_finished_ones_are_kept(folder, pictures, shards, tmp_path):
    kept, lost = shards[0].stat().st_mtime_ns, shards[1]
    whole = lost.read_bytes()
    lost.unlink()
    command = [sys.executable, "-c", SLOWLY, "directions", str(folder), "--data", str(pictures), *COLUMNS]
    command += ["--shard", f"2/{SHARES}", "--moments", str(lost)]
    surroundings = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=surroundings, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline().strip() == "a batch"
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(timeout=PATIENCE) == -signal.SIGKILL
    assert not lost.exists()
    files = [str(file) for file in shards]
    assert main(["directions", str(folder), "--data", str(pictures), "--merge", *files]) == 1
    for number, file in enumerate(shards, 1):
        assert shard(folder, pictures, number, file) == 0
    assert lost.read_bytes() == whole and shards[0].stat().st_mtime_ns == kept
    assert shard(folder, tmp_path / "pictures that are gone", 1, shards[0]) == 0  # none is looked for


def test_what_does_not_fit_is_said_in_one_line(folder, pictures, shards, tmp_path, capsys):
    other = tmp_path / "other.safetensors"
    assert shard(folder, pictures, 1, other, "--attributes", "bright:boolean") == 0
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(shards[0].read_bytes()[:-1] + b"?")
    twice = shutil.copy(shards[0], tmp_path / "twice.safetensors")
    model = ["directions", str(folder), "--data", str(pictures)]
    for arguments, message in (
        (["--merge", shards[0], shards[2]], "of 3 shares there is no file of 2"),
        (["--merge", *shards, twice], "which another file is too"),
        (
            ["--merge", other, *shards[1:]],
            "is share 2 of 3 over bright:boolean, side:numeric, and the files before it",
        ),
        (["--merge", damaged, *shards[1:]], "is damaged"),
        (["--merge", tmp_path / "none"], "is not there: make it by --shard"),
        (["--merge", *shards, *COLUMNS], "leave --attributes out"),
        (["--shard", "1/3", *COLUMNS], "give both"),
        (["--shard", "1/3", "--moments", shards[1], *COLUMNS], "holds another share"),
        (["--shard", "1/3", "--moments", tmp_path / "no" / "file", *COLUMNS], "is no folder"),
        (["--shard", "1/3", "--moments", other, "--merge", *shards], "give one at a time"),
    ):
        capsys.readouterr()
        assert main([*model, *map(str, arguments)]) == 1
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*model, "--shard", "4/3", "--moments", str(other)])
    assert "'4/3' is no share" in capsys.readouterr().err
