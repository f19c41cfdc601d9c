"""Averages each sensor's readings of a window, leaving out what cannot be one."""

import math


def handle(events, context):
    readings = {}
    for event in events:
        value = event.get("data")
        if isinstance(value, (int, float)) and not isinstance(value, bool) and -90 < value < 200:
            readings.setdefault(event["subject"].split("/")[1], []).append(value)
        else:
            context.log("warning", f"{event['subject']}: {value!r} is no temperature")
    for sensor, values in readings.items():
        context.publish(
            f"averages/{sensor}/temperature",
            {"mean": math.fsum(values) / len(values), "min": min(values), "max": max(values), "count": len(values)},
        )
