"""The registry: every column and every table once; schemas, DDL, checks and the data dictionary derive from it."""
