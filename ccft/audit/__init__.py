"""Audit: the ledger of every step, remarks on the data, fingerprints, verification from the tables themselves."""
