"""What makes a graph run: the protocol of executables, and the interpreter."""
