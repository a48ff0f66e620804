"""Work is watched, told of what went wrong, and stopped where nobody waits."""

import threading

import pytest
from patience import PATIENCE

from app.watched_work import watched


def test_how_far_and_the_result():
    gate = threading.Event()

    def work(report):
        report(1, 4)
        assert gate.wait(PATIENCE)
        return "done"

    steps = watched(work)
    while next(steps) != 0.25:
        pass
    gate.set()
    assert list(steps)[-1] == "done"


def test_what_went_wrong():
    def work(report):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(watched(work))


def test_whoever_leaves_stops_the_work():
    begun, stopped = threading.Event(), threading.Event()

    def work(report):
        begun.set()
        try:
            while True:
                report(0, 1)
        finally:
            stopped.set()

    steps = watched(work)
    next(steps)
    assert begun.wait(PATIENCE)
    steps.close()
    assert stopped.wait(PATIENCE)
