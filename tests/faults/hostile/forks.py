# Two hundred processes that wait.
import os, time
def f(x):
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
    return x + 1
