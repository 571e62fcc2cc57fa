"""People: who belongs to an organisation, who may act for it, with which keys; what happens at the log-in page."""

import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from importlib.resources import files
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.people import members, tallies
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.keys import grantable, issue, revoke_key
from entrepot.desk.people.mandates import broker_named, code_of, grant
from entrepot.desk.people.members import change_role, invite, remove_member
from entrepot.desk.people.models import ApiKey, Invitation, Mandate, Membership, Organisation, User
from entrepot.desk.people.organisations import make_organisation
from entrepot.desk.plug import Role, permissions
from entrepot.desk.told import Told
from entrepot.goods.texts import all_texts
from tests.desk.conftest import PASSWORD, Firm, actions, rows_of


def member(firm: Firm, role: str) -> Membership:
    found: Membership = Membership.objects.of(firm.organisation).get(user=firm.users[role])
    return found


# --- members and roles ---------------------------------------------------------------------------------


def test_a_member_gets_another_role_and_may_what_it_may_at_once(firm: Firm) -> None:
    administrator, trader = firm.client("administrator"), firm.client("trader")
    assert trader.get(reverse("keys")).status_code == 403
    administrator.post(reverse("member_role", args=[member(firm, "trader").id]), {"role": "administrator"})
    assert trader.get(reverse("keys")).status_code == 200
    assert actions(firm) == ["member.role-changed"]


def test_a_removed_member_is_out_at_the_next_request(firm: Firm) -> None:
    trader = firm.client("trader")
    assert trader.get(reverse("members")).status_code == 200
    firm.client("administrator").post(reverse("member_remove", args=[member(firm, "trader").id]))
    assert trader.get(reverse("members")).headers["Location"] == reverse("organisation_new")
    assert actions(firm) == ["member.removed"]


def test_the_last_administrator_stays(firm: Firm) -> None:
    acting, last = firm.acting("administrator"), member(firm, "administrator")
    with pytest.raises(Told, match="last administrator"):
        change_role(acting, last.id, Role.TRADER)
    with pytest.raises(Told, match="last administrator"):
        remove_member(acting, last.id)
    change_role(acting, member(firm, "trader").id, Role.ADMINISTRATOR)
    remove_member(acting, last.id)
    assert actions(firm) == ["member.role-changed", "member.removed"]


def test_the_refusal_is_said_in_the_readers_language(firm: Firm) -> None:
    client = firm.client("administrator")
    client.cookies["django_language"] = "zh-hans"
    address = reverse("member_remove", args=[member(firm, "administrator").id])
    assert "最后一名管理员" in client.post(address, follow=True).content.decode()


def test_members_of_another_organisation_are_not_there(firm: Firm, stranger: Firm) -> None:
    client, theirs = firm.client("administrator"), member(stranger, "trader")
    for name in ("member_role", "member_remove"):
        assert client.post(reverse(name, args=[theirs.id]), {"role": "analyst"}).status_code == 404
    assert member(stranger, "trader").role == "trader"
    assert "trader@reef.example" not in client.get(reverse("members")).content.decode()


def test_a_broker_with_a_mandate_does_not_see_the_clients_members(
    firm: Firm, stranger: Firm, mandated: Callable[[Firm], Mandate]
) -> None:
    mandated(stranger)
    broker = stranger.client("broker")
    broker.post(reverse("switch_organisation"), {"organisation": str(firm.organisation.id)})
    assert broker.get(reverse("members")).status_code == 403
    assert broker.get(reverse("administration")).status_code == 200


@pytest.mark.parametrize("name", ["members_invite", "mandate_grant", "key_issue"])
def test_changes_need_the_permission(firm: Firm, name: str) -> None:
    for role in Role:
        expected = 422 if role == Role.ADMINISTRATOR else 403
        assert firm.client(role).post(reverse(name), {}).status_code == expected


# --- invitations ---------------------------------------------------------------------------------------


def invited(firm: Firm, email: str = "new@tide.example", role: str = "analyst") -> str:
    """Invite somebody on the page; the path of the link in the e-mail."""
    answer = firm.client("administrator").post(reverse("members_invite"), {"email": email, "role": role})
    assert answer.status_code == 200
    link = re.search(r"https?://[^/]+(/invitation/\S+)", str(mail.outbox[-1].body))
    assert link
    assert link.group(1) in answer.content.decode()
    return link.group(1)


def sign_up(client: Client, link: str, email: str) -> Any:
    page = client.get(link).content.decode()
    assert "Join Tide" in page
    return client.post(
        f"{reverse('account_signup')}?next={link}",
        {"email": email, "password1": PASSWORD, "password2": PASSWORD, "next": link},
    )


def test_an_invited_person_makes_an_account_and_joins_though_sign_up_is_closed(firm: Firm, settings: Any) -> None:
    settings.SIGNUP_OPEN = False
    link, visitor = invited(firm), Client()
    assert "password1" not in visitor.get(reverse("account_signup")).content.decode()
    assert sign_up(visitor, link, "new@tide.example").headers["Location"] == link
    visitor.post(link)
    joined = Membership.objects.of(firm.organisation).get(user__email="new@tide.example")
    assert joined.role == "analyst"
    assert visitor.get(reverse("members")).status_code == 200
    assert actions(firm) == ["invitation.sent", "member.joined"]


def test_an_invitation_opens_closed_sign_up_for_its_address_alone(firm: Firm, settings: Any) -> None:
    settings.SIGNUP_OPEN = False
    visitor = Client()
    sign_up(visitor, invited(firm), "other@tide.example")
    assert not User.objects.filter(email="other@tide.example").exists()


def test_the_database_holds_the_hash_of_an_invitation_alone(firm: Firm) -> None:
    link = invited(firm)
    visitor, token = Client(), link.split("/")[2]
    visitor.get(link)
    assert token not in str(list(Invitation.objects.of(firm.organisation).values()))
    assert token not in str(dict(visitor.session))
    log = AuditEntry.objects.get(action="invitation.sent")
    assert "new@tide.example" not in json.dumps([log.detail, log.object_id])


def test_somebody_else_cannot_use_the_link(firm: Firm, stranger: Firm) -> None:
    link, thief = invited(firm), stranger.client("trader")
    assert "another address" in thief.post(link, follow=True).content.decode()
    assert not Membership.objects.of(firm.organisation).filter(user=stranger.users["trader"]).exists()


def test_a_link_works_once_and_until_it_ends(firm: Firm, stranger: Firm) -> None:
    link, person = invited(firm, "trader@reef.example", "broker"), stranger.client("trader")
    person.post(link)
    assert person.get(link).status_code == 404
    late = invited(firm, "broker@reef.example")
    Invitation.objects.of(firm.organisation).filter(accepted_at=None).update(expires_at=timezone.now())
    assert stranger.client("broker").post(late).status_code == 404
    assert Client().get("/invitation/nonsense/").status_code == 404


def test_a_withdrawn_invitation_ends_and_a_new_one_ends_the_old(firm: Firm) -> None:
    first, second = invited(firm), invited(firm)
    assert Client().get(first).status_code == 404
    waiting = Invitation.objects.of(firm.organisation).get()
    firm.client("administrator").post(reverse("invitation_withdraw", args=[waiting.id]))
    assert Client().get(second).status_code == 404
    assert actions(firm) == ["invitation.sent", "invitation.sent", "invitation.withdrawn"]


def test_invitations_are_no_way_to_write_to_the_world(firm: Firm, stranger: Firm, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "INVITATIONS_PER_DAY", 2)
    invited(firm, "one@tide.example")
    invited(firm, "one@tide.example")
    with pytest.raises(Told, match="At most 2"):
        invite(firm.acting("administrator"), "two@tide.example", Role.TRADER)
    person = stranger.users["administrator"]
    for name in ("First", "Second"):
        invite(Acting(make_organisation(person, name=name), Role.ADMINISTRATOR, person), "x@reef.example", Role.TRADER)
    with pytest.raises(Told, match="At most 2"):
        invite(Acting(make_organisation(person, name="Third"), Role.ADMINISTRATOR, person), "x@reef.example", Role.TRADER)
    monkeypatch.undo()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with pytest.raises(Told, match="Confirm your own"):
        invite(firm.acting("administrator"), "two@tide.example", Role.TRADER)
    EmailAddress.objects.create(user=firm.users["administrator"], email="administrator@tide.example", verified=True)
    invite(firm.acting("administrator"), "two@tide.example", Role.TRADER)


def test_who_is_a_member_already_is_not_invited(firm: Firm) -> None:
    with pytest.raises(Told, match="member already"):
        invite(firm.acting("administrator"), "Trader@Tide.example", Role.BROKER)


# --- mandates ------------------------------------------------------------------------------------------


def grant_on_page(firm: Firm, broker: str, **more: str) -> Any:
    client = firm.client("administrator")
    given = {"broker": broker, "begins_on": str(timezone.localdate()), "ends_on": "", **more}
    asked = client.post(reverse("mandate_grant"), given)
    if asked.status_code == 422:
        return asked
    confirmed = re.search(r'name="confirmed" value="([^"]+)"', asked.content.decode())
    assert confirmed
    return client.post(reverse("mandate_grant"), {**given, "confirmed": confirmed.group(1)})


def test_a_client_grants_a_mandate_by_the_brokers_code_and_ends_it_at_once(firm: Firm, stranger: Firm) -> None:
    broker = stranger.client("broker")
    broker.post(reverse("switch_organisation"), {"organisation": str(firm.organisation.id)})
    assert "Tide" not in broker.get(reverse("mandates")).content.decode()
    assert grant_on_page(firm, code_of(stranger.organisation).lower()).status_code == 302
    assert "Tide" in broker.get(reverse("mandates")).content.decode()
    chosen = broker.post(reverse("switch_organisation"), {"organisation": str(firm.organisation.id)})
    assert chosen.status_code == 302
    assert broker.get(reverse("administration")).context["acting"].organisation == firm.organisation
    firm.client("administrator").post(reverse("mandate_revoke", args=[Mandate.objects.of(firm.organisation).get().id]))
    assert broker.get(reverse("administration")).context["acting"].organisation == stranger.organisation
    assert actions(firm) == ["mandate.granted", "mandate.revoked"]


def test_only_those_with_the_role_of_broker_act_under_a_mandate(
    firm: Firm, stranger: Firm, mandated: Callable[[Firm], Mandate]
) -> None:
    mandated(stranger)
    for role in Role:
        answer = stranger.client(role).post(reverse("switch_organisation"), {"organisation": str(firm.organisation.id)})
        assert answer.status_code == (302 if role == Role.BROKER else 404)


def test_a_broker_is_found_by_its_exact_registration_number_only(firm: Firm, stranger: Firm) -> None:
    Organisation.objects.filter(id=stranger.organisation.id).update(registration_number="91310000MA1FL0AB3X")
    acting = firm.acting("administrator")
    assert broker_named(acting, " 91310000ma1fl0ab3x ") == stranger.organisation
    for named in ("91310000MA1FL0AB3", "9131", "Reef", "%", "", "   "):
        with pytest.raises(Told, match="No organisation"):
            broker_named(acting, named)
    Organisation.objects.create(name="Squatter", registration_number="91310000MA1FL0AB3X")
    with pytest.raises(Told, match="More than one"):
        broker_named(acting, "91310000MA1FL0AB3X")


def test_organisations_cannot_be_tried_out(firm: Firm, stranger: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    acting, headers = firm.acting("administrator"), firm.headers("administrator")
    wanted = {"broker": str(uuid4()), "begins_on": str(timezone.localdate())}
    for number in range(30):
        if number % 2:
            with pytest.raises(Told, match="No organisation"):
                broker_named(acting, str(uuid4()))
        else:  # a refused call of the API changes nothing, but it was a try
            fresh = {**headers, "Idempotency-Key": str(uuid4())}
            assert Client().post("/api/v1/mandates", wanted, content_type="application/json", headers=fresh).status_code == 422
    cache.clear()
    with pytest.raises(Told, match="Too many"):
        broker_named(acting, str(uuid4()))
    with pytest.raises(Told, match="No organisation"):
        broker_named(stranger.acting("administrator"), str(uuid4()))
    later = time.time() + 3600
    monkeypatch.setattr(tallies, "time", SimpleNamespace(time=lambda: later))
    with pytest.raises(Told, match="No organisation"):
        broker_named(acting, str(uuid4()))


def test_a_mandate_holds_from_its_first_day_to_before_its_end(firm: Firm, stranger: Firm) -> None:
    acting, today = firm.acting("administrator"), timezone.localdate()
    for ends in (today, today - timedelta(days=1)):
        with pytest.raises(Told, match="must be after"):
            grant(acting, stranger.organisation, today - timedelta(days=9), ends)
    later = grant(acting, stranger.organisation, today + timedelta(days=1), today + timedelta(days=2))
    with pytest.raises(Told, match="already"):
        grant(acting, stranger.organisation, today, None)
    holding = [Mandate.holding(timezone.now() + timedelta(days=days)) for days in (0, 1, 2)]
    assert [Mandate.objects.of(firm.organisation).filter(one, id=later.id).exists() for one in holding] == [False, True, False]


def test_a_mandate_of_another_client_cannot_be_revoked(
    firm: Firm, stranger: Firm, mandated: Callable[[Firm], Mandate]
) -> None:
    address = reverse("mandate_revoke", args=[mandated(stranger).id])
    assert stranger.client("administrator").post(address).status_code == 404


# --- keys ----------------------------------------------------------------------------------------------


def in_days(days: int) -> str:
    return str(timezone.localdate() + timedelta(days=days))


def test_a_token_is_shown_once_kept_as_a_hash_and_ends_when_revoked(firm: Firm) -> None:
    administrator = firm.client("administrator")
    given = {"name": "shop", "expires_on": in_days(90), "requests_per_minute": "60", "scopes": ["keys.manage"]}
    page = administrator.post(reverse("key_issue"), given)
    token = re.search(r'id="key-token">(ek_[^<]+)<', page.content.decode())
    assert token
    assert "no-store" in page.headers["Cache-Control"]
    assert token.group(1) not in administrator.get(reverse("keys")).content.decode()
    key = ApiKey.objects.of(firm.organisation).get(name="shop")
    assert token.group(1) not in str(list(ApiKey.objects.of(firm.organisation).values()))
    caller, headers = Client(), {"Authorization": f"Bearer {token.group(1)}"}
    assert caller.get("/api/v1/keys", headers=headers).json()["items"][0]["name"] == "shop"
    assert caller.get("/api/v1/members", headers=headers).status_code == 403
    administrator.post(reverse("key_revoke", args=[key.id]))
    assert caller.get("/api/v1/keys", headers=headers).status_code == 401
    assert actions(firm) == ["key.issued", "key.revoked"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["no.such"]},
        {"expires_on": in_days(-1)},
        {"expires_on": in_days(400)},
        {"requests_per_minute": "0"},
        {"name": ""},
    ],
)
def test_a_key_beyond_its_issuer_or_the_year_is_not_issued(firm: Firm, wrong: dict[str, Any]) -> None:
    given = {"name": "shop", "expires_on": in_days(90), "requests_per_minute": "60", "scopes": ["keys.manage"], **wrong}
    answer = firm.client("administrator").post(reverse("key_issue"), given)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not ApiKey.objects.of(firm.organisation).exists()


def test_a_scope_is_what_the_issuer_may_do_or_says_who_may_and_has_its_words(firm: Firm) -> None:
    for role in set(Role) - {Role.ADMINISTRATOR}:
        assert set(grantable(firm.acting(role))) == {name for name, roles in permissions().items() if role in roles}
    assert set(grantable(firm.acting("administrator"))) == set(permissions())
    assert grantable(Acting(firm.organisation, None, key=ApiKey(scopes=["people.manage"]))) == ["people.manage"]
    assert not [name for name in permissions() if f"permission.{name}" not in all_texts()]


def test_a_key_cannot_give_more_than_it_has(firm: Firm) -> None:
    _, token = issue(firm.acting("administrator"), "small", ["keys.manage"], timezone.now() + timedelta(days=1), 60)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
    wanted = {"name": "large", "scopes": ["people.manage"], "expires_at": str(timezone.now() + timedelta(days=1))}
    answer = Client().post("/api/v1/keys", wanted, content_type="application/json", headers=headers)
    assert (answer.status_code, ApiKey.objects.of(firm.organisation).count()) == (422, 1)


def test_a_key_of_a_key_lives_no_longer_calls_no_more_and_ends_with_it(firm: Firm) -> None:
    administrator, until = firm.acting("administrator"), timezone.now() + timedelta(days=1)
    first, _ = issue(administrator, "first", ["keys.manage", "batches.view"], until, 60)
    own = Acting(firm.organisation, None, key=first)
    for later, calls in ((timedelta(seconds=1), 60), (timedelta(0), 61)):
        with pytest.raises(Told) as told:
            issue(own, "more", ["batches.view"], until + later, calls)
        assert told.value.text_id == "people.key-beyond"
    second, _ = issue(own, "second", ["keys.manage"], until, 60)
    third, _ = issue(Acting(firm.organisation, None, key=second), "third", ["keys.manage"], until, 1)
    assert third.created_by == firm.users["administrator"]
    revoke_key(administrator, second.id)
    assert [one.usable for one in ApiKey.objects.of(firm.organisation).order_by("created_at")] == [True, False, False]
    revoke_key(administrator, first.id)
    assert actions(firm).count("key.revoked") == 3


@pytest.mark.parametrize("moment", ["2026-12-31T00:00:00", "9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:00", "soon"])
def test_a_moment_that_cannot_be_an_expiry_is_refused(firm: Firm, moment: str) -> None:
    headers = {**firm.headers("administrator"), "Idempotency-Key": str(uuid4())}
    wanted = {"name": "erp", "scopes": ["batches.view"], "expires_at": moment}
    assert Client().post("/api/v1/keys", wanted, content_type="application/json", headers=headers).status_code == 422


def test_keys_over_the_api_are_issued_once_and_revoked(firm: Firm) -> None:
    headers = {**firm.headers("administrator"), "Idempotency-Key": str(uuid4())}
    wanted = {"name": "erp", "scopes": ["batches.view"], "expires_at": str(timezone.now() + timedelta(hours=1))}
    first, again = [
        Client().post("/api/v1/keys", wanted, content_type="application/json", headers=headers) for _ in range(2)
    ]
    assert (first.status_code, first.json()["token"]) == (201, again.json()["token"])
    assert first.json()["token"].encode() not in b"".join(rows_of("api_answer"))
    ended = Client().delete(f"/api/v1/keys/{first.json()['id']}", headers={**headers, "Idempotency-Key": str(uuid4())})
    assert ended.json()["revoked_at"]


def test_members_and_mandates_over_the_api(firm: Firm, stranger: Firm) -> None:
    headers = firm.headers("administrator")
    members = Client().get("/api/v1/members", headers=headers).json()["items"]
    assert {one["role"] for one in members} == set(Role)
    wanted = {"broker": code_of(stranger.organisation), "begins_on": str(timezone.localdate())}
    fresh = {**headers, "Idempotency-Key": str(uuid4())}
    made = Client().post("/api/v1/mandates", wanted, content_type="application/json", headers=fresh).json()
    assert (made["broker"], made["state"], made["ends_on"]) == ("Reef", "in-force", None)
    theirs = Client().get("/api/v1/mandates", headers=stranger.headers("broker")).json()
    assert [one["client"] for one in theirs] == ["Tide"]
    gone = Client().delete(f"/api/v1/mandates/{made['id']}", headers={**headers, "Idempotency-Key": str(uuid4())})
    assert gone.json()["state"] == "revoked"


# --- settings and profile ------------------------------------------------------------------------------


def settings_of(firm: Firm, **more: str) -> dict[str, str]:
    plain = {"name": firm.organisation.name, "country": "CN", "sample_percent": "1"}
    return {**plain, "registration_number": "", "address": "", "telephone": "", "sender": "", **more}


@pytest.mark.parametrize(("percent", "ppm"), [("0", 0), ("0.0001", 1), ("0.29", 2900), ("1.1", 11_000), ("100", 1_000_000)])
def test_the_share_of_checks_is_kept_exactly(firm: Firm, percent: str, ppm: int) -> None:
    firm.client("administrator").post(reverse("organisation"), settings_of(firm, sample_percent=percent))
    firm.organisation.refresh_from_db()
    assert firm.organisation.sample_ppm == ppm


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample_percent": "100.1"}, {"sample_percent": "0.00001"}, {"sample_percent": "-1"}, {"sample_percent": "NaN"}, {"name": ""},
        {"country": "XX"}, {"sender": "cop: {"}, {"sender": "nonsense: 1"}, {"sender": "a: &a [1]\nb: [*a, *a]"},
    ],
)  # fmt: skip
def test_wrong_settings_are_refused_field_by_field(firm: Firm, wrong: dict[str, str]) -> None:
    answer = firm.client("administrator").post(reverse("organisation"), settings_of(firm, **wrong))
    assert list(answer.context["form"].errors) == list(wrong)
    assert actions(firm) == []


def test_settings_are_sealed_where_personal_and_the_log_names_fields_alone(firm: Firm) -> None:
    sender = files("entrepot.messages.ceb").joinpath("placeholder.yaml").read_text(encoding="utf-8")
    given = settings_of(firm, telephone="+86 21 5555 0000", four_eyes="on", sender=sender)
    assert firm.client("administrator").post(reverse("organisation"), given).status_code == 302
    firm.organisation.refresh_from_db()
    assert (firm.organisation.telephone, firm.organisation.four_eyes) == ("+86 21 5555 0000", True)
    assert not [row for row in rows_of("people_organisation") if b"5555 0000" in row]
    entry = AuditEntry.objects.get(action="organisation.changed")
    assert entry.detail == {"fields": ["four_eyes", "sender", "telephone"]}


def test_a_chosen_language_is_kept_and_used_wherever_the_person_logs_in(firm: Firm) -> None:
    client = firm.client("trader")
    assert 'lang="en"' in client.get(reverse("members")).content.decode()
    client.post(reverse("set_language"), {"language": "zh-hans", "next": "/"})
    assert 'lang="zh-Hans"' in firm.client("trader").get(reverse("members")).content.decode()
    assert 'lang="en"' in Client().get(reverse("account_login")).content.decode()
    visitor = Client()
    visitor.post(reverse("set_language"), {"language": "zh-hans"})
    assert 'lang="zh-Hans"' in visitor.get(reverse("account_login")).content.decode()


def test_a_profile_is_ones_own(firm: Firm) -> None:
    client = firm.client("trader")
    client.post(reverse("profile"), {"name": "Li Wei", "language": "", "telephone": "13800001234"})
    user = User.objects.get(id=firm.users["trader"].id)
    assert (user.name, user.telephone) == ("Li Wei", "13800001234")
    assert not [row for row in rows_of("people_user") if b"13800001234" in row]
    assert Client().get(reverse("profile")).status_code == 302


def test_an_organisation_begins_with_an_administrator_and_an_entry(db: None) -> None:
    user = User.objects.create_user("first@tide.example", PASSWORD)
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/").headers["Location"] == reverse("organisation_new")
    client.post(reverse("organisation_new"), {"name": "Tide", "registration_number": "", "country": "cn"})
    made = Membership.objects.select_related("organisation").get(user=user)
    assert (made.role, made.organisation.country) == ("administrator", "CN")
    assert AuditEntry.objects.get(chain=str(made.organisation_id)).action == "organisation.made"


@pytest.mark.parametrize("name", ["administration", "members", "mandates", "organisation", "keys", "profile", "loads"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_pages_say_everything_in_both_languages(firm: Firm, name: str, language: str) -> None:
    client = firm.client("administrator")
    client.cookies["django_language"] = language
    page = client.get(reverse(name)).content.decode()
    assert not re.findall(r">\s*((?:people|desk|role|permission|operations)\.[a-z.-]+)\s*<", page)
    assert "style=" not in page
    assert "onclick" not in page
