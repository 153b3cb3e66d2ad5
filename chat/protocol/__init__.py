"""The words and bytes on the wire; nothing here knows a socket."""
