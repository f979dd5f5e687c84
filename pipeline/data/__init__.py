"""Galaxies and their 37 fractions, whoever uses them."""
