"""The lake: the only code that opens Spark sessions and reads or writes storage."""
