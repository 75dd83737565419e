"""A pytest plugin for runs of Keras's own suite: it writes what became of each test, and stands in for `conftest`.

``OUTCOMES`` names the file, one JSON object a line, written as tests end, so that a run that is cut off keeps what it
knows. ``SECONDS`` limits one test. Keras's tests import `skip_if_backend` from a `conftest` that Keras does not ship.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest


def skip_if_backend(name: str, reason: str) -> pytest.MarkDecorator:
    """Keras's own helper: skip where this backend runs."""
    return pytest.mark.skipif(os.environ.get("KERAS_BACKEND") == name, reason=reason)


def pytest_configure(config: pytest.Config) -> None:
    stand_in = ModuleType("conftest")
    stand_in.skip_if_backend = skip_if_backend  # type: ignore[attr-defined]
    sys.modules["conftest"] = stand_in


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    seconds = int(os.environ.get("SECONDS_PER_TEST", "0"))
    if not seconds:
        return (yield)

    def stop(*_: Any) -> None:
        raise TimeoutError(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _write(entry: dict[str, Any]) -> None:
    if "OUTCOMES" in os.environ:
        with open(os.environ["OUTCOMES"], "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def _reason(report: Any) -> str:
    """The last line of the error, or why it was skipped."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return str(crash.message)
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr or "")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One entry a test: what came of its call, or of the fixture before or after that failed."""
    if report.when == "call" or report.outcome != "passed":
        _write(
            {
                "test": report.nodeid,
                "outcome": report.outcome,
                "seconds": round(report.duration, 2),
                "reason": _reason(report)[:600],
            }
        )


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """One entry for a file that cannot be imported."""
    if report.outcome == "failed":
        _write({"test": report.nodeid, "outcome": "not imported", "seconds": 0, "reason": _reason(report)[-600:]})
