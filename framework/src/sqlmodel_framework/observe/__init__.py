"""Those who listen to runs, and tell other systems of them."""
