"""The flow of one run; it talks to the outside only through ports."""
