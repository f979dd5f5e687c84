"""A run: its settings, its artifacts, and what each is made from."""
