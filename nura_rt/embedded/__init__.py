"""The one-machine default: PostgreSQL and Valkey as child processes on unix sockets.

The servers live exactly as long as the process that started them, and never run as root.
"""
