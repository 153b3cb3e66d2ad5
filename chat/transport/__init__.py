"""From bytes on a TCP connection to whole messages, and back: no JSON, no users' rights in here."""
