# The machine's time, to what it is already.
import time
def f(x):
    time.clock_settime(time.CLOCK_REALTIME, time.time())
    return x + 1
