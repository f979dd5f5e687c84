"""A made-up sky: galaxies drawn from a population, their pictures and their votes."""
