"""How many leads the rules judge per CPU second: without reasons, with them, and as decisions that are stored.

    python scripts/bench/run.py rules [--leads N] [--seconds S] [--json]

The book and the leads are those of rules_leads.py. Beside them stand the same book written out by hand, and
rule-engine's conditions (where it is installed), measured in the same run. Each figure is the median of three. A stored
decision is decided, laid out as a row and digested; the database itself is not measured here.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, TypeVar

import rules_plain
from rules_leads import NOW, make_book, make_situations

from connector.rules import judgement
from connector.rules.condition import Facts
from connector.rules.decide import decide
from connector.store.decisions import digest_of

One = TypeVar("One")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--leads", type=int, default=2_000, help="different leads (default 2000)")
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds of each measurement (default 2)")
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """The figures, and whether what is written by hand and the rules say the same of every lead."""
    book, leads = make_book(), make_situations(options.leads, options.seed)
    facts = [Facts(lead.contact, NOW, lead.activities) for lead in leads]
    said = [judgement.outcome(Facts(lead.contact, NOW, lead.activities), book) for lead in leads]
    by_hand = [rules_plain.outcome(lead.contact, list(lead.activities), NOW) for lead in leads]
    differ = sum(one != other for one, other in zip(said, by_hand, strict=True))

    def rate(items: Sequence[One], what: Callable[[One], object]) -> int:
        return _rate(items, what, options.seconds)

    figures: dict[str, Any] = {
        "leads": len(leads),
        "activities_per_lead": 10,
        "handed_over_share": round(said.count("hand_over") / len(said), 3),
        "differ_from_by_hand": differ,
        "calls_per_cpu_second": rate(facts, lambda one: None),
        "by_hand_per_cpu_second": rate(leads, lambda one: rules_plain.outcome(one.contact, one.activities, NOW)),
        "without_reasons_per_cpu_second": rate(facts, lambda one: judgement.outcome(one, book)),
        "with_reasons_per_cpu_second": rate(facts, lambda one: judgement.judge(one, book).reasons),
        "stored_decisions_per_cpu_second": rate(leads, lambda one: digest_of(decide(one, book, now=NOW))),
    }
    engine = rules_plain.rule_engine()
    values = [rules_plain.values_for_rule_engine(lead.contact) for lead in leads]
    figures["rule_engine_conditions_per_cpu_second"] = rate(values, engine) if engine is not None else None
    return figures, differ <= len(leads) // 100


def _rate(items: Sequence[One], what: Callable[[One], object], seconds: float) -> int:
    """Items per CPU second, the median of three; a first round fills the memories that a long run has filled too."""
    for item in items:
        what(item)
    rates = []
    for _ in range(3):
        done, begun = 0, time.process_time()
        while (spent := time.process_time() - begun) < seconds:
            for item in items:
                what(item)
            done += len(items)
        rates.append(done / spent)
    return round(median(rates))
