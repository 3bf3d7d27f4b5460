"""A quarter lived through on the sandbox: invented leads, reps of every manner, and the log checked by somebody else.

The living side: `cast` draws leads and reps, `people` says what they do, `life` runs sandbox, connector and people and
writes the log, `cli` is the command. The rule files are the shipped ones with ours from `mappings/` laid over them.

The checking side: `check` reads the log alone; `facts` is what it says, `promises` the table of what was agreed,
`business` the minutes of the offices, `expected` what had to come of each lead at each run, `seats` who may get one,
`judge` holds both together. It imports nothing of the connector, nothing of the living side and nothing of the tests.
"""
