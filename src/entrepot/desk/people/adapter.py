"""What allauth asks of us: who may sign up, in which language, and how second factors are kept."""

from collections.abc import Sequence
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from entrepot.desk.people.members import invitation_of
from entrepot.desk.told import Told
from entrepot.desk.vault import open_sealed, seal

__all__ = ["AccountAdapter", "MFAAdapter", "SessionsAdapter"]

PURPOSE = "second factor"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts by e-mail address."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Open, or only for those who hold an invitation that still stands."""
        return bool(settings.SIGNUP_OPEN or invitation_of(request.session.get("invitation", "")))

    def clean_email(self, email: str) -> str:
        """Where sign-up is closed only the invited address may be used."""
        address: str = super().clean_email(email)
        request = self.request
        if settings.SIGNUP_OPEN or request is None or request.user.is_authenticated:
            return address
        invitation = invitation_of(request.session.get("invitation", ""))
        if invitation and address.lower() != invitation.email.lower():
            raise ValidationError(Told("people.signup-invited-address").said)
        return address


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Seals TOTP secrets and recovery codes."""

    def encrypt(self, text: str) -> str:
        """A secret as the database holds it."""
        return seal(text, PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        """A secret as the program needs it."""
        return open_sealed(encrypted_text, PURPOSE)

    def get_public_key_credential_rp_entity(self) -> dict[str, Any]:
        """The relying party of passkeys: this installation by its host name."""
        return {**super().get_public_key_credential_rp_entity(), "name": "Entrepot"}


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]
    """Ends sessions with an entry in the audit log."""

    def end_sessions(self, sessions: Sequence[Any]) -> None:
        """Log these browsers of one person out."""
        from entrepot.desk.people.logins import end_sessions  # imports models; allauth imports this module early

        end_sessions(sessions)
