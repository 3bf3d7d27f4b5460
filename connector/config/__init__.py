"""What is set from outside: the environment and the files in mappings/."""
