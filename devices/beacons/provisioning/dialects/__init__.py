"""How each kind of beacon is talked to. One small room a dialect; what differs between models is in their profiles."""
