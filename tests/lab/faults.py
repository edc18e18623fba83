"""What is done to the routers while the load runs. A fault returns when the routers are ready again."""

import time


def graceful(routers):
    """One router is replaced as a rolling update replaces a pod."""
    routers[0].shut_down()
    routers[0].start()


def rolling(routers, settled):
    """Every router is replaced in turn; the next one when the balancer has all of them back."""
    for router in routers:
        router.shut_down()
        router.start()
        settled()


def killed(routers, pause):
    """One router dies without warning and comes back after `pause` seconds."""
    routers[1].kill()
    time.sleep(pause)
    routers[1].start()


# Name, what the table says, how it is done (with the routers and a function that waits for the balancer).
FAULTS = {
    "graceful": ("graceful restart", lambda routers, settled: graceful(routers)),
    "kill15": ("kill, back after 15 s", lambda routers, settled: killed(routers, 15)),
    "kill2": ("kill, back after 2 s", lambda routers, settled: killed(routers, 2)),
    "rolling": ("rolling, all routers", rolling),
}
