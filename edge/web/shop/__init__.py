"""Pages that face the shop: kiosks (`kiosk.py`, `screens.py`) and the till's API (`till.py`).

A kiosk's page keeps nothing: what a shopper does lives in `visits.py` until the visit ends.
"""
