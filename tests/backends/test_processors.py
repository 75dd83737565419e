"""How many processors there are for this process."""

from __future__ import annotations

import os

import pytest

from wengert.backends import processors as module
from wengert.backends.processors import cores, processors


def test_no_more_cores_than_processors():
    assert 1 <= cores() <= processors() <= os.cpu_count()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system has no affinities")
def test_threads_of_one_core_count_once(monkeypatch, tmp_path):
    for number in range(4):
        (tmp_path / str(number)).write_text(f"{number // 2 * 2}-{number // 2 * 2 + 1}")
    monkeypatch.setattr(module, "_SIBLINGS", str(tmp_path) + "/{}")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    assert (cores(), processors()) == (2, 4)


def test_without_affinities_every_processor_counts(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert (cores(), processors()) == (6, 6)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system has no affinities")
def test_where_the_system_hides_its_cores_they_are_processors(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_SIBLINGS", str(tmp_path) + "/{}")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2})
    assert cores() == 3
