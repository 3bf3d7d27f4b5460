"""Fairness (R12): how the turns of each pool were spread, and an alarm for who gets none."""

from __future__ import annotations

from factories import ANA, BEN, make_owner

from connector.domain.contact import OwnerId
from connector.rules.routing import TURN, Directory, RoutedLead, RoutingRules, fairness, starving

CLEO, LEFT = OwnerId("9"), OwnerId("4")
PEOPLE = Directory([make_owner(ANA), make_owner(BEN), make_owner(CLEO), make_owner(LEFT, archived=True)])
POOLS = {
    "callers": {"members": [{"owner": CLEO}]},
    "dach": {"label": "DACH", "members": [{"owner": ANA, "weight": 3}, {"owner": BEN}, {"owner": LEFT}]},
    "rest": {"everyone": True},
}
RULES = RoutingRules.model_validate(
    {"pools": POOLS, "default_pool": "rest", "telequalification": [{"name": "callers", "pool": "callers"}]}
)


def lead(owner: OwnerId, why: str = "") -> RoutedLead:
    return RoutedLead(pool="dach", owner=owner, passed_over={BEN: why} if why else {})


def test_a_line_for_everybody_who_sits_there_with_what_they_got_and_where_they_stand() -> None:
    """Those who have left are told of elsewhere; callers sit in no pool of everyone."""
    lines = fairness(RULES, PEOPLE, {"dach": {ANA: TURN // 4, BEN: -TURN // 4}}, [lead(ANA)] * 4 + [lead(BEN)] * 2)
    told = [(line.pool, line.owner, line.leads, line.share, line.ahead) for line in lines]
    assert told == [
        ("callers", CLEO, 0, 0, 0), ("dach", ANA, 4, 4.5, 0.25), ("dach", BEN, 2, 1.5, -0.25),
        ("rest", ANA, 0, 0, 0), ("rest", BEN, 0, 0, 0),
    ]  # fmt: skip
    assert list(starving(lines, RULES, PEOPLE)) == []


def test_who_gets_none_of_many_leads_starves_and_the_alarm_says_why() -> None:
    full, after = "already has 20 open leads; 20 is the most", "has a turn after this one"
    routed = [lead(ANA, full)] * 11 + [lead(ANA, after)]
    lines = fairness(RULES, PEOPLE, {}, routed)
    assert list(starving(lines, RULES, PEOPLE)) == [
        f"Ben Sample got no lead of the pool “DACH”; the weight alone would have given 3, mostly because: {full}."
    ]
    assert list(starving(fairness(RULES, PEOPLE, {}, routed[:8]), RULES, PEOPLE)) == []
