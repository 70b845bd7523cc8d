"""Every port in the memory of one process: for trying out, for tests, and for small embedded uses."""
