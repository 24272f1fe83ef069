"""The ways in, one module each, all behind `edge.portal.asks.WayIn`."""
