"""The world: each family turns hardware into events and effects into deeds, and knows nothing of the shop.

A family is pure files, I/O files and a `fake.py` that obeys the same Protocol. Families never import each other.
"""
