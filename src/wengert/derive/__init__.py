"""Transformations: each is one walk over a graph that calls rules and records. None knows of another."""
