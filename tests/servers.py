"""Servers that tests start in processes of their own."""

import socket
import subprocess
import time

HOST = "127.0.0.1"


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        return int(listening.getsockname()[1])


def is_up(process: subprocess.Popen, port: int, seconds: float) -> bool:
    """Wait until something listens on the port; false when the process ended, or the time did."""
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        if _answers(port):
            return True
        time.sleep(0.2)
    return False


def _answers(port: int) -> bool:
    with socket.socket() as probe:  # an unclosed one is a warning, and that is an error here
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
