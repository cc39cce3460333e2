"""The desk: how people share what waits for a person. Pure; the command line reads and writes its topics."""
