"""A direct-message chat and notification server for Flask."""
