"""The law to read: what holds on which day, what changes, who is told; policy items are filed in one of nine areas."""

import datetime as dt
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils.html import escape

from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.lawbook import digest, views
from entrepot.desk.lawbook.book import book, find_rules, rule_lines
from entrepot.desk.lawbook.models import PolicyItem, Subscription
from entrepot.desk.people.mandates import revoke
from entrepot.desk.people.models import Mandate, Membership, User
from entrepot.desk.webhooks.models import Delivery, Webhook
from entrepot.goods.texts import all_texts, text
from entrepot.law import TableLeaf
from entrepot.law.coming import change_days, changes_by_day
from tests.desk.conftest import Firm

LIMIT = "cn/cbec/yearly_limit"


def test_the_calendar_names_every_day_on_which_something_differs() -> None:
    leaves = book().leaves
    after, until = dt.date(2018, 1, 1), dt.date(2020, 1, 1)
    said = {day for day, _ in changes_by_day(leaves, after, until)}
    day, seen = after + dt.timedelta(days=1), set()
    while day <= until:
        if book().changes(day - dt.timedelta(days=1), day):
            seen.add(day)
        day += dt.timedelta(days=1)
    assert said == seen
    assert dt.date(2019, 1, 1) in said


def test_days_are_after_the_first_and_up_to_the_last() -> None:
    leaves = book().leaves
    new_year = dt.date(2019, 1, 1)
    assert new_year in change_days(leaves, new_year - dt.timedelta(days=1), new_year)
    assert new_year not in change_days(leaves, new_year, new_year + dt.timedelta(days=1))


@pytest.mark.django_db
def test_a_visitor_reads_the_law_as_of_a_day(client: Client) -> None:
    before = client.get("/law/", {"q": "yearly_limit", "on": "2018-12-31"}).content.decode()
    after = client.get("/law/", {"q": "yearly_limit", "on": "2019-01-01"}).content.decode()
    assert "20000.00 CNY" in before
    assert "26000.00 CNY" in after


@pytest.mark.django_db
def test_every_value_and_every_rule_has_its_page(client: Client) -> None:
    for path in book().paths():
        assert client.get(f"/law/values/{path}/").status_code == 200, path
    for rule in rule_lines("en"):
        assert client.get(f"/law/rules/{rule.id}/").status_code == 200, rule.id
    assert client.get("/law/values/cn/nothing/").status_code == 404
    assert client.get("/law/rules/cn.nothing/").status_code == 404


@pytest.mark.django_db
def test_two_days_compared_show_before_and_after(client: Client) -> None:
    page = client.get("/law/changes/", {"from": "2018-12-31", "until": "2019-01-01"}).content.decode()
    assert "20000.00 CNY" in page
    assert "26000.00 CNY" in page


@pytest.mark.django_db
def test_the_feed_is_atom_with_an_entry_per_change(client: Client) -> None:
    answer = client.get("/law/changes.atom")
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "{http://www.w3.org/2005/Atom}feed"
    ids = [entry.findtext("{http://www.w3.org/2005/Atom}id") for entry in root.findall("{http://www.w3.org/2005/Atom}entry")]
    assert len(ids) == len(set(ids))


def test_rules_are_found_by_words_of_either_language() -> None:
    assert {rule.id for rule in find_rules("年度", "en")} & {rule.id for rule in find_rules("yearly", "en")}


def filed(firm: Firm, role: str = "analyst", **fields: str) -> int:
    given = {"area": "5", "title": "Lists for declarations", "begins_on": "2026-12-01", **fields}
    return firm.client(role).post("/policies/new/", given).status_code


def test_a_measure_without_area_or_first_day_is_refused(firm: Firm) -> None:
    assert filed(firm, area="") == 422
    assert filed(firm, begins_on="") == 422
    assert filed(firm, area="10") == 422
    assert filed(firm, ends_on="2026-12-01") == 422
    assert not PolicyItem.objects.of(firm.organisation).exists()
    assert filed(firm) == 302
    assert filed(firm, role="trader") == 403
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyItem.objects.create(organisation=firm.organisation, area=10, title="x", begins_on=dt.date(2026, 1, 1))


def test_the_overview_shows_nine_areas_with_their_numbers_and_gaps(firm: Firm) -> None:
    filed(firm, area="2")
    shown = firm.client("trader").get("/policies/").context
    assert [(area["number"], len(area["items"])) for area in shown["areas"]] == [(number, int(number == 2)) for number in range(1, 10)]
    assert len(shown["empty"]) == 8


def test_policies_of_another_organisation_are_not_there(firm: Firm, stranger: Firm) -> None:
    filed(stranger)
    other = PolicyItem.objects.of(stranger.organisation).get()
    assert firm.client("analyst").get(f"/policies/{other.id}/").status_code == 404
    assert firm.client("analyst").get("/policies/").context["total"] == 0


def test_a_policy_item_is_filed_through_the_api(firm: Firm) -> None:
    headers = {**firm.headers("analyst"), "Idempotency-Key": "one"}
    good = Client().post("/api/v1/policies", {"area": 1, "title": "x", "begins_on": "2026-12-01"}, "application/json", headers=headers)
    assert good.status_code == 201, good.content
    bad = Client().post("/api/v1/policies", {"title": "x"}, "application/json", headers={**headers, "Idempotency-Key": "two"})
    assert bad.status_code == 422
    assert {error["path"] for error in bad.json()["errors"]} == {"area", "begins_on"}


@pytest.mark.parametrize(("days", "told"), [(0, 0), (1, 1)])
def test_a_subscriber_is_told_once_the_day_before(firm: Firm, monkeypatch: pytest.MonkeyPatch, days: int, told: int) -> None:
    monkeypatch.setattr(digest, "today", lambda: dt.date(2018, 12, 31))
    user = firm.users["trader"]
    Subscription.objects.create(
        organisation=firm.organisation, user=user, prefix=LIMIT, days_ahead=days, told_until=dt.date(2018, 12, 31)
    )
    assert digest.tell() == told
    assert digest.tell() == 0
    assert [letter.to for letter in mail.outbox] == [[user.email]] * told
    if told:
        assert "20000.00 CNY → 26000.00 CNY" in mail.outbox[0].body


def test_a_change_that_bears_on_no_product_is_not_told_to_those_who_want_only_their_products(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "today", lambda: dt.date(2018, 12, 31))
    Subscription.objects.create(
        organisation=firm.organisation, user=firm.users["trader"], prefix=LIMIT, only_products=True, told_until=dt.date(2018, 12, 31)
    )
    assert digest.tell() == 0
    assert not mail.outbox


def test_a_chinese_page_of_law_names_columns_in_chinese_and_marks_what_is_english(db: None) -> None:
    tables = [leaf for leaf in book().leaves.values() if isinstance(leaf, TableLeaf)]
    assert not {f"lawbook.column.{name}" for leaf in tables for name in leaf.columns} - set(all_texts())
    noted = next(leaf for leaf in tables if leaf.note and leaf.columns)
    client = Client(headers={"Accept-Language": "zh-hans"})
    page = client.get(f"/law/values/{noted.path}/").content.decode()
    assert f'备注（原文为英文）： <span lang="en">{escape(noted.note)}</span>' in page
    assert f'<th scope="col">{text("lawbook.column." + next(iter(noted.columns)), "zh")}</th>' in page


@pytest.fixture
def eve(monkeypatch: pytest.MonkeyPatch) -> dt.date:
    """The day before a value of the law changes, as today."""
    day = dt.date(2018, 12, 31)
    monkeypatch.setattr(digest, "today", lambda: day)
    monkeypatch.setattr(views, "today", lambda: day)
    return day


def subscribed(firm: Firm, user: User, day: dt.date) -> Subscription:
    one: Subscription = Subscription.objects.create(organisation=firm.organisation, user=user, prefix=LIMIT, told_until=day)
    return one


def test_who_no_longer_belongs_is_told_nothing_and_the_subscription_ends(
    firm: Firm, stranger: Firm, mandated: Callable[[Firm], Mandate], eve: dt.date
) -> None:
    removed, broker, stays = firm.users["trader"], stranger.users["broker"], firm.users["analyst"]
    mandate = mandated(stranger)
    kept = [subscribed(firm, user, eve) for user in (removed, broker, stays)][-1]
    Membership.objects.of(firm.organisation).filter(user=removed).delete()
    revoke(firm.acting("administrator"), mandate.id)
    assert digest.tell() == 1
    assert [letter.to for letter in mail.outbox] == [[stays.email]]
    assert Subscription.objects.get() == kept
    assert AuditEntry.objects.filter(action="subscription.ended", actor="system").count() == 2


def test_a_letter_that_could_not_leave_is_sent_later_and_holds_up_nobody(
    firm: Firm, eve: dt.date, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlucky = firm.users["trader"].email
    for user in firm.users.values():
        subscribed(firm, user, eve)

    def refusing(subject: str, body: str, sender: None, to: list[str]) -> None:
        if to == [unlucky]:
            raise OSError("the mail server refuses")
        mail.send_mail(subject, body, sender, to)

    monkeypatch.setattr(digest, "send_mail", refusing)
    assert digest.tell() == len(firm.users) - 1
    monkeypatch.setattr(digest, "send_mail", mail.send_mail)
    assert digest.tell() == 1
    assert sorted(letter.to[0] for letter in mail.outbox) == sorted(user.email for user in firm.users.values())


def test_of_two_workers_one_tells(firm: Firm, eve: dt.date) -> None:
    subscribed(firm, firm.users["trader"], eve)
    seen_by_both = Subscription.objects.select_related("organisation", "user").get()
    assert digest.tell() == 1
    assert not digest._tell(seen_by_both, eve + dt.timedelta(days=1))
    assert len(mail.outbox) == 1


def test_a_subscription_saved_again_forgets_nothing(firm: Firm, eve: dt.date) -> None:
    one, client = subscribed(firm, firm.users["trader"], eve), firm.client("trader")
    assert digest.tell() == 1
    client.post("/law/subscriptions/", {"action": "add", "prefix": LIMIT, "days_ahead": "1", "only_products": ""})
    assert Subscription.objects.get(id=one.id).told_until == eve + dt.timedelta(days=1)
    assert digest.tell() == 0


def test_a_change_goes_to_a_webhook_once_whoever_has_subscribed(firm: Firm, stranger: Firm, eve: dt.date) -> None:
    for owner in (firm, stranger):
        kinds = ["law.change"] if owner is firm else ["job.ended"]
        Webhook.objects.create(organisation=owner.organisation, url="https://example.org/", secret="s", kinds=kinds)
    for role in ("trader", "analyst"):
        subscribed(firm, firm.users[role], eve)
    assert digest.emit_changes() >= 1
    digest.tell()
    assert digest.emit_changes() == 0
    told = [json.loads(delivery.body)["data"] for delivery in Delivery.objects.all()]
    assert len(told) == len({(one["path"], one["key"]) for one in told})
    assert [(one["before"], one["after"]) for one in told if one["path"] == LIMIT] == [("20000.00 CNY", "26000.00 CNY")]
    assert not Delivery.objects.of(stranger.organisation).exists()


def test_a_subscription_is_made_and_ended_by_its_owner_alone(firm: Firm) -> None:
    client = firm.client("trader")
    assert client.post("/law/subscriptions/", {"action": "add", "prefix": "cn/vat", "days_ahead": "1"}).status_code == 302
    mine = Subscription.objects.of(firm.organisation).get()
    ending = {"action": "end", "subscription": str(mine.id)}
    assert firm.client("analyst").post("/law/subscriptions/", ending).status_code == 404
    assert client.post("/law/subscriptions/", ending).status_code == 302
    assert not Subscription.objects.of(firm.organisation).exists()
