"""ccft: an open, re-runnable carbon footprint engine for cloud providers."""

__version__ = "0.1.0"
