"""Owns the operations on profiles: read those of users, push them as a service, change one's own.

Leaves the serving of pictures to pages.
"""

from typing import Annotated

from msgspec import UNSET, Meta

from chat.errors import Forbidden, InvalidField, PicturesOff
from chat.people import pictures
from chat.people.pictures import PICTURE_BYTES
from chat.people.tokens import USERS_SCOPE
from chat.protocol.names import Names, UserId, keys_of
from chat.protocol.profiles import AvatarUrl, DisplayName, Profile, Subtitle
from chat.server import ChatServer
from chat.web.operations import Operation
from chat.web.shapes import Answer, Keys, Name, OfUser, Request

MOST_USERS = 10_000  # in one transaction
PAUSE_USERS = 130  # are checked between two turns of the loop: some 5 ms
USERS_BYTES = 8_388_608
MOST_ASKED = 200
IMAGE_BYTES = PICTURE_BYTES * 4 // 3 + 100  # in base64


class NewProfile(Request):
    """How a user is shown. What is left out is taken away: the user is shown by the id, or by a letter."""

    display_name: DisplayName | None = None
    avatar_url: AvatarUrl | None = None
    subtitle: Subtitle | None = None

    @property
    def profile(self) -> Profile:
        return Profile(display_name=self.display_name, avatar_url=self.avatar_url, subtitle=self.subtitle)


@Operation(
    "PUT",
    "/users/<chat_name:userId>",
    "Say how a user is shown; for services with the scope users. The user is known from then on.",
    scope=USERS_SCOPE,
    body_example='{"displayName": "Bob Park", "avatarUrl": "/static/bob.jpg", "subtitle": "Sales"}',
    errors=(InvalidField(field="avatarUrl", rule="bad_picture_address"),),
)
def put_user(chat: ChatServer, service: str, path: OfUser, body: NewProfile) -> None:
    changed = chat.profiles.put({path.user_id: chat.profiles.checked(body.profile)})
    chat.log.info("profiles service=%r user=%r changed=%d", service, path.user_id, len(changed))


class NamedProfile(NewProfile, kw_only=True):
    """A user, and how they are shown."""

    user_id: Name


class NewProfiles(Request):
    """Users, and how they are shown."""

    users: Annotated[list[NamedProfile], Meta(min_length=1, max_length=MOST_USERS)]


class StoredProfiles(Answer):
    """All of them are stored."""

    changed: Annotated[int, Meta(ge=0, description="Whose profile was another one before.")]


@Operation(
    "POST",
    "/users",
    "Say how many users are shown, all or none; for services with the scope users.",
    scope=USERS_SCOPE,
    body_bytes=USERS_BYTES,
    body_example='{"users": [{"userId": "42", "displayName": "Bob Park"}]}',
    example='{"changed": 1}',
    errors=(InvalidField(field="users[0].avatarUrl", rule="bad_picture_address"),),
)
def put_users(chat: ChatServer, service: str, body: NewProfiles) -> StoredProfiles:
    given: dict[str, Profile] = {}
    for number, user in enumerate(body.users):
        if number % PAUSE_USERS == 0:
            chat.profiles.pause()
        this = f"users[{number}]."
        given[chat.names.checked(user.user_id, f"{this}userId")] = chat.profiles.checked(user.profile, this)
    changed = chat.profiles.put(given)
    chat.log.info("profiles service=%r users=%d changed=%d", service, len(body.users), len(changed))
    return StoredProfiles(changed=len(changed))


class WantedProfiles(Request):
    """Whose profiles."""

    user_ids: Annotated[list[UserId], Meta(min_length=1, max_length=MOST_ASKED)]

    def check_names(self, names: Names) -> None:
        self.user_ids = [names.checked(user_id, "userIds") for user_id in self.user_ids]


class ShownProfiles(Answer):
    """How these users are shown. Whom nothing is known of is left out; what the site still has to say comes as events."""

    profiles: dict[str, Profile]
    keys: Keys = UNSET


@Operation(
    "POST",
    "/profiles",
    "How users are shown.",
    body_example='{"userIds": ["bob"]}',
    example='{"profiles": {"bob": {"displayName": "Bob Park", "avatarUrl": "avatars/9f86d081884c7d659a2feaa0c55ad015-96.webp"}}}',
)
def find_profiles(chat: ChatServer, user_id: str, body: WantedProfiles) -> ShownProfiles:
    found = chat.profiles.of(body.user_ids, user_id)
    return ShownProfiles(profiles=found, keys=keys_of(found, chat.user_key) or UNSET)


class OwnProfile(Answer):
    """How one is shown oneself, and what one may change of it."""

    profile: Profile
    editable: Annotated[bool, Meta(description="`false`: the site says it.")]
    pictures: Annotated[bool, Meta(description="Whether this server takes pictures.")]


@Operation(
    "GET",
    "/profile",
    "Your own profile.",
    example='{"profile": {"displayName": "Alice Smith"}, "editable": true, "pictures": true}',
)
def show_profile(chat: ChatServer, user_id: str) -> OwnProfile:
    found = chat.profiles.of([user_id], user_id).get(user_id, Profile())
    return OwnProfile(profile=found, editable=not chat.profiles.is_sites, pictures=pictures.are_on())


class OwnWords(Request):
    """What one is called. What is left out is taken away; the picture stays."""

    display_name: DisplayName | None = None
    subtitle: Subtitle | None = None


@Operation(
    "PUT",
    "/profile",
    "Change your own display name and subtitle.",
    body_example='{"displayName": "Alice Smith", "subtitle": "Support"}',
    example='{"displayName": "Alice Smith", "subtitle": "Support"}',
    errors=(Forbidden(rule="profile_of_site"),),
)
def put_profile(chat: ChatServer, user_id: str, body: OwnWords) -> Profile:
    return chat.profiles.put_words(user_id, body.display_name, body.subtitle)


class NewPicture(Request):
    """A picture: JPEG, PNG, WebP or GIF, of at most 2,048 pixels a side. It is cut to a square, and encoded anew."""

    image: Annotated[bytes, Meta(max_length=PICTURE_BYTES, description="Of at most 262,144 bytes, in base64.")]


@Operation(
    "PUT",
    "/profile/picture",
    "Upload your own picture.",
    body_bytes=IMAGE_BYTES,
    body_example='{"image": "R0lGODdhAQABAIAAAP///////ywAAAAAAQABAAACAkQBADs="}',
    example='{"displayName": "Alice Smith", "avatarUrl": "avatars/9f86d081884c7d659a2feaa0c55ad015-96.webp"}',
    errors=(Forbidden(rule="profile_of_site"), PicturesOff),
)
def put_picture(chat: ChatServer, user_id: str, body: NewPicture) -> Profile:
    return chat.profiles.put_picture(user_id, body.image)


@Operation(
    "DELETE",
    "/profile/picture",
    "Take your own picture away.",
    example="{}",
    errors=(Forbidden(rule="profile_of_site"),),
)
def delete_picture(chat: ChatServer, user_id: str) -> Profile:
    return chat.profiles.put_picture(user_id, None)
