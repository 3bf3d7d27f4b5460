"""Reporting: what the reports say, as pure figures over leads that were passed to sales (R26-R30).

settings.py     keys of mappings/reports.yaml beyond the KPIs (those are rules/reports.py's)
passed.py       one lead passed, with the instants that matter
numbers.py      quantiles, shares with their interval, the exact test of two shares
spells.py       how long each part of the way takes
cohorts.py      conversion of leads handed over in the same month, with its maturity
groups.py       shares by source, owner or any category; which of them outperform
handed_back.py  reasons of recycling, and their shift
money.py        revenue, pipeline, and their share of the whole portal's
late.py         clocks kept and missed, by cause
alarms.py       rates that changed drastically; causes.py: what most likely did it
meeting.py      the meeting between marketing and sales, prepared

Where leads come from is engine/reports/; how figures are drawn is cli/reporting/.
"""
