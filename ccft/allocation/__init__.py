"""Allocation: inventory of clusters -> rack types -> services (with their interdependencies) -> accounts.

The modules follow methodology section 3 by its headings: `rack_types` (step 1), `capacity` (step 2a), `services` (step 2b), `service_graph`
and `flows` (step 2c), `residuals` (step 4), `weights` and `accounts` (step 3). Each associates amounts with weights, forms shares by `apportion` (the one
place that divides), and returns amounts. Masses inside this room are whole micrograms, named `quanta`; weights are whole 1e-6 units.

What this method cannot do: a rack's planned power stands for its consumption, so two rack types of equal plan share alike however they really
draw; and usage units of one rack type are taken to be alike in emissions.
"""
