"""Python's `multiprocessing`, and what PyTorch adds to it. Tensors travel between processes as copies."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import *  # noqa: F403  the names of that module are this one's
from multiprocessing import get_all_start_methods as get_all_start_methods, get_context
from typing import Any


class ProcessContext:
    """Processes that `spawn` began."""

    def __init__(self, processes: list[Any]) -> None:
        self.processes = processes

    def pids(self) -> list[int]:
        """Their numbers."""
        return [int(process.pid) for process in self.processes]

    def join(self, timeout: float | None = None) -> bool:
        """Wait for all of them; whether all have ended.

        Raises: RuntimeError when one of them failed.
        """
        for process in self.processes:
            process.join(timeout)
        failed = [process for process in self.processes if process.exitcode]
        if failed:
            raise RuntimeError(f"process {self.processes.index(failed[0])} ended with exit code {failed[0].exitcode}")
        return all([process.exitcode is not None for process in self.processes])


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run ``fn(k, *args)`` in `nprocs` processes, k from 0; with `join` wait for them.

    Raises: RuntimeError when one of them failed.
    """
    context: Any = get_context(start_method)
    processes = [context.Process(target=fn, args=(k, *args), daemon=daemon) for k in range(nprocs)]
    for process in processes:
        process.start()
    begun = ProcessContext(processes)
    if not join:
        return begun
    begun.join()
    return None


def get_all_sharing_strategies() -> set[str]:
    """One: what is sent is copied."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """The name of the one strategy."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Nothing to choose: what is sent is copied."""
