"""Beacons that are not there: what a profile says, as a radio that can be found, configured and doubted.

Written from the vendors' documents, not from the dialects that configure: an emulator that shares its encoder with
what it tests proves nothing.
"""
