"""The story that `handoff demo` tells: a world on loopback (sandbox, receiver), the connector in it, days that pass.

Every sentence with a tick was looked up in the sandbox or in the receiver's post before it is said; where that fails,
the story ends with a StoryError. demo.py is the command around it.
"""


class StoryError(Exception):
    """Something did not come out as told; the text is the sentence that would have been a lie, and what was found."""
