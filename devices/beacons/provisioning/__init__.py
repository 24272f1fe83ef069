"""Settings are written to beacons, verified, and put back when something fails."""
