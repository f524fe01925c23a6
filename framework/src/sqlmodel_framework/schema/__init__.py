"""What a target is, and how far that is from what was declared."""
