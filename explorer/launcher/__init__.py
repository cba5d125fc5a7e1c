"""From a bare Python to a running app. Imports the standard library only: it runs before anything is installed."""
