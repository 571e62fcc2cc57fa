"""People, organisations, mandates, keys: who may do what."""

from entrepot.desk.people import key_views, mandate_views, member_views, views
from entrepot.desk.plug import EVERYBODY, PUBLIC, SIGNED_IN, Area, Entry, Page, Role

__all__ = ["AREA"]

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
HERE = "administration/"

AREA = Area(
    app="entrepot.desk.people",
    permissions={"people.view": EVERYBODY, "people.manage": ADMINISTRATOR, "keys.manage": ADMINISTRATOR},
    pages=[
        Page("organisation/new/", views.organisation_new, "organisation_new", SIGNED_IN),
        Page("organisation/switch/", views.switch_organisation, "switch_organisation", SIGNED_IN),
        Page("language/", views.set_language, "set_language", PUBLIC),
        Page("profile/", views.profile, "profile", SIGNED_IN),
        Page("profile/sessions/end/", views.session_end, "session_end", SIGNED_IN),
        Page("invitation/<str:token>/", member_views.invitation, "invitation", PUBLIC),
        Page(HERE, views.administration, "administration", "people.view"),
        Page(f"{HERE}organisation/", views.organisation_settings, "organisation", "people.manage"),
        Page(f"{HERE}members/", member_views.members, "members", "people.view"),
        Page(f"{HERE}members/invite/", member_views.members_invite, "members_invite", "people.manage"),
        Page(f"{HERE}members/<uuid:member_id>/role/", member_views.member_role, "member_role", "people.manage"),
        Page(f"{HERE}members/<uuid:member_id>/remove/", member_views.member_remove, "member_remove", "people.manage"),
        Page(f"{HERE}invitations/<uuid:invitation_id>/withdraw/", member_views.invitation_withdraw, "invitation_withdraw", "people.manage"),
        Page(f"{HERE}mandates/", mandate_views.mandates, "mandates", "people.view"),
        Page(f"{HERE}mandates/grant/", mandate_views.mandate_grant, "mandate_grant", "people.manage"),
        Page(f"{HERE}mandates/<uuid:mandate_id>/revoke/", mandate_views.mandate_revoke, "mandate_revoke", "people.manage"),
        Page(f"{HERE}keys/", key_views.keys, "keys", "keys.manage"),
        Page(f"{HERE}keys/issue/", key_views.key_issue, "key_issue", "keys.manage"),
        Page(f"{HERE}keys/<uuid:key_id>/revoke/", key_views.key_revoke, "key_revoke", "keys.manage"),
    ],
    navigation=[Entry("administration", "desk.nav-administration", "administration", "people.view", 200, "more")],
    api={"": "entrepot.desk.people.api:router"},
)
