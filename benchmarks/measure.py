"""Time and memory of one thing, measured alike for all contenders."""

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import psutil

_SAMPLE_SECONDS: Final = 0.2


@dataclass
class Measured:
    """Seconds of each round and the largest resident memory seen, of this process and its children (the JVM); what it wrote, if that is asked for."""

    seconds: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    written_mb: float = 0.0

    @property
    def median(self) -> float:
        """Median of the rounds."""
        return statistics.median(self.seconds)

    def as_json(self, rows: int = 0) -> dict[str, object]:
        """For the result file; `us_per_row` where rows are known."""
        found: dict[str, object] = {
            "seconds": [round(value, 3) for value in self.seconds],
            "median_seconds": round(self.median, 3),
            "peak_mb": round(self.peak_mb),
        }
        found |= {"us_per_row": round(self.median / rows * 1e6, 4)} if rows else {}
        return found | ({"written_mb": round(self.written_mb, 1)} if self.written_mb else {})


def folder_mb(folder: Path) -> float:
    """Size of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20


class _Memory:
    """Samples resident memory of this process and its children while something runs."""

    def __init__(self) -> None:
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._stop.wait(_SAMPLE_SECONDS):
            total = 0
            for one in (process, *process.children(recursive=True)):
                try:
                    total += one.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak = max(self.peak, total)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()


def once(into: Measured, action: Callable[[], object]) -> None:
    """Run once and note seconds and memory."""
    with _Memory() as memory:
        started = time.monotonic()
        action()
        into.seconds.append(time.monotonic() - started)
    into.peak_mb = max(into.peak_mb, memory.peak / 2**20)
