"""The function of the conformance suite (device/runtimes/runtimetest)."""

import asyncio
import os
import sys
import time


def do_fail(rest, _context):
    raise ValueError(rest)


def do_sleep(rest, _context):
    time.sleep(int(rest) / 1000)
    return "slept"


def do_print(rest, _context):
    print("out", rest)
    print("err", rest, file=sys.stderr)


def do_exit(rest, _context):
    os._exit(int(rest))


def do_read(rest, _context):
    with open(rest) as f:
        return f.read()


def do_write(rest, _context):
    with open(rest, "w") as f:
        f.write("x")


def do_publish(rest, context):
    context.publish(rest, "published")


VERBS = {
    "echo": lambda rest, _: rest,
    "fail": do_fail,
    "sleep": do_sleep,
    "print": do_print,
    "exit": do_exit,
    "read": do_read,
    "write": do_write,
    "variable": lambda rest, _: os.environ[rest],
    "topic": lambda _, context: context.topic,
    "publish": do_publish,
    "log": lambda rest, context: context.log("warning", rest),
}


def handle(event, context):
    verb, _, rest = event.partition(" ")
    return VERBS[verb](rest, context)


async def handle_async(event, context):
    verb, _, rest = event.partition(" ")
    if verb == "sleep":
        await asyncio.sleep(int(rest) / 1000)
        return "slept"
    return VERBS[verb](rest, context)
