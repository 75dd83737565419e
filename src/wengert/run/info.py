"""``wengert info``: the machine and the switches, as a report to paste into a bug tracker."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

import wengert
from wengert.backends.processors import processors
from wengert.runtime import disk
from wengert.settings import TABLE, settings

# What decides how fast arithmetic can be, by the names of Linux (/proc/cpuinfo) and macOS (hw.optional.arm).
FEATURES = (
    "sse4_2 avx avx2 fma f16c avx_vnni avx512f avx512bw avx512vl avx512_vnni avx512_bf16 avx512_fp16 amx_tile amx_bf16 "
    "asimd asimdhp asimddp bf16 i8mm sve sve2 sme FEAT_DotProd FEAT_FP16 FEAT_BF16 FEAT_I8MM FEAT_SME"
).split()


def report() -> str:
    """Name and value per line."""
    from wengert.backends.llvm.pool import get_num_threads  # brings llvmlite, which only this report needs at once

    model, features = cpu()
    rows = {
        "wengert": wengert.__version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()}, {sys.executable})",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "cpu": model,
        "features": " ".join(features) or "unknown",
        "cores": f"{processors()} usable, {os.cpu_count()} present",
        "threads": str(get_num_threads()),
        "tier": settings.tier,
        "cache": str(disk.folder() or "none"),
        "numpy": np.__version__,
        "blas": blas(),
        "switches": ", ".join(f"{row.variable}={getattr(settings, name)}" for name, row in TABLE.items()),
    }
    width = max(map(len, rows)) + 2
    return "\n".join(f"{name:<{width}}{value}" for name, value in rows.items())


def cpu() -> tuple[str, list[str]]:
    """The processor's model and those of `FEATURES` that it has."""
    described = Path("/proc/cpuinfo")
    if described.exists():
        return parse_cpuinfo(described.read_text(encoding="utf-8", errors="replace"))
    if platform.system() == "Darwin":
        return macos_cpu()
    return platform.processor() or platform.machine(), []


def parse_cpuinfo(text: str) -> tuple[str, list[str]]:
    """The same from the text of /proc/cpuinfo, whose keys differ between x86 and ARM."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip().lower(), value.strip())
    model = next((fields[key] for key in ("model name", "cpu model", "hardware") if fields.get(key)), "")
    flags = set(fields.get("flags", fields.get("features", "")).split())
    return model or platform.processor() or platform.machine(), [name for name in FEATURES if name in flags]


def macos_cpu() -> tuple[str, list[str]]:
    def ask(key: str) -> str:
        return subprocess.run(["sysctl", "-n", key], capture_output=True, text=True, check=False).stdout.strip()

    arm = [name for name in FEATURES if name.startswith("FEAT_") and ask(f"hw.optional.arm.{name}") == "1"]
    intel = set(f"{ask('machdep.cpu.features')} {ask('machdep.cpu.leaf7_features')}".lower().replace(".", "_").split())
    return ask("machdep.cpu.brand_string") or platform.machine(), arm or [name for name in FEATURES if name in intel]


def blas() -> str:
    """The library that NumPy multiplies matrices with."""
    config = np.show_config(mode="dicts") or {}
    found = config.get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()
