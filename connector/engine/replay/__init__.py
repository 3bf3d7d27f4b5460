"""Replay: the past lived through once more by other rules, in memory (R35). Reads only; nothing is written anywhere.

- `people` puts a contact together as it was known at an instant.
- `desk` is what a live run keeps in the database and changes: episodes, turns, timers, the suppression list.
- `world` lives through the runs of the past by one rule book, with the rules that the live run uses.
- `opening` is how sales' desk stood on the first day.
- `lived` leads two worlds through the same past; `outcome` is what became of it.
"""
