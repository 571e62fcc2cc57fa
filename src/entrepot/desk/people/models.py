"""People, organisations and who may act for whom."""

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils import timezone

from entrepot.desk.owned import Owned
from entrepot.desk.plug import Role
from entrepot.desk.vault import SealedTextField

__all__ = ["ApiKey", "Invitation", "Mandate", "Membership", "Organisation", "Tally", "User", "hash_of", "new_broker_code"]

ROLES = [(role.value, role.value) for role in Role]
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 12


def new_broker_code() -> str:
    """Twelve letters (59 random bits) without those that are misread for one another."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def hash_of(token: str) -> str:
    """What is stored of a token with 256 random bits: its SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


class Users(BaseUserManager["User"]):
    """Makes users; e-mail addresses are kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **more: Any) -> "User":
        """A user with a hashed password, or with none that fits."""
        user = self.model(email=email.strip().lower(), **more)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """A user by e-mail address."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person who signs in. Roles belong to memberships, not to people."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    telephone = SealedTextField(blank=True, default="")
    language = models.CharField(max_length=10, blank=True, default="")
    """The language the person chose; empty: whatever the browser asks for."""
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Users] = Users()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def first_name(self) -> str:
        """What allauth greets with."""
        return self.name


class Organisation(models.Model):
    """A firm, a broker, a zone operator or an authority; everything else belongs to one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    registration_number = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2, default="CN")
    address = SealedTextField(blank=True, default="")
    telephone = SealedTextField(blank=True, default="")
    four_eyes = models.BooleanField(default=False)
    """Whether a person's decision over a held parcel needs a second person."""
    sample_ppm = models.PositiveIntegerField(default=10_000)
    """Share of parcels drawn for a check, in millionths."""
    sender = models.TextField(blank=True, default="")
    """YAML of the declarant's codes for messages (docs/howto/sender.md); empty: a placeholder."""
    broker_code = models.CharField(max_length=CODE_LENGTH, unique=True, null=True, default=new_broker_code)
    """What the organisation gives to clients that want to grant it a mandate."""
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Membership(Owned):
    """A person in an organisation, with a role."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=ROLES)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "user"], name="one_membership")]


class Mandate(Owned):
    """The right of a broker to act for an organisation (the client) from a day until, not including, another."""

    broker = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="mandates_held")
    granted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    begins_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    @staticmethod
    def holding(day: datetime) -> Q:
        """The mandates that hold at a moment."""
        on = timezone.localdate(day)
        return Q(revoked_at=None, begins_on__lte=on) & (Q(ends_on=None) | Q(ends_on__gt=on))


class Invitation(Owned):
    """An offer of membership sent to an e-mail address; the link holds the token, the database its hash."""

    email = models.EmailField()
    role = models.CharField(max_length=20, choices=ROLES)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)


class ApiKey(Owned):
    """A key with which another system acts for an organisation, within its scopes, until it expires."""

    name = models.CharField(max_length=120)
    scopes = models.JSONField(default=list)
    """Permissions the key has."""
    prefix = models.CharField(max_length=12)
    token_hash = models.CharField(max_length=64, unique=True)
    requests_per_minute = models.PositiveIntegerField(default=600)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    """The person who issued it, or the key it was issued with."""
    issued_with = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="issued")
    """The key that issued it: it ends with that one."""
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    @classmethod
    def issue(cls, **fields: Any) -> tuple["ApiKey", str]:
        """A saved key and its token, which is shown once and never stored."""
        token = f"ek_{secrets.token_urlsafe(32)}"
        return cls.objects.create(prefix=token[:10], token_hash=hash_of(token), **fields), token

    @property
    def usable(self) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and self.expires_at > timezone.now()


class Tally(Owned):
    """How often an organisation did something in one hour or day (`tallies.count`)."""

    what = models.CharField(max_length=20)
    window = models.PositiveBigIntegerField()
    """Number of the hour or day since 1970."""
    number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "what", "window"], name="one_tally_per_window")]
