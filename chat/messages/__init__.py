"""From a message that is sent to one that is stored, delivered, acknowledged, and fetched by whoever missed it."""
