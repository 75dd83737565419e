"""When and where work happens: the pending graph, the executables, seeds, threads."""
