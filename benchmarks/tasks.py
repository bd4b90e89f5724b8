"""What Spark's event log says of the tasks of one contender: how even they are, what they shuffle and spill."""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

MEMORY_MB: Final = 2**20


def settings(folder: Path) -> dict[str, str]:
    """Spark settings that write one plain event log into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": folder.as_uri(),
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
    }


@dataclass
class Tasks:
    """Tasks of one job group."""

    seconds_by_stage: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    shuffled: int = 0
    spilled: int = 0

    def add(self, event: dict[str, Any]) -> None:
        """Count a task that ended."""
        metrics = event["Task Metrics"]
        self.seconds_by_stage[event["Stage ID"]].append(metrics["Executor Run Time"] / 1000)
        self.shuffled += metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]
        self.spilled += metrics["Memory Bytes Spilled"] + metrics["Disk Bytes Spilled"]

    def as_json(self) -> dict[str, object]:
        """Of the stage that took longest: number of tasks, longest over median; of all stages: bytes shuffled and spilled."""
        longest = max(self.seconds_by_stage.values(), key=sum)
        return {
            "tasks": len(longest),
            "longest_over_median": round(max(longest) / statistics.median(longest), 2),
            "shuffled_mb": round(self.shuffled / MEMORY_MB, 1),
            "spilled_mb": round(self.spilled / MEMORY_MB, 1),
        }


def by_group(folder: Path) -> dict[str, Tasks]:
    """Tasks per job group (`SparkContext.setJobGroup`) of the newest application in a folder."""
    group_of: dict[int, str] = {}
    found: dict[str, Tasks] = defaultdict(Tasks)
    for event in _events(max(folder.iterdir(), key=lambda path: path.stat().st_mtime)):
        if event["Event"] == "SparkListenerJobStart":
            group = event.get("Properties", {}).get("spark.jobGroup.id", "")
            group_of |= dict.fromkeys(event["Stage IDs"], group)
        elif event["Event"] == "SparkListenerTaskEnd" and event["Task End Reason"]["Reason"] == "Success":
            found[group_of.get(event["Stage ID"], "")].add(event)
    return found


def _events(log: Path) -> Iterator[dict[str, Any]]:
    for line in log.read_text(encoding="utf-8").splitlines():
        if line.endswith("}"):  # the last line may still be being written
            yield json.loads(line)
