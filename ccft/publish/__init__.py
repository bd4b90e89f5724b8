"""Publication: what users see of the results."""
