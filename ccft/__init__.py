"""ccft: an open, re-runnable carbon footprint engine for cloud providers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

__version__ = "0.1.0"


def open(lake: "str | Path") -> "DuckDBPyConnection":  # noqa: A001 - read as `ccft.open`
    """Open a lake without a JVM: a DuckDB connection with the result tables and all views, as they are published.

    Parameters
    ----------
    lake
        Root of the Delta tables: local folder or URI.

    Raises
    ------
    CcftError
        `CCFT-USAGE-NO-LAKE`.
    """
    from ccft.pipeline.reading import open_published  # noqa: PLC0415 - `import ccft` stays light

    return open_published(lake)
