"""Adverts become rare facts: who is where, how the beacons are, how much was heard."""
