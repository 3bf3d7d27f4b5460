"""Which scopes are asked for, and what is said where one lacks (S2)."""

from __future__ import annotations

from connector.crm.hubspot.scopes import SCOPES, judge, lacking


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


def test_what_no_run_can_do_without_is_named_with_what_it_is_for() -> None:
    assert lacking(SCOPES) == lacking(set(SCOPES) - {"forms", "content"}) == {}
    assert lacking(set(SCOPES) - {"crm.lists.write"}) == {"crm.lists.write": "the suppression list"}


def test_a_token_of_which_nothing_is_told_is_not_blamed() -> None:
    """Nor one whose scopes come in words of another kind; HubSpot's own 403 names what lacks."""
    assert lacking(None) == lacking({"oauth", "contacts", "crm_lists"}) == {}


def test_companies_are_asked_for_only_where_the_rules_read_them() -> None:
    scope = "crm.objects.companies.read"
    assert judge(SCOPES, companies=True)[0] == (f"the token lacks the scope {scope}: fields of the contact's company",)
    assert judge({*SCOPES, scope}, companies=True) == ((), ())
    assert judge({*SCOPES, scope}) == ((), (f"the token may do more than Handoff needs: {scope}",))


def test_the_mails_of_sales_are_asked_for_where_a_clock_counts_touches() -> None:
    """R17, S2: without it that stream is off."""
    scope = "sales-email-read"
    assert judge({*SCOPES, scope}, touches=True) == ((), ())
    complaints, (remark,) = judge(SCOPES, touches=True)
    assert complaints == ()
    assert remark.startswith(f"the token lacks the scope {scope}, so this is off")
