"""A real funnel lived through day by day: 8,000 leads and 842 deals of Olist, against the connector as a black box.

Modules, in the order in which data goes:

- `data` reads the two CSV files; `steps` cuts the 519 days into steps.
- `rules` lays our few keys over the shipped rule files; `points` is our own arithmetic of the score.
- `plan` tells each lead's story, with the day on which it must be handed over.
- `acts` spells a step of the story for the sandbox's control API; `world` starts the sandbox and the receiver and
  speaks to them; `connection` is what the connector is given; `worker` starts its process, asks it for syncs and kills
  it when told to.
- `ledger` replays the sandbox's log: the suppression list, the day of each handoff, owners.
- `driver` lives through the steps and remembers where it is (`state`); `figures` puts the result next to the files'.

Nothing here imports the connector: it is reached through `scripts/olist_connector.py`, a process of its own, and what
it did is judged from the sandbox's log, the receiver's file and the files alone.
"""
