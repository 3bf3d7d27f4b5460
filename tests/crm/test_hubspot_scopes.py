"""Which scopes are asked for, and what is said where one lacks (S2)."""

from __future__ import annotations

from connector.crm.hubspot.scopes import SCOPES, judge


def test_a_token_with_just_what_is_needed_is_fine() -> None:
    assert judge(SCOPES) == ((), ())


def test_a_needed_scope_that_lacks_is_a_complaint_that_names_it() -> None:
    complaints, remarks = judge(set(SCOPES) - {"crm.lists.write"})
    assert complaints == ("the token lacks the scope crm.lists.write: the suppression list",)
    assert remarks == ()


def test_a_stream_that_is_off_for_want_of_a_scope_is_a_remark() -> None:
    assert judge(set(SCOPES) - {"forms"}) == (
        (),
        ("the token lacks the scope forms, so this is off: form submissions",),
    )


def test_a_token_that_may_do_more_is_told_of() -> None:
    complaints, remarks = judge({*SCOPES, "oauth", "crm.objects.contacts.delete"})
    assert complaints == ()
    assert remarks == ("the token may do more than Handoff needs: crm.objects.contacts.delete",)
