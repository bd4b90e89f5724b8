"""Benchmarks: what the engine costs, beside the floor and its peers. `scripts/bench.sh --help`."""
