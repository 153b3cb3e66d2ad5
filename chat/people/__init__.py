"""Who somebody is and who is here: names, tokens, passwords, presence."""
