"""The commands for whoever runs the server, `flask chat ...`, a file for each of their subjects."""
