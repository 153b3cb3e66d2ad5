"""Owns what is risky in the settings, a sentence each, for `flask chat doctor`. Refusing a setting is left to config."""

from chat.config import Settings

LONG_SECONDS = 31 * 24 * 3600  # that a token is valid: whoever gets hold of it is its user for so long


def risks(settings: Settings) -> list[str]:
    """Return what is risky, the worst first."""
    found = []
    if settings.is_open:
        found.append(
            "CHAT_AUTH=open: anybody takes a name that has no password, and reads what was written to it. "
            "Right for a class or a trial; on the internet set CHAT_AUTH=required."
        )
    elif settings.signup == "open" and settings.token_secret:
        found.append(
            "CHAT_SIGNUP=open with CHAT_TOKEN_SECRET: a stranger may make the name of a user of yours, before your "
            "first token names them. Set CHAT_SIGNUP=closed, and make accounts with flask chat add-user."
        )
    elif settings.signup == "open":
        found.append("CHAT_SIGNUP=open: anybody who reaches the server makes an account. CHAT_SIGNUP=closed ends that.")
    if "*" in settings.origins:
        found.append(
            "CHAT_ORIGINS=*: the pages of every site may open a socket, and use the API. Name those that you know."
        )
    if settings.rate_limits == "off":
        found.append("CHAT_RATE_LIMITS=off: one client can take the whole server. It is for a benchmark.")
    if settings.token_ttl > LONG_SECONDS:
        found.append("CHAT_TOKEN_TTL: a token is valid for more than a month, and whoever has it is its user.")
    return found
