"""The command line. Each job is also `spark-submit jobs/<job>.py` with the same flags."""

from ccft.cli.app import main

__all__ = ["main"]
