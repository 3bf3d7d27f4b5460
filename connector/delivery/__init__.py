"""Notices on their way out: signed, guarded, tried again."""
