"""An independent oracle of the allocation rules: plain Python, exact rationals, nothing shared with the engine."""
