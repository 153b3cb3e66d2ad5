"""Owns the list of the commands, `flask chat ...`. Leaves them to the files that declare them."""

from chat.commands import databases, doctor, group, programs, users

FILES = (databases, users, programs, doctor)  # to import them declares their commands

chat_cli = group.chat_cli
is_running = group.is_running
