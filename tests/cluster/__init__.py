"""A package, so that the cluster, a fixture of its scope, ends with its last test."""
