"""The admin listener: status, metrics, the local API. Loopback, or a management network with a token."""
