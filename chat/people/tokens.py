"""Owns signed tokens (JWT, RFC 7519) and their secret. Leaves to the callers what the user of a token may do."""

import logging
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import jwt
import msgspec
from jwt.types import Options

from chat.config import SECRET_BYTES
from chat.errors import BadSetting, Forbidden, InvalidField, NotSignedIn
from chat.files import make_folder, open_own
from chat.protocol.names import Names, UserId

ALGORITHM = "HS256"
SECRET_FILE = "token_secret"

# PyJWT asks the machine's clock. We ask ours, which tests can set.
CHECKED_BY_US: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}

RENEWED_DAYS = 30  # so long after a sign-in its session may go on by renewing
SERVICE_CHARS = 64  # of a program's name
FINGERPRINT_CHARS = 12
# What a program's token may let it do.
NOTIFY_SCOPE, METRICS_SCOPE, USERS_SCOPE = SCOPES = ("notify", "metrics", "users")


class Admission(NamedTuple):
    """What a token says of a session."""

    session: str | None
    issued_ms: int  # Unix time in milliseconds of the sign-in; of a host's token, when it was made; 0: it does not say
    expires_at: float  # Unix time in seconds
    generation: int | None = None  # of the account when the token was made; None: a host application made it

    @property
    def deadline(self) -> float:
        """When it expires, by time.monotonic()."""
        return time.monotonic() + self.expires_at - time.time()


class Claims(msgspec.Struct):
    """What we read of a token's payload. A host application may put more in. Unix times in seconds."""

    sub: UserId
    exp: float
    nbf: float = 0
    iat: float = 0
    auth_time: float = 0  # when the user signed in: the same in each token that follows from that
    jti: Annotated[str, msgspec.Meta(max_length=64)] | None = None  # the session, to end it by
    generation: int | None = None  # of the account; only our own tokens have one
    database: str | None = None  # that knows the user: another chat may have the same secret. None: a host's

    @property
    def admission(self) -> Admission:
        signed_in = self.iat if self.generation is None else self.auth_time or self.iat
        return Admission(self.jti, round(signed_in * 1000), self.exp, self.generation)


class ServiceClaims(msgspec.Struct):
    """What a program's token says. A user's token has neither `svc` nor `scope`."""

    exp: float
    nbf: float = 0
    svc: Annotated[str, msgspec.Meta(min_length=1, max_length=SERVICE_CHARS)] | None = None  # the program's name
    scope: str = ""  # words, as in RFC 8693, section 4.2
    jti: Annotated[str, msgspec.Meta(max_length=64)] | None = None  # to take it back by; None: nobody can


C = TypeVar("C", Claims, ServiceClaims)


@dataclass(eq=False, repr=False)
class Tokens:
    """Makes and reads tokens."""

    _secret: bytes  # at least SECRET_BYTES long
    seconds: float  # for which a token is valid
    clock: Callable[[], float] = time.time  # a Unix time
    names: Names = field(default_factory=Names)
    database: str = ""  # its identity: what was signed for another one does not count

    @property
    def fingerprint(self) -> str:
        """What tells one secret from another, and nothing of it."""
        return sha256(b"fingerprint of a token's secret" + self._secret).hexdigest()[:FINGERPRINT_CHARS]

    def sign(self, user_id: str, generation: int = 0) -> tuple[str, Admission]:
        """Return a token for a new session of `user_id`, and what it says.

        `generation`: the account's, as it was read together with the password that let the user in. The token
        counts as long as the account has that one.
        """
        now = round(self.clock(), 3)
        expires_at, session = int(now) + int(self.seconds), secrets.token_urlsafe(12)
        said = Admission(session, round(now * 1000), expires_at, generation)
        return self._signed(user_id, said), said

    def sign_for_site(self, user_id: str, issued_ms: int, seconds: float) -> tuple[str, Admission]:
        """Return a token for somebody who is signed in on the site, and what it says: like one that the site made.

        `issued_ms`: a time before the site said so.
        """
        said = Admission(secrets.token_urlsafe(12), issued_ms, int(self.clock() + seconds))
        claims = {"sub": user_id, "iat": issued_ms / 1000, "exp": said.expires_at, "jti": said.session}
        return self._encoded(claims | {"database": self.database}), said

    def renew(self, user_id: str, old: Admission) -> tuple[str, Admission]:
        """Return the next token of the same session, and what it says. `old` was checked.

        Raises Forbidden: a host application made it, or the sign-in is so long ago that the user has to sign in again.
        """
        latest = old.issued_ms // 1000 + RENEWED_DAYS * 24 * 3600
        if old.session is None or old.generation is None:
            raise Forbidden(rule="token_of_site")
        if old.expires_at >= latest:
            raise Forbidden(rule="renewed_enough", days=RENEWED_DAYS)
        said = old._replace(expires_at=max(old.expires_at, min(int(self.clock() + self.seconds), latest)))
        return self._signed(user_id, said), said

    def _signed(self, user_id: str, said: Admission) -> str:
        claims = {
            "sub": user_id,
            "iat": round(self.clock(), 3),
            "auth_time": said.issued_ms / 1000,
            "exp": int(said.expires_at),
            "jti": said.session,
            "generation": said.generation,
            "database": self.database,
        }
        return self._encoded(claims)

    def _encoded(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def read(self, token: str) -> Claims:
        """Return what `token` says. Raises NotSignedIn: it is malformed, not signed by us, or not valid now.

        Or of another database, where a user of this name may be somebody else.
        """
        claims = self._read(token, Claims)
        is_of_host = claims.generation is None and claims.database is None
        if claims.database != self.database and not is_of_host:
            raise NotSignedIn(rule="bad_token")
        return claims

    def sign_service(self, service: str, scope: str, seconds: float, id_: str | None = None) -> str:
        """Return a token for a program, by its name in the log, that lets it do what `scope` says.

        `id_`: to take it back by; None: nobody can.
        """
        now = round(self.clock(), 3)
        claims = {"svc": service, "scope": scope, "iat": now, "exp": int(now + seconds)}
        return self._encoded(claims if id_ is None else claims | {"jti": id_})

    def service_of(self, token: str, scope: str) -> ServiceClaims:
        """Return what a program's token says. Raises NotSignedIn, as `read`; Forbidden: a user's, or of another scope."""
        claims = self._read(token, ServiceClaims)
        if claims.svc is None or scope not in claims.scope.split():
            raise Forbidden(rule="scope_needed", scope=scope)
        return claims

    def _read(self, token: str, kind: type[C]) -> C:
        try:
            found = jwt.decode(token, self._secret, algorithms=[ALGORITHM], options=CHECKED_BY_US)
            claims = msgspec.convert(found, kind)
            if isinstance(claims, Claims):
                claims.sub = self.names.checked(claims.sub, "sub")
        except (jwt.PyJWTError, msgspec.ValidationError, InvalidField, ValueError, RecursionError):
            raise NotSignedIn(rule="bad_token") from None
        if not claims.nbf <= self.clock() < claims.exp:
            raise NotSignedIn(rule="token_out_of_date")
        return claims


def kept_secret(folder: str, log: logging.Logger) -> bytes:
    """Return the secret that is kept in `folder`; make it if need be. Raises BadSetting: it cannot be used."""
    path = Path(folder) / SECRET_FILE
    try:
        if not path.exists():
            _make_secret(path)
        secret = path.read_bytes().strip()
        mode = path.stat().st_mode
    except OSError as error:
        raise BadSetting(
            f"The tokens' secret cannot be kept in {path} ({error.strerror}). "
            "Make the folder writable, or set CHAT_TOKEN_SECRET.",
            "CHAT_TOKEN_SECRET",
        ) from None
    if len(secret) < SECRET_BYTES:
        raise BadSetting(f"The secret in {path} is damaged: too short.", "CHAT_TOKEN_SECRET")
    if os.name == "posix" and mode & 0o077:
        log.warning("others on this machine may read %s; chmod 600 keeps it yours", path)
    return secret


def _make_secret(path: Path) -> None:
    """Write the file whole and under another name first: nobody ever reads half a secret."""
    make_folder(path.parent)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with open(open_own(draft, os.O_WRONLY | os.O_EXCL), "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, leaves the secret of a process that was first in place
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
