"""One folder per CRM; a second one is a folder beside hubspot/ and one line in bootstrap.py."""
