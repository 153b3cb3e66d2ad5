"""What Prometheus may ask for: the kinds of figures, their text, and what several workers know together."""
