"""Puts many devices into the database of a server: ones that were never there, for lists.

usage: fleet.py DATABASE DEVICES

Every application that is stored is placed on one of them, the first on all; of the first
there is a deployment on all, which has come some way.
"""
import json
import sqlite3
import sys
import time

database, count = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(database, timeout=30, isolation_level=None)
now = int(time.time() * 1e6)
sites = ["berlin", "lyon", "porto", "turku"]
devices = [f"edge-{i:03}" for i in range(count)]
states = ["running"] * 7 + ["stopped", "restarting", "failed"]

db.execute("BEGIN IMMEDIATE")
db.executemany(
    "INSERT INTO devices (id, platform, agent, labels, facts, revision, created_at, last_seen_at) VALUES (?,?,?,?,?,1,?,?)",
    [
        (d, "linux/arm64", "1.0.0", json.dumps({"site": sites[i % 4], "rack": str(i // 40)}), "{}", now, now - i * 60_000_000)
        for i, d in enumerate(devices)
    ],
)
apps = db.execute("SELECT id, name, version FROM applications ORDER BY name").fetchall()
deployment = db.execute("UPDATE counters SET value = value + 1 WHERE name = 'deployments' RETURNING value").fetchone()[0]
first = apps[0]
db.execute(
    "INSERT INTO deployments (id, name, version, status, created_at, updated_at) VALUES (?,?,?,'running',?,?)",
    (deployment, first[1], first[2], now, now),
)
db.executemany(
    "INSERT INTO deployment_devices (deployment_id, device_id, status, step, message, updated_at) VALUES (?,?,?,?,?,?)",
    [
        (deployment, d, "failed" if i % 50 == 7 else "queued" if i % 5 == 0 else "succeeded", "", "no room" if i % 50 == 7 else "", now)
        for i, d in enumerate(devices)
    ],
)
placed = [(d, first, i) for i, d in enumerate(devices)]
placed += [(devices[i % count], app, i) for i, app in enumerate(apps[1:])]
db.executemany(
    "INSERT INTO placements (device_id, name, application_id, deployment_id, good_application_id, good_deployment_id,"
    " good_desired, desired, state, actual, message, updated_at) VALUES (?,?,?,?,?,?,'running','running',?,?,'',?)",
    [(d, app[1], app[0], deployment, app[0], deployment, states[i % 10], app[2], now) for d, app, i in placed],
)
db.execute("COMMIT")
print(deployment)
