"""What is kept: accounts, conversations, messages, notifications. The only folder that knows SQL."""
