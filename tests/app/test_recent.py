"""What was asked for last is kept, and no more than that."""

import threading

import pytest

from app.recent import Recent


def test_a_result_is_made_once():
    made = []
    recent: Recent[str, int] = Recent(2)
    for _ in range(3):
        assert recent.get("a", lambda: made.append("a") or 1) == 1
    assert made == ["a"]


def test_what_was_not_asked_for_longest_goes_first():
    recent: Recent[str, int] = Recent(2)
    recent.get("a", lambda: 1)
    recent.get("b", lambda: 2)
    recent.get("a", lambda: 0)
    recent.get("c", lambda: 3)
    assert len(recent) == 2
    assert recent.get("a", lambda: -1) == 1
    assert recent.get("b", lambda: -1) == -1


def test_a_failure_keeps_nothing():
    recent: Recent[str, int] = Recent(2)
    with pytest.raises(ZeroDivisionError):
        recent.get("a", lambda: 1 // 0)
    assert len(recent) == 0
    assert recent.get("a", lambda: 5) == 5


def test_many_threads_get_their_own_results():
    recent: Recent[int, int] = Recent(8)
    wrong = []

    def ask(start: int) -> None:
        for step in range(500):
            key = (start + step * 7) % 40
            if recent.get(key, lambda key=key: key * key) != key * key:
                wrong.append(key)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(recent) <= 8


def test_a_size_below_one_is_refused():
    with pytest.raises(ValueError, match="size is 0"):
        Recent(0)
