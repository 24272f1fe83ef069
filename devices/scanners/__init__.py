"""Scanners: serial, HID keyboard, HID POS and cameras; one event for all of them.

Pure, and kept so: aim, bars, classify, embedded, framing, gs1, gtin, hid_descriptor, keymap, layouts, looks, pairing,
payment, pos_reports, sheet, trust. The world: appear, attached, camera, candidates, descriptor, hid_keyboard,
hid_pos, listen, outlet, serial.
"""
