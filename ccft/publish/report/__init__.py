"""The report: one HTML page that opens offline, for the provider or for one organisation.

Account rows -> `figures` (exact masses) -> `sections` (words, tables, charts) -> `page` (HTML). Nothing here opens storage.
"""
