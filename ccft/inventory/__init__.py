"""Inventory: activity data x emission factors -> emissions of a cluster in a period (methodology section 2).

`fuel` (Scope 1 and its upstream), `certificates` and `electricity` (Scope 2, upstream, grid losses), `embodied` (amortisation), `factors` (which
factor is valid), `lines` (the common shape). Masses are whole micrograms, rounded half up once per line as section 2.1 says.
"""
