"""A lead that looks for its owner: what is known of it beyond the contact's own fields."""

from __future__ import annotations

from dataclasses import dataclass

from connector.domain.contact import Contact, OwnerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """One lead to route. Owners are None where there is none, or none is known.

    Attributes:
        lane: as in domain/episode.py.
        former: who worked the contact's last episode in sales; former_caller: who telequalified it last.
        account: owner of the latest lead of the same company; account_caller: of those at telequalification.
        host: of the meeting that was booked.
        deal: owner of the contact's newest open deal.
        taken_from: from whom a person took this lead; gets it back only where nobody else is there.
        former_owners: who had this lead before in its episode; get it back only where nobody else is there.
        by_clock: … and not even then, for a clock took it from them (R17).
        in_sales: only a rep may get it: telequalification passed it on, or sales had it already.
        passed_on_by: who at telequalification had it until now.
    """

    contact: Contact
    lane: str = "score"
    former: OwnerId | None = None
    former_caller: OwnerId | None = None
    account: OwnerId | None = None
    account_caller: OwnerId | None = None
    host: OwnerId | None = None
    deal: OwnerId | None = None
    taken_from: OwnerId | None = None
    former_owners: tuple[OwnerId, ...] = ()
    by_clock: bool = False
    in_sales: bool = False
    passed_on_by: OwnerId | None = None
