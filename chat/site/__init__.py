"""What a site's own Python code asks of its chat, behind the extension `Chat`. It uses the parts as handlers and views do."""
