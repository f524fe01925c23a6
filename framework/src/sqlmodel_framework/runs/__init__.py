"""What is asked, what happened, and where that is recorded."""
