"""Every architecture, and what they are built of."""
