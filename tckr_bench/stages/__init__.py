"""The stages: each calls components, reads the artifacts of its parents and writes its own."""
