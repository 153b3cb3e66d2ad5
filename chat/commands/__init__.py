"""The commands for whoever runs the server, `flask chat ...`, a file for each of their subjects."""

# To import them declares their commands.
from chat.commands import contents, databases, doctor, profiles, programs, running, users  # noqa: F401
