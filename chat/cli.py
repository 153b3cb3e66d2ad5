"""Owns the list of the commands, `flask chat ...`. Leaves them to the files that declare them."""

from chat.commands import contents, databases, doctor, group, profiles, programs, running, users

FILES = (running, databases, contents, users, profiles, programs, doctor)  # to import them declares their commands

chat_cli = group.chat_cli
is_running = group.is_running
say_how_to_serve = running.say_how_to_serve
