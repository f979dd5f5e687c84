"""Images through trained networks."""
