"""What the benchmarks share: the machine's description, and steps that take turns."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from uegr.modeling.profile import now

RESULTS = Path("benchmarks/results")


def machine() -> dict[str, Any]:
    """What the times were taken on."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": names[0] if names else platform.processor(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "load": os.getloadavg()[0],
    }


def taken_on(machine: Mapping[str, Any]) -> str:
    """The machine in one line."""
    return (
        f"{machine['gpu'] or machine['cpu']}, {machine['threads']} thread(s), load {machine['load']:.1f}, "
        f"{machine['date']}, torch {machine['torch']}"
    )


def clock() -> Callable[[], float]:
    """Seconds of this process where one thread does all the work: other processes on the machine do not count."""
    return now if torch.cuda.is_available() or torch.get_num_threads() > 1 else time.process_time


def in_turn(steps: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Seconds of every step in every round; the steps take turns, round by round."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    read = clock()
    for round_number in range(rounds + warm_up):
        for name, step in steps.items():
            start = read()
            step()
            if round_number >= warm_up:
                seconds[name].append(read() - start)
    return seconds


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Median of the ratios within a round: what slows the machine down for a while slows both."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))
