"""The command `datakit`: a thin reading of the library."""
