"""Footfall: people counted by strips of a picture or by a pair of beams. No frame is ever stored."""
