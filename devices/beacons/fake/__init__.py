"""A BlueZ without radios."""
