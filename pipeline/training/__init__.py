"""A network fitted to the volunteers' fractions."""
