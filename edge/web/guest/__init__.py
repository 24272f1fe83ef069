"""The guest listener: what faces every phone in the shop. Smallest and strictest of the three."""
