"""What programs tell people: pushed, stored, shown once on each screen."""
