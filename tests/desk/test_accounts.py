"""Accounts: logging in, passwords, second factors, sessions, and what of it the audit log keeps."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.usersessions.models import UserSession
from django.core import mail
from django.test import Client
from django.urls import reverse

from entrepot.desk.audit.chain import INSTALLATION
from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.people import logins
from entrepot.goods.texts import all_texts
from tests.desk.conftest import PASSWORD, Firm, actions, rows_of


def log_in(client: Client, password: str = PASSWORD, email: str = "trader@tide.example") -> Any:
    return client.post(reverse("account_login"), {"login": email, "password": password})


def test_logins_are_in_the_log_without_what_was_typed(firm: Firm) -> None:
    client, user = Client(), firm.users["trader"]
    log_in(client, "wrong password")
    log_in(client, email="nobody@nowhere.example")
    assert log_in(client).status_code == 302
    client.post(reverse("account_logout"))
    told = [(entry.action, entry.object_id) for entry in AuditEntry.objects.filter(chain=INSTALLATION)]
    assert told == [("login.failed", str(user.id)), ("login.failed", "")]
    own = AuditEntry.objects.filter(chain=str(firm.organisation.id), actor=f"user:{user.id}")
    assert [entry.action for entry in own] == ["login.done", "logout.done"]
    assert "nowhere" not in str(list(AuditEntry.objects.values()))


def test_five_wrong_passwords_lock_the_address_even_for_the_right_one(firm: Firm) -> None:
    for _ in range(5):
        assert log_in(Client(), "wrong password").status_code == 200
    assert "Too many failed login attempts" in log_in(Client()).content.decode()
    assert log_in(Client(), email="broker@tide.example").status_code == 302


def test_the_lock_is_kept_in_the_database_so_every_process_knows_it(firm: Firm) -> None:
    for _ in range(5):
        log_in(Client(), "wrong password")
    assert [row for row in rows_of("desk_cache") if b"login_failed" in row]


def test_a_password_is_changed_and_reset_by_e_mail_and_other_sessions_end(firm: Firm) -> None:
    here, elsewhere = Client(), Client()
    log_in(here)
    log_in(elsewhere)
    fresh = "another long passphrase"
    changed = {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh}
    assert here.post(reverse("account_change_password"), changed).status_code == 302
    assert elsewhere.get(reverse("members")).status_code == 302
    Client().post(reverse("account_reset_password"), {"email": "trader@tide.example"})
    link = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", str(mail.outbox[-1].body))
    assert link
    visitor = Client()
    place = visitor.get(link.group(1), follow=True).redirect_chain[-1][0]
    assert visitor.post(place, {"password1": PASSWORD, "password2": PASSWORD}).status_code == 302
    assert log_in(Client()).status_code == 302
    assert actions(firm) == ["password.changed", "password.reset"]


def test_passwords_are_hashed_with_argon2(firm: Firm) -> None:
    assert firm.users["trader"].password.startswith("argon2")


def test_sessions_are_listed_and_ended(firm: Firm) -> None:
    here, elsewhere = Client(), Client(headers={"User-Agent": "Phone"})
    log_in(here)
    log_in(elsewhere)
    page = here.get(reverse("usersessions_list"))
    assert "Phone" in page.content.decode()
    here.post(reverse("usersessions_list"))
    assert actions(firm) == ["session.ended"]
    assert elsewhere.get(reverse("members")).status_code == 302
    assert here.get(reverse("members")).status_code == 200


def test_one_session_is_ended_and_only_an_own_one(firm: Firm, stranger: Firm) -> None:
    here, phone, tablet, other = (Client(headers={"User-Agent": name}) for name in ("Desk", "Phone", "Tablet", "Reef"))
    for client in (here, phone, tablet):
        log_in(client)
        client.get(reverse("members"))
    ends = dict(re.findall(r'value="([^"]+)" aria-label="[^"]*?(Phone|Tablet)"', here.get(reverse("usersessions_list")).content.decode()))
    named = {browser: number for number, browser in ends.items()}
    other.force_login(stranger.users["trader"], backend="allauth.account.auth_backends.AuthenticationBackend")
    assert other.post(reverse("session_end"), {"session": named["Phone"]}).status_code == 404
    assert here.post(reverse("session_end"), {"session": "1"}).status_code == 400
    assert here.post(reverse("session_end"), {"session": named["Phone"]}).status_code == 302
    assert phone.get(reverse("members")).status_code == 302
    assert tablet.get(reverse("members")).status_code == 200
    assert AuditEntry.objects.filter(action="session.ended").count() == 1


def test_a_session_is_not_ended_without_its_entry(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    client, user = Client(), firm.users["trader"]
    log_in(client)

    def failing(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(logins, "record", failing)
    with pytest.raises(ZeroDivisionError):
        logins.end_sessions(list(UserSession.objects.filter(user=user)))
    assert client.get(reverse("members")).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_changes_of_an_account_are_in_the_log_without_what_they_hold(firm: Firm) -> None:
    client, user = Client(), firm.users["trader"]
    log_in(client)
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    address, number = "second-address@tide.example", "13800001234"
    client.post(reverse("set_language"), {"language": "zh-hans"})
    client.post(reverse("set_language"), {"language": "zh-hans"})
    client.post(reverse("profile"), {"name": "Li Wei", "language": "zh-hans", "telephone": number})
    client.post(reverse("profile"), {"name": "Li Wei", "language": "zh-hans", "telephone": number})
    client.post(reverse("account_email"), {"action_add": "", "email": address})
    link = re.search(r"https?://[^/]+(/accounts/confirm-email/\S+)", str(mail.outbox[-1].body))
    assert link
    client.post(link.group(1))
    client.post(reverse("account_email"), {"action_remove": "", "email": address})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    client.post(reverse("mfa_activate_totp"), {"code": code})
    client.post(reverse("mfa_generate_recovery_codes"))
    client.post(reverse("mfa_deactivate_totp"))
    told = AuditEntry.objects.filter(chain=str(firm.organisation.id)).exclude(action__in=("organisation.made", "login.done"))
    assert [(entry.action, entry.detail) for entry in told.order_by("number")] == [
        ("profile.changed", {"fields": ["language"]}), ("profile.changed", {"fields": ["name", "telephone"]}),
        ("email.added", {}), ("email.confirmed", {}), ("email.removed", {}),
        ("factor.added", {"factor": "totp"}), ("factor.added", {"factor": "recovery_codes"}),
        ("factor.reset", {"factor": "recovery_codes"}),
        ("factor.removed", {"factor": "totp"}), ("factor.removed", {"factor": "recovery_codes"}),
    ]  # fmt: skip
    assert {f"audit.do.{entry.action}" for entry in told} | {f"audit.do.{one}" for one in logins.CHANGES} <= set(all_texts())
    written = str(list(AuditEntry.objects.values()))
    assert address not in written
    assert number not in written


@pytest.mark.parametrize("name", ["mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_list_webauthn", "account_email"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_pages_of_the_account_open_in_both_languages(firm: Firm, name: str, language: str) -> None:
    client = Client()
    client.cookies["django_language"] = language
    log_in(client)
    page = client.get(reverse(name), follow=True).content.decode()
    assert "<main" in page
    assert "<script>" not in page
    assert "onclick" not in page
