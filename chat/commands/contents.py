"""Owns the commands that look at what the database holds: how much, who, and whether it is whole. They change nothing."""

import json

import click

from chat.commands.finding import EXIT_CODES, FAIL, LEVELS, OK, SKIP, WARN, Finding
from chat.commands.group import bar, chat_cli, this_chat
from chat.protocol.structs import iso
from chat.storage.examination import Examined, examine, faults_of_file
from chat.storage.overview import amounts, users
from chat.storage.sizes import Sizes

RESTORE = "Stop the server, and restore a backup."
ANEW = "Stop the server, and run: flask chat index-anew"
LISTS_ANEW = "Stop the server, and run: flask chat lists-anew"


@chat_cli.command("stats")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def stats(as_json: bool) -> None:
    """Count users, conversations, messages and notifications. A server may run."""
    storage = this_chat().storage
    sizes = Sizes(storage.database)
    size = sizes.database() or sizes.ask()
    found = amounts(storage.database)._asdict() | {"database_bytes": size, "wal_bytes": sizes.wal()}
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, count in found.items():
        click.echo(f"{name.replace('_', ' '):<22}{count:>15,}")


@chat_cli.command("list-users")
@click.option("--disabled", is_flag=True, help="Only those who are shut out.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def list_everybody(disabled: bool, as_json: bool) -> None:
    """List everybody who has an account, or has written or been written to."""
    for user in users(this_chat().storage.database):
        if disabled and not user.is_disabled:
            continue
        created, seen = iso(user.created_ms), user.seen_ms and iso(user.seen_ms)
        if as_json:
            state = {"password": user.has_password, "disabled": user.is_disabled}
            click.echo(
                json.dumps({"name": user.name, **state, "created": created, "lastSeen": seen}, ensure_ascii=False)
            )
        else:
            marks = f"{'password' if user.has_password else '-':<9} {'shut out' if user.is_disabled else '-':<9}"
            click.echo(f"{marks} {created}  {seen or '-':<24}  {user.name}")


@chat_cli.command("check")
def check() -> None:
    """Look whether the database is whole: its file, the numbers of its messages, the lists, the index. A server may run.

    Reads all of it, which takes some seconds for a million messages. Exits with 2 where something is broken.
    """
    database = this_chat().storage.database
    click.echo("Reading the file ...", err=True)
    faults = faults_of_file(database)
    if faults is None:
        findings = [Finding(SKIP, "file", "PostgreSQL has pg_amcheck.")]
    else:
        findings = _all("file", faults, "No page is broken.", RESTORE)
    with bar("Conversations") as progress:
        found = examine(database, progress)
    findings += _of_conversations(found)
    for finding in findings:
        click.echo(str(finding))
    raise SystemExit(EXIT_CODES[max(findings, key=lambda one: LEVELS.index(one.level)).level])


def _of_conversations(found: Examined) -> list[Finding]:
    counted = f"{found.messages:,} messages of {found.conversations:,} conversations"
    return [
        *_all("sequences", found.gaps, f"No gap is in the {counted}.", RESTORE),
        *_all("pointers", found.pointers, "Nobody has read what there is not.", RESTORE),
        *_all("lists", found.lists, "Each conversation is listed where its last message has it.", LISTS_ANEW),
        *_all("unread", found.unread, "The numbers are those of the messages.", LISTS_ANEW),
        *_behind(found),
        *_all("index", found.unindexed, "What it should hold, it holds.", ANEW),
    ]


def _behind(found: Examined) -> list[Finding]:
    said = f"{found.behind:,} conversations, which an older program has written to, are neither listed nor counted yet."
    return [Finding(WARN, "lists", said, "A server does it within ten minutes.")] if found.behind else []


def _all(name: str, faults: list[str], well: str, todo: str) -> list[Finding]:
    return [Finding(FAIL, name, fault, todo) for fault in faults] or [Finding(OK, name, well)]
