"""Bad input by the million: what comes from outside must end in a value or in an error of ours, and quickly.

targets.py says what is fed and what must hold; the tests feed the same targets (tests/security/test_fuzz_targets.py),
runner.py gives them to atheris, which sees which branches an input reached and goes on from there.
"""
