"""MQTT: the journal's outbox to the cloud, and the cloud's commands in. Knows `edge` only.

Pure: topics, payloads, delivery. `mqtt` is the one file with the library; `consumer` is the reference cloud side.
"""
