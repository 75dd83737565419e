"""Graph to graph, meaning kept: one pass a file."""
