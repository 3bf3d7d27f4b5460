"""Writes the plan for the fake connector."""

import json
from pathlib import Path

from olist.plan import End, Plan


def write_plan(path: Path, plan: Plan) -> None:
    steps = plan.calendar.steps
    rows = {
        story.email: [
            str(steps[story.handed_in].last),
            str(steps[story.ends_in].last) if story.ends_in is not None else "",
            story.end.keeps_hold,
            story.end is End.WON,
        ]
        for story in plan.stories
    }
    path.write_text(json.dumps(rows))
