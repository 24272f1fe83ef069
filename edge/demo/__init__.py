"""A small shop at work on this machine, for people who want to see before they install.

Nothing here replaces a part of the gateway: the daemon, the broker and the consumer are the real programs in
their own processes; only the people and their hands are acted, over a serial line, HTTP and a camera's file.
"""
