# Its own process is idle, its children are not.
import os
def f(x):
    for _ in range(3):
        if os.fork() == 0:
            while True: pass
    os.wait()
