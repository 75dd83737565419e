"""From LLVM IR text to addresses of functions, by way of an object file that can be kept on disk."""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm

from wengert.backends.llvm.target import host, lock, new_machine


def compile_object(text: str, speed: int = 2) -> bytes:
    """LLVM IR to an object file for this machine.

    Raises: RuntimeError with LLVM's words when the text is not legal IR (a defect of the generator).
    """
    target = host()
    with lock:
        module = llvm.parse_assembly(text)
        module.triple = target.triple
        module.data_layout = str(target.machine.target_data)
        module.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=speed)
        options.loop_vectorization = False  # vectors are explicit
        options.slp_vectorization = False
        options.loop_unrolling = False
        builder = llvm.create_pass_builder(target.machine, options)
        builder.getModulePassManager().run(module, builder)
        return bytes(target.machine.emit_object(module))


class Loaded:
    """An object file in memory. Keeps the code alive; `address(name)` gives a function."""

    def __init__(self, code: bytes) -> None:
        target = host()
        with lock:
            _released.clear()
            empty = llvm.parse_assembly("")
            machine = new_machine(target.triple, target.cpu, target.features)
            self._engine: Any = llvm.create_mcjit_compiler(empty, machine)
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            self._engine.finalize_object()

    def address(self, name: str) -> int:
        """The address of a function; 0 when there is none of that name."""
        with lock:
            return int(self._engine.get_function_address(name))

    def __del__(self) -> None:
        # Disposing of an engine is LLVM's business like any other: it waits until somebody has the lock.
        engine = getattr(self, "_engine", None)
        if engine is not None and _released is not None:
            _released.append(engine)


# Engines that nobody uses any more, disposed of under the lock by the next one that is made.
_released: list[Any] = []
