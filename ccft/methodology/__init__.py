"""Methodology versions are data: one file of policies each, read here and nowhere else."""
