"""Class mode, `python -m chat.classroom`: a site around a chat, for one lesson. See docs/class.md."""
