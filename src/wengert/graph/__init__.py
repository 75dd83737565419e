"""What a program is: nodes, the one way to record them, and the graph that a flush takes."""
