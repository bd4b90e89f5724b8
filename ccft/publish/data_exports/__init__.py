"""Data Exports: what an organisation gets each month, as files that it can verify by itself (publish page, section 1)."""
