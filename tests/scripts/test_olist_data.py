"""The two files as values, and the figures that come from them alone."""

from datetime import date
from pathlib import Path

import pytest
from olist.data import DEALS_FILE, LEADS_FILE, DataMissingError, find_folder, load_leads, seller_reps
from olist.figures import Lived
from olist.plan import make_plan
from olist.points import Worth
from olist.steps import Calendar
from olist_samples import LEADS, WORTH

ISSUE = {
    "organic_search": [271, 2296], "paid_search": [195, 1586], "social": [75, 1350], "unknown": [179, 1099],
    "direct_traffic": [56, 499], "email": [15, 493], "referral": [24, 284], "other": [4, 150], "display": [6, 118],
    "other_publicities": [3, 65], "blank": [14, 60],
}  # fmt: skip


def write(folder: Path, leads: str, deals: str) -> Path:
    (folder / LEADS_FILE).write_text("mql_id,first_contact_date,landing_page_id,origin\n" + leads)
    (folder / DEALS_FILE).write_text("mql_id,seller_id,sdr_id,sr_id,won_date\n" + deals)
    return folder


def test_the_files_give_the_figures_of_the_issue(olist_folder: Path) -> None:
    leads = load_leads(olist_folder)
    lived = Lived(plan=make_plan(leads, Calendar(every=1), WORTH, ("not_ready",), 1), last=Calendar(every=1).steps[-1])
    assert len(leads) == len(lived.arrived()) == len(lived.handed()) == 8000
    assert len(lived.won()) == 842
    assert f"{100 * 842 / 8000:.3f}" == "10.525"
    assert lived.by_origin() == ISSUE
    assert len(seller_reps(leads)) == 22


def test_a_blank_origin_and_the_word_unknown_stay_apart(tmp_path: Path) -> None:
    leads = load_leads(write(tmp_path, "a,2018-01-01,lp,\nb,2018-01-01,lp,unknown\n", ""))
    assert [lead.origin for lead in leads] == ["blank", "unknown"]


def test_a_deal_won_before_its_lead_arrived_counts_on_the_day_of_arrival(tmp_path: Path) -> None:
    leads = load_leads(write(tmp_path, "a,2018-03-08,lp,social\n", "a,s,sdr,rep,2018-03-06 19:38:55\n"))
    assert leads[0].won_on == date(2018, 3, 8)


@pytest.mark.parametrize(
    ("leads", "deals", "words"),
    [
        ("a,2018-01-01,lp,social\na,2018-01-02,lp,social\n", "", "more than once"),
        ("a,2018-01-01,lp,social\n", "b,s,sdr,rep,2018-01-02 00:00:00\n", "no lead"),
    ],
)
def test_an_altered_copy_is_refused(tmp_path: Path, leads: str, deals: str, words: str) -> None:
    with pytest.raises(DataMissingError, match=words):
        load_leads(write(tmp_path, leads, deals))


def test_a_copy_without_a_column_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "", "")
    (tmp_path / LEADS_FILE).write_text("mql_id\na\n")
    with pytest.raises(DataMissingError, match="first_contact_date"):
        load_leads(tmp_path)


def test_absent_files_are_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDOFF_OLIST_DIR", str(tmp_path))
    with pytest.raises(DataMissingError, match="HANDOFF_OLIST_DIR") as caught:
        find_folder()
    assert LEADS_FILE in str(caught.value) and DEALS_FILE in str(caught.value)


def test_worth_is_the_same_however_it_is_made() -> None:
    assert Worth(threshold=60, download=25, pages=dict(WORTH.pages), half_life=WORTH.half_life) == WORTH
    assert len(LEADS) == len({lead.id for lead in LEADS})
