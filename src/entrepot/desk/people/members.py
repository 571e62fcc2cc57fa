"""Members of an organisation: inviting, joining, changing roles, leaving. One administrator always stays."""

import secrets
from datetime import timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from entrepot.desk.audit.chain import record
from entrepot.desk.people.acting import Acting
from entrepot.desk.people.models import Invitation, Membership, Organisation, User, hash_of
from entrepot.desk.people.tallies import DAY, count
from entrepot.desk.plug import Role, imported, plugged
from entrepot.desk.told import Told
from entrepot.goods.errors import WorldError
from entrepot.goods.texts import text

__all__ = [
    "INVITATIONS_PER_DAY", "INVITED_FOR", "accept", "change_role", "invitation_of", "invite", "link_of", "remove_member", "send_invitation",
    "tell_areas", "withdraw",
]  # fmt: skip

INVITED_FOR = timedelta(days=7)
INVITATIONS_PER_DAY = 50
"""Of an organisation, and of a person."""


def change_role(acting: Acting, member_id: UUID, role: Role) -> None:
    """Give a member another role; Told for the last administrator, Http404 for somebody else's member."""
    with transaction.atomic():
        member = _locked(acting, member_id, still_administrator=role == Role.ADMINISTRATOR)
        before, member.role = member.role, role.value
        if before != role:
            member.save(update_fields=["role"])
            record(acting, "member.role-changed", "user", member.user_id, before=before, role=role.value)
            tell_areas(acting, f"user:{member.user_id}")


def remove_member(acting: Acting, member_id: UUID) -> None:
    """Take a member out at once; what they did stays. Told for the last administrator."""
    with transaction.atomic():
        member = _locked(acting, member_id, still_administrator=False)
        member.delete()
        record(acting, "member.removed", "user", member.user_id, role=member.role)
        tell_areas(acting, f"user:{member.user_id}")


def tell_areas(acting: Acting, actor: str) -> None:
    """Let every area that asks for it look after what an actor held, once the actor is gone or may do other things."""
    for area in plugged():
        if area.actor_changed:
            imported(area.actor_changed)(acting, actor)


def _locked(acting: Acting, member_id: UUID, *, still_administrator: bool) -> Membership:
    """A member, with the organisation locked: two administrators cannot demote each other at the same moment."""
    Organisation.objects.select_for_update().get(id=acting.organisation.id)
    member: Membership = Membership.objects.one(acting, id=member_id)
    administrators = Membership.objects.of(acting).filter(role=Role.ADMINISTRATOR)
    if member.role == Role.ADMINISTRATOR and not still_administrator and administrators.count() == 1:
        raise Told("people.last-administrator")
    return member


def invite(acting: Acting, email: str, role: Role) -> tuple[Invitation, str]:
    """An invitation and its token, which the database never holds; an earlier one to the same address ends.

    Told when the person is a member already, and where it could be misused to write to strangers: too many in a day, or by
    somebody whose own address is not verified where e-mail goes out.
    """
    _check_inviter(acting)
    address = email.strip().lower()
    if Membership.objects.of(acting).filter(user__email__iexact=address).exists():
        raise Told("people.already-member", email=address)
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        if count(acting.organisation, "invitation", DAY) > INVITATIONS_PER_DAY:
            raise Told("people.too-many-invitations", most=INVITATIONS_PER_DAY)
        Invitation.objects.of(acting).filter(email__iexact=address, accepted_at=None).delete()
        invitation: Invitation = Invitation.objects.create(
            organisation=acting.organisation, email=address, role=role.value, token_hash=hash_of(token), invited_by=acting.user,
            expires_at=timezone.now() + INVITED_FOR,
        )  # fmt: skip
        record(acting, "invitation.sent", "invitation", invitation.id, role=role.value)
    return invitation, token


def _check_inviter(acting: Acting) -> None:
    """Limits of the person, who may have made many organisations."""
    today = Invitation.objects.filter(invited_by=acting.user, created_at__gt=timezone.now() - DAY)
    if today.count() >= INVITATIONS_PER_DAY:
        raise Told("people.too-many-invitations", most=INVITATIONS_PER_DAY)
    sends = settings.EMAIL_BACKEND.endswith("smtp.EmailBackend")
    if sends and not EmailAddress.objects.filter(user=acting.user, verified=True).exists():
        raise Told("people.verify-first")


def link_of(token: str) -> str:
    """The address an invited person opens."""
    return f"{settings.ORIGIN}{reverse('invitation', args=[token])}"


def send_invitation(invitation: Invitation, token: str, language: str) -> None:
    """Send the link by e-mail, in the language of who invites; WorldError when the e-mail does not leave."""
    told = {"organisation": invitation.organisation.name, "link": link_of(token), "days": INVITED_FOR.days}
    subject = " ".join(text("people.invitation-subject", language, **told).split())
    try:
        send_mail(subject, text("people.invitation-body", language, **told), None, [invitation.email])
    except OSError as error:
        raise WorldError(f"the invitation could not be sent by e-mail: {error}", retryable=True) from None


def withdraw(acting: Acting, invitation_id: UUID) -> None:
    """End an invitation nobody has accepted; Http404 for another's or an accepted one."""
    with transaction.atomic():
        invitation = Invitation.objects.one(acting, id=invitation_id, accepted_at=None)
        record(acting, "invitation.withdrawn", "invitation", invitation.id)
        invitation.delete()


def invitation_of(token_hash: str) -> Invitation | None:
    """The invitation of a token, by the token's hash, while it can be accepted."""
    live = Invitation.objects.filter(token_hash=token_hash, accepted_at=None, expires_at__gt=timezone.now())
    found: Invitation | None = live.select_related("organisation").first()
    return found


def accept(user: User, token: str) -> Organisation:
    """Make the invited person a member; Told when the invitation ended or was sent to another address."""
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update().filter(token_hash=hash_of(token)).first()
        if invitation is None or invitation.accepted_at or invitation.expires_at <= timezone.now():
            raise Told("people.invitation-ended")
        if user.email.lower() != invitation.email.lower():
            raise Told("people.invitation-other-address", email=user.email)
        organisation: Organisation = invitation.organisation
        member, fresh = Membership.objects.get_or_create(organisation=organisation, user=user, defaults={"role": invitation.role})
        invitation.accepted_at = timezone.now()
        invitation.save(update_fields=["accepted_at"])
        if fresh:
            record(Acting(organisation, Role(member.role), user), "member.joined", "user", user.id, role=member.role)
    return organisation
