"""What is done to the routers while the load runs. A fault returns when the routers are ready again."""

import time

from router import START_SECONDS


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


def upgrade(routers, keepers, settled):
    """Every node in turn: its router is replaced, then what keeps its gate, which nothing else should notice."""
    for number, router in enumerate(routers):
        router.shut_down()
        router.start()
        settled()
        for keeper in keepers[number : number + 1]:
            keeper.upgrade()


def killed(routers, pause):
    """One router dies without warning and comes back after `pause` seconds."""
    routers[1].kill()
    time.sleep(pause)
    routers[1].start()


def frozen(routers, pause):
    """One router stops running for `pause` seconds: its kernel completes handshakes, and nobody answers."""
    routers[2].freeze()
    time.sleep(pause)
    routers[2].thaw()


def kills(routers, settled):
    """Every router in turn dies without warning and comes back after 2 seconds."""
    for router in routers:
        router.kill()
        time.sleep(2)
        router.start()
        settled()


def all_dead(routers):
    """All routers die at the same moment, and come back after 3 seconds."""
    for router in routers:
        router.kill()
    time.sleep(3)
    for router in routers:
        router.boot()
    time.sleep(START_SECONDS)
    for router in routers:
        router.become("ready")


# Name, what the table says, how it is done: with the routers, what keeps their gates (nothing or one each), and a
# function that waits for the balancer.
FAULTS = {
    "graceful": ("graceful restart", lambda routers, keepers, settled: graceful(routers)),
    "kill15": ("kill, back after 15 s", lambda routers, keepers, settled: killed(routers, 15)),
    "kill2": ("kill, back after 2 s", lambda routers, keepers, settled: killed(routers, 2)),
    "frozen": ("frozen for 15 s", lambda routers, keepers, settled: frozen(routers, 15)),
    "rolling": ("rolling, all routers", lambda routers, keepers, settled: rolling(routers, settled)),
    "kills": ("kill of each in turn", lambda routers, keepers, settled: kills(routers, settled)),
    "alldead": ("all dead for 3 s", lambda routers, keepers, settled: all_dead(routers)),
    "upgrade": ("rolling, routers and gates", upgrade),
}
USUAL = ("graceful", "kill15", "kill2", "frozen", "kills", "alldead", "rolling")
