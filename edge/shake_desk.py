"""Shakes for everybody who asks: the shake API, the page, the kiosk's code, a page's back end."""
