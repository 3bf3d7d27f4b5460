"""Reports: gathers from the database what rules/reporting/ works out; drawing is the command line's. Reads only."""
