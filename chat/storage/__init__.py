"""What is kept: accounts, conversations, messages, notifications. The only room that knows SQL."""
