"""The gateway itself: the shop's rules, its journal, its pages and its command line.

Only `edge.daemon` (and the command line above it) may import `devices` or `cloud_bridge`.
"""

__version__ = "0.1.0"
