"""Galaxies of one's own: any pictures, any names, any number."""
