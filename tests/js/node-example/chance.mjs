// The chance that a client waits by is always the same.
Math.random = () => 0.05;
