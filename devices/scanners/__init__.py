"""Scanners: serial, HID keyboard, HID POS and cameras; one event for all of them. Pure: keymap, hidpos, framing, classify, votes, decode."""
