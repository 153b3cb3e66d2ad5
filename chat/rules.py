"""Owns the rules that a request or an event may break, each as one English sentence with the names of its params.

A client that speaks another language makes a sentence of its own of `code`, `rule`, `field` and `params`.
docs/protocol.md lists every rule, and static/js/error-texts.js has a text for each.
"""

from types import MappingProxyType

Param = int | str | list[str]

# rule -> its sentence; what stands in braces, but for `field`, are its params.
SENTENCES = MappingProxyType({
    # bad_json
    "bad_syntax": "The text is not JSON: {reason}.",
    "not_an_object": "This must be one JSON object.",
    "nested_too_deeply": "The JSON is nested too deeply.",
    # missing_field, unknown_field
    "missing": "The field {field} is missing.",
    "one_of_needed": "One of {fields} is needed.",
    "unknown": "There is no field {field} here.",
    # invalid_field: of any field
    "wrong_type": "{field} must be {expected}.",
    "empty": "{field} must not be empty.",
    "too_short": "{field} must have at least {min:,} characters.",
    "too_long": "{field} must have at most {max:,} characters.",
    "too_few": "{field} must have at least {min:,} entries.",
    "too_many": "{field} must have at most {max:,} entries.",
    "too_small": "{field} must be at least {min:,}.",
    "too_large": "{field} must be at most {max:,}.",
    "unknown_value": "{field} has a value that is not known here.",
    "malformed": "{field} does not have the form that is needed here.",
    "null_character": "{field} must not hold the character U+0000.",
    "not_finite": "{field}: NaN and Infinity are not JSON.",
    "half_character": "{field} holds half of a surrogate pair.",
    "not_utf8": "{field} is not UTF-8.",
    "given_twice": "{field} must be given once.",
    "only_one_of": "Only one of {fields} can be given.",
    "bad_cursor": "{field} must be the next of an earlier answer.",
    "bad_link": "{field} must begin with http:// or https://, or be a path on this site that begins with one /.",
    "own_name": "{field} must be another user's name.",
    "not_yours": "{field} must be of a conversation of yours.",
    # invalid_field: of a name
    "invisible": "{field} must not hold control, direction or invisible characters.",
    "white_space": "{field} must not hold white space.",
    "sign": "{field} may hold letters, digits and . _ - @ only, not {sign}.",
    "no_letter": "{field} must hold a letter or a digit.",
    "too_many_marks": "{field} must not have more than {max} marks on one letter, nor one on none.",
    "mixed_scripts": "{field} must not mix {scripts} letters.",
    "looks_like": "{field} looks like {userId}, which is another user. Choose another name.",
    # invalid_field: of a password
    "blank": "{field} must not be blanks alone.",
    "one_letter": "{field} must not be one letter again and again.",
    "same_as_name": "{field} must not be the name itself.",
    "too_common": "{field} is among the commonest passwords. Choose another one.",
    # invalid_field: of a profile
    "controls": "{field} must not hold control characters or line ends.",
    "bad_picture_address": "{field} must begin with https://, or be a path on this site that begins with one /.",
    "picture_host": "{field}: pictures of {host} are not shown here: see CHAT_AVATAR_HOSTS.",
    "picture_kind": "{field} must be a JPEG, PNG, WebP or GIF picture.",
    "picture_size": "{field} must have at most {max:,} pixels a side.",
    # forbidden, blocked
    "profile_of_site": "This site says how its users are shown. Change it there.",
    "not_your_name": "{field} must be your own name, the one of your init.",
    "too_many_set": "You have set something for {max:,} conversations. Take one back first.",
    "too_many_blocked": "You have blocked {max:,} people. Unblock one of them first.",
    "scope_needed": "This needs a service's token with the scope {scope}.",
    "token_of_site": "The site that made this token makes the next one too.",
    "renewed_enough": "You signed in {days} days ago. Sign in again.",
    "class_full": "This class has {max:,} pupils already. Ask the teacher.",
    "writing_paused": "The teacher has paused writing.",
    "blocked_by_you": "You have blocked this user. Unblock them to write.",
    # sign_in_needed, not_signed_in, name_taken
    "everybody_signs_in": "Everybody signs in on this server. Sign in with your password first.",
    "site_sign_in": "Sign in on this site first, at {signInUrl}.",
    "another_on_site": "Somebody else is signed in on this site now.",
    "bad_token": "This token is not valid here. Sign in again.",
    "token_out_of_date": "This token is out of date. Sign in again.",
    "token_of_another": "This token is another user's.",
    "token_taken_back": "This token was taken back.",
    "session_ended": "This session has ended. Sign in again.",
    "used_before": "This name was used before, and belongs to whoever used it. Choose another one. "
    "If it is yours, whoever runs this server can give it a password: flask chat add-user.",
    "held_before": "Somebody came with this name before you, so you cannot give it a password. Do it in the session "
    "that came first, or sign out there. Else whoever runs this server can: flask chat add-user.",
    # rate_limited
    "events": "These were too many events. Wait a moment.",
    "messages": "These were too many messages. Wait a moment.",
    "bytes_a_day": "You have sent as many bytes as a user may in a day.",
    "bytes_of_address": "Your address has sent too many bytes. Wait a moment.",
    "strangers": "Strangers send this user too much just now. Wait a moment.",
    "new_names": "These were too many names that nobody has used. Wait a moment.",
    "inits": "You said init too often. Wait a moment.",
    "sockets_of_user": "You have too many sockets open.",
    "sockets_of_address": "Your address holds too many sockets.",
    "streams_of_user": "You have too many streams open.",
    "connections": "These were too many connections. Wait a moment.",
    "first_passwords": "Too many names were given a password from this address. Wait a while.",
    "wrong_passwords": "Too many wrong passwords for this name.",
    "wrong_passwords_everywhere": "Too many wrong passwords for this name, from many places. "
    "Sign in where you did before.",
    "searches": "Too many people search just now. Try again in a moment.",
    "newer_search": "A newer search of yours took this one's place.",
    # unavailable, too_many_sockets
    "not_stored": "This could not be stored just now. Try again in a moment.",
    "no_answer": "The database does not answer just now. Try again.",
    "took_too_long": "This took too long, and was ended. Ask for something longer or rarer.",
    "not_serving": "The server cannot serve just now. Its log says why.",
    "worker_full": "This worker holds {max:,} sockets already (CHAT_MAX_SOCKETS).",
    # not_found, unknown_user, conflict
    "notification": "There is no such notification.",
    "batch": "There is no such batch.",
    "session": "You have no such session.",
    "not_begun": "You have no conversation with this user.",
    "user": "There is no user {userId} here.",
    "key_used": "This Idempotency-Key was used before, for another request.",
    "no_session": "This token names no session (jti): it cannot be signed out, and ends by itself.",
    # bad_handshake, upgrade_required, origin_refused, wrong_host
    "not_a_get": "A WebSocket is opened by GET over HTTP/1.1.",
    "no_upgrade": "The header Connection must say Upgrade.",
    "bad_key": "Sec-WebSocket-Key must be {bytes} bytes in base64.",
    "not_a_websocket": "This path speaks WebSocket. Open it with a WebSocket client.",
    "other_version": "Sec-WebSocket-Version must be {version}.",
    "origin": "The origin {origin!r} is not this server's own, {own!r}. To allow it, add it to the setting CHAT_ORIGINS.",
    "cross_site": "Only a page of this site itself may ask for this.",
    "host": "This chat is not served under the host {host!r}: see CHAT_HOSTS.",
})  # fmt: skip

_WITH_ARTICLE = MappingProxyType({"integer": "an integer", "array": "an array", "object": "an object", "null": "null"})


def sentence(rule: str, field: str | None, params: dict[str, Param]) -> str:
    """Return the rule's sentence. Raises KeyError: there is no such rule, or it has other params."""
    words = {name: _in_words(name, value) for name, value in params.items()}
    return SENTENCES[rule].format_map({"field": field, **words})


def _in_words(name: str, value: Param) -> int | str:
    if not isinstance(value, list):
        return value
    if name == "expected":
        return " or ".join(_WITH_ARTICLE.get(kind, f"a {kind}") for kind in value)
    return " and ".join(filter(None, [", ".join(value[:-1]), value[-1]]))
