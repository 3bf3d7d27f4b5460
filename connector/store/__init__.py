"""The database; nobody else knows that it is SQL."""
