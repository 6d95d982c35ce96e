# Children that together hold more than one process may.
import os, time
def f(x):
    for _ in range(6):
        if os.fork() == 0:
            held = bytearray(b"x") * (1 << 28)
            time.sleep(20)
            os._exit(0)
    time.sleep(10)
    return x + 1
