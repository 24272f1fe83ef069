"""The reference reader: the cloud's side of the contract, small enough to read, good enough to run.

Each event once by `(source, id)`, in SQLite or PostgreSQL; a report of gaps in which received + lost = produced,
exactly; acknowledged to the broker only after the commit; the watermark only after that. Nothing in here is used by the
gateway.
"""
