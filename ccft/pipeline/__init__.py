"""The pipeline: reads like the table of contents of the methodology page, and is the only caller of the rooms."""
