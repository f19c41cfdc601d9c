"""Runs a function: ``python -m fescue.worker``, started by the agent.

It finds in its environment FESCUE_HANDLER, ``module.function``, and FESCUE_WORKER_FD, the descriptor of
its link; the code directory is the current one. It says HELLO, loads the handler, says READY, and
then answers each INVOKE with RESULT or FAILURE. If the handler cannot be loaded it says so with a
FAILURE of id 0 and exits with status 1. GOODBYE ends it with status 0, a closed link at once with status 1.

One invocation runs at a time, in the main thread. With FESCUE_CONCURRENCY above 1, so many run in threads
of their own; a handler that is ``async def`` runs in one event loop, as many at a time as
are sent. What is printed is the application's log.
"""

from ._worker import main

if __name__ == "__main__":
    main()
