"""The invented provider: a complete, deterministic input folder of any size."""

from ccft.demo.world import DemoWorld, write_demo_world

__all__ = ["DemoWorld", "write_demo_world"]
