"""Footprint of AI models: account rows divided over the deployments that explain them (docs/ai.md).

In the order of a run: `drivers` (energy and hours of deployments), `tokens` (work of tokens per account), `shares` and `rates` (weights as shares of
account rows), `split` (the division itself), `ledger` (training, amortised over what it serves), `reports` (activity, remarks).
"""
