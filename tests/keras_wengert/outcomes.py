"""A pytest plugin for runs of Keras's own suite: it writes what became of each test, and adds what the suite lacks.

``OUTCOMES`` names the file, one JSON object a line, written as tests end; a run that was cut off is taken up where it
was left, and the last line says that it is finished. ``SECONDS_PER_TEST`` limits one test. Keras's tests import
`skip_if_backend` from a `conftest` that Keras does not ship; and `trainer_test` takes the trainer and the device of the
backends that it knows by name, so ours is added there.
"""

from __future__ import annotations

import ast
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from keras_wengert.bridge import NAME, add_branch

TRAINER_TEST = "keras.src.trainers.trainer_test"


def skip_if_backend(name: str, reason: str) -> pytest.MarkDecorator:
    """Keras's own helper: skip where this backend runs."""
    return pytest.mark.skipif(os.environ.get("KERAS_BACKEND") == name, reason=reason)


def pytest_configure(config: pytest.Config) -> None:
    stand_in = ModuleType("conftest")
    stand_in.skip_if_backend = skip_if_backend  # type: ignore[attr-defined]
    sys.modules["conftest"] = stand_in


def pytest_collectstart(collector: pytest.Collector) -> None:
    """What is in sys.modules already is what pytest collects from."""
    ours = os.environ.get("KERAS_BACKEND") == NAME
    if ours and collector.path.name == "trainer_test.py" and TRAINER_TEST not in sys.modules:
        sys.modules[TRAINER_TEST] = _with_our_trainer(collector.path)


def _with_our_trainer(path: Path) -> ModuleType:
    known = '"torch": "cpu",\n'  # its table of devices
    source = path.read_text(encoding="utf-8")
    assert known in source
    tree = ast.parse(source.replace(known, known.replace("torch", NAME).strip() + " " + known), str(path))
    assert add_branch(tree, "from keras_wengert.trainer import WengertTrainer as Trainer", first="jax")
    module = ModuleType(TRAINER_TEST)
    module.__file__ = str(path)
    exec(compile(tree, path, "exec"), module.__dict__)
    return module


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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is known already is not run again."""
    path = os.environ.get("OUTCOMES", "")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            known = {json.loads(line).get("test") for line in file}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in known])
        items[:] = [item for item in items if item.nodeid not in known]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not session.shouldstop:
        _write({"finished": True})


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
