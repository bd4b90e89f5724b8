"""Ingest: from delivered tables to validated core tables.

In the order of a delivery:

1. `types`: every delivered column in its registry type, exactly or not at all.
2. `small_checks`, `references`, `validity`: what is wrong with the small tables; anything at all rejects the delivery.
3. `account_usage`, `rack_usage` (on `usage`): large tables, row conditions, identical copies, monthly sums.
4. `quarantine`: rows set aside, and the limit above which a period is rejected.
5. `remarks`: what is accepted with an event.
6. `fingerprint`: what was delivered, whatever its order and format.

All functions here go from frame to frame; `ccft.pipeline.ingest` reads, writes and decides.
"""
